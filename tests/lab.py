"""Docker Engines for tests: each is a small host of its own, made and taken down by the test.

A lab is a network namespace with one leg to the machine, a PID and mount namespace held by a process of ours, and a
dockerd in them with folders and a socket of its own. So it cannot meet the machine's Docker or another lab: its
firewall rules, bridges, mounts and processes are in its own namespaces, and killing the holder ends them all.

    with a_lab() as lab:
        lab.docker                      docker-py client, the independent observer
        lab.url                         unix:// address for an agent
        lab.command("python", ...)      the command, as it is run on that host
        lab.address, lab.outside        the host's address; the machine's address as the host sees it
        lab.kill_engine(), lab.start_engine()

Needs root and the packages docker.io, iptables, iproute2, util-linux, busybox-static. Leftovers of a dead test are
cleared by the next one that takes the same number.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import docker
from docker.errors import DockerException

from tests.waiting import eventually

ROOT = Path("/tmp/tbl")
"""Short, because a unix socket's path may have about 100 characters and the engine adds to it."""
MOST = 32
IMAGE = "trailboss-test:latest"
READY_S = 60

HOLDER = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True: signal.pause()"
"""PID 1 of a lab: it lives, and lets the kernel reap what is orphaned."""

SERVE = """#!/bin/sh
# PID 1 of test containers: ends at once on SIGTERM, which the kernel keeps from a PID 1 without a handler.
trap 'exit 0' TERM
echo started
httpd -p 80 -h /www
while :; do sleep 3600 & wait $!; done
"""


class Lab:
    """One host. Made by `a_lab`."""

    def __init__(self, number: int, lock: IO[str]) -> None:
        self.number, self._lock = number, lock
        self.folder = ROOT / str(number)
        self.socket = self.folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self.outside, self.address = f"198.18.{number}.1", f"198.18.{number}.2"
        self.interface = f"tbl{number}"
        self._holder: subprocess.Popen[bytes] | None = None
        self._engine: subprocess.Popen[bytes] | None = None
        self._client: docker.DockerClient | None = None

    @property
    def docker(self) -> docker.DockerClient:
        """A client of this engine."""
        if self._client is None:
            self._client = docker.DockerClient(base_url=self.url, version="1.41", timeout=60)
        return self._client

    def open(self) -> None:
        """Make the namespaces and the network leg."""
        self.clear()
        for name in ("data", "exec"):
            (self.folder / name).mkdir(parents=True)
        spaces = ("--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "slave")
        self._holder = subprocess.Popen(["unshare", *spaces, sys.executable, "-c", HOLDER], start_new_session=True)
        eventually(lambda: _children(self._holder_pid), what="the holder of the lab's namespaces starts")
        (self.folder / "holder").write_text(f"{self._holder_pid} {_start_time(self._holder_pid)}")
        ip = ("ip", "link", "add", self.interface, "type", "veth", "peer", "name", "eth0", "netns", str(self._inner))
        eventually(lambda: self._has_own_network(), what="the lab's network namespace is made")
        _run(*ip)
        _run("ip", "addr", "add", f"{self.outside}/24", "dev", self.interface)
        _run("ip", "link", "set", self.interface, "up")
        for command in (
            "link set lo up",
            f"addr add {self.address}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {self.outside}",
        ):
            _run(*self.command("ip", *command.split()))

    @property
    def _holder_pid(self) -> int:
        assert self._holder is not None, "the lab is not open"
        return self._holder.pid

    @property
    def _inner(self) -> int:
        """PID 1 of the lab, as the machine numbers it."""
        return _children(self._holder_pid)[0]

    def _has_own_network(self) -> bool:
        return Path(f"/proc/{self._inner}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()

    def command(self, *command: str) -> list[str]:
        """Return the command line that runs a command in the lab's network, with the machine's files and pids."""
        return ["nsenter", f"--net=/proc/{self._inner}/ns/net", "--", *command]

    def start_engine(self) -> None:
        """Start dockerd and wait until it answers."""
        (self.folder / "docker.pid").unlink(missing_ok=True)
        (self.folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)
        # Without a file of its own the engine would read the machine's daemon.json.
        (self.folder / "daemon.json").write_text('{"insecure-registries": ["198.18.0.0/16"]}')
        arguments = {
            "config-file": self.folder / "daemon.json",
            "host": self.url,
            "data-root": self.folder / "data",
            "exec-root": self.folder / "exec",
            "pidfile": self.folder / "docker.pid",
            "bip": "172.31.255.1/24",
            "cgroup-parent": f"/{self.interface}",
        }
        enter = ("nsenter", "--target", str(self._inner), "--net", "--mount", "--pid", "--")
        with (self.folder / "docker.log").open("ab") as log:
            self._engine = subprocess.Popen(
                [*enter, "dockerd", *(f"--{name}={value}" for name, value in arguments.items())],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, READY_S, f"dockerd of lab {self.number} answers; see {self.folder}/docker.log")

    def _answers(self) -> bool:
        assert self._engine is not None
        if self._engine.poll() is not None:
            raise AssertionError("dockerd ended:\n" + (self.folder / "docker.log").read_text()[-3000:])
        with suppress(DockerException, OSError):
            return bool(self.docker.ping())
        return False

    @property
    def engine_pid(self) -> int:
        """Pid of dockerd itself, as the machine numbers it."""
        assert self._engine is not None, "the engine was not started"
        return _children(self._engine.pid)[0]

    def kill_engine(self, number: int = signal.SIGKILL) -> None:
        """End dockerd as a crash would (or by another signal), and wait until it is gone; containers go on."""
        assert self._engine is not None
        os.kill(self.engine_pid, number)
        self._engine.wait(60)

    def make_image(self, tag: str = IMAGE) -> str:
        """Make the test image: static busybox, a page on port 80, a PID 1 that handles SIGTERM."""
        repository, _, version = tag.partition(":")
        self.docker.api.import_image_from_data(
            image_layer(), repository=repository, tag=version, changes=['CMD ["/serve"]']
        )
        return tag

    def close(self) -> None:
        """End everything of this lab and remove its folder."""
        if self._client is not None:
            self._client.close()
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait(30)
        if self._engine is not None:
            self._engine.wait(30)
        self.clear()
        self._lock.close()

    def clear(self) -> None:
        """Remove what is left of this number: a holder that outlived its test, the leg, cgroups, the folder."""
        with suppress(OSError, ValueError):
            holder, started = (self.folder / "holder").read_text().split()
            if _start_time(int(holder)) == started:
                os.kill(int(holder), signal.SIGKILL)
        subprocess.run(["ip", "link", "del", self.interface], capture_output=True, check=False)
        # What was in the namespaces ends with their holder; what else names this lab's files is of a test that died.
        for pid in _processes_naming(f"{self.folder}/"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: not _processes_naming(f"{self.folder}/"), what="the lab's processes end")
        _remove_cgroups(self.interface)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def a_lab(*, image: bool = True, engine: bool = True) -> Iterator[Lab]:
    """Give a host of its own for the time of the block."""
    lab = _take_number()
    try:
        lab.open()
        if engine:
            lab.start_engine()
        if engine and image:
            lab.make_image()
        yield lab
    finally:
        lab.close()


def _take_number() -> Lab:
    """Take the first number that no living test holds; the lock goes with the process, however it ends."""
    ROOT.mkdir(exist_ok=True)
    for number in range(MOST):
        lock = (ROOT / f"{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return Lab(number, lock)
    raise AssertionError(f"all {MOST} labs are taken")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _start_time(pid: int) -> str | None:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return None


def _processes_naming(text: str) -> list[int]:
    """Pids of the processes (not this one) whose command line holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def _remove_cgroups(name: str) -> None:
    """Remove the empty control groups that killed containers leave; the kernel refuses those in use."""
    base = Path("/sys/fs/cgroup")
    for top in [base / name, *(entry / name for entry in base.iterdir() if entry.is_dir())]:
        if top.is_dir():
            for folder, _, _ in os.walk(top, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()


def image_layer() -> bytes:
    """Return the files of the test image, as a tar."""
    busybox = shutil.which("busybox")
    assert busybox, "the package busybox-static is missing"
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    files = {
        "bin/busybox": (Path(busybox).read_bytes(), 0o755),
        "serve": (SERVE.encode(), 0o755),
        "www/index.html": (b"hello\n", 0o644),
        "etc/passwd": (b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", 0o644),
        "etc/group": (b"root:x:0:\nnogroup:x:65534:\n", 0o644),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, (content, mode) in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
        for name in names:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
    return packed.getvalue()
