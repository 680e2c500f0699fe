"""Processes that an engine has lost, ended.

A Docker Engine that is killed while it starts a container does not know of what it began when it is back (seen with
Docker 20.10): the container's process, or the shim of containerd that was to start it, runs on; `docker ps` does not
show it; the container cannot be started again ("task already exists"); and removing it leaves the process. The kernel
knows them: the control group, or the shim's command line, carries Docker's id of the container. When a shim is gone,
containerd cleans up after it.

In: Docker's ids of containers of ours that, by Docker, do not run. Out: their processes are gone.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable
from pathlib import Path

import structlog

log = structlog.get_logger()

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


def _ids(folder: Path) -> list[str]:
    try:
        found = _ID.findall((folder / "cgroup").read_text())
        words = (folder / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []  # it has ended meanwhile
    if Path(words[0]).name.startswith("containerd-shim") and "-id" in words[:-1]:
        found.append(words[words.index("-id") + 1])
    return found
