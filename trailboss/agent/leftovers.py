"""What a killed engine has lost sight of, cleared away.

A Docker Engine that is killed while it starts a container does not know of what it began when it is back (seen with
Docker 20.10 and containerd 1.6): the container's process, or the shim of containerd that was to start it, runs on;
`docker ps` does not show it; the container cannot be started again ("task already exists"); and removing it leaves the
process. The kernel knows them: the control group, or the shim's command line, carries Docker's id of the container.
When a shim is gone, containerd cleans up after it; but a folder that it had not filled yet stays, and is in the way.

In: Docker's ids of containers of ours that, by Docker, do not run. Out: nothing of them is left.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable
from pathlib import Path

import structlog

log = structlog.get_logger()

SETTLE_S = 1.0
"""How long containerd may take to clean up after a shim; also, how long Docker may take to start a container."""
_EXISTS = re.compile(r"task [0-9a-f]{64}: already exists|file exists")
_BUNDLE = re.compile(r"mkdir (/\S+/io\.containerd\.runtime\.v2\.task/\w+/[0-9a-f]{64}): file exists")
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def processes_of(docker_ids: Iterable[str], proc: Path = Path("/proc")) -> dict[int, str]:
    """Return pid -> Docker's id of the processes that belong to containers. Reads files for every process of the
    machine: call it in a thread, and seldom."""
    wanted = set(docker_ids)
    found = {}
    for folder in proc.iterdir() if wanted else ():
        if folder.name.isdigit():
            ids = wanted.intersection(_ids(folder))
            if ids:
                found[int(folder.name)] = ids.pop()
    return found


def kill(processes: dict[int, str], proc: Path = Path("/proc")) -> None:
    """Kill those of the processes that are still what they were; a pid may have been given to another since."""
    for pid, docker_id in processes.items():
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if docker_id in _ids(proc / str(pid)):
                log.warning("a process that Docker has lost is ended", pid=pid, docker_id=docker_id[:12])
                signal.pidfd_send_signal(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
        finally:
            os.close(process)


def is_in_the_way(message: str) -> bool:
    """Say whether Docker refuses to start a container because of what it has lost sight of."""
    return bool(_EXISTS.search(message))


def clear(docker_id: str, message: str) -> None:
    """Clear away what is left of a start of a container that does not run. message: why Docker refuses to start it.
    Takes a while: call it in a thread. Raises OSError if something of the container is still in use."""
    kill(processes_of([docker_id]))
    found = _BUNDLE.search(message)
    if found and found[1].endswith("/" + docker_id):
        log.warning("a start that Docker has lost is cleared away", docker_id=docker_id[:12], folder=found[1])
        remove_bundle(Path(found[1]))


def remove_bundle(folder: Path) -> None:
    """Remove containerd's folder of a task. Raises OSError if a file system is mounted in it, or it is not of the
    known form: then nothing is removed."""
    rootfs = folder / "rootfs"
    if rootfs.is_dir():
        rootfs.rmdir()  # refused unless it is empty and no mount point
    for entry in list(folder.iterdir()):
        entry.unlink()
    folder.rmdir()


def _ids(folder: Path) -> list[str]:
    try:
        found = _ID.findall((folder / "cgroup").read_text())
        words = (folder / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []  # it has ended meanwhile
    if Path(words[0]).name.startswith("containerd-shim") and "-id" in words[:-1]:
        found.append(words[words.index("-id") + 1])
    return found
