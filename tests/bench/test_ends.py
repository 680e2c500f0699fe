"""What a benchmark has started ends with it, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
SERVER = "from bench import databases, fleet\nwith databases.sqlite() as url, fleet.server(url) as found:"
FLOOR = "from bench import databases, fleet\nwith databases.sqlite() as url, fleet.floor(url, 100) as found:"
POSTGRES = "from bench import databases\nwith databases.postgres() as found:"
CASES = [SERVER, FLOOR, pytest.param(POSTGRES, marks=pytest.mark.postgres)]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.crash
@pytest.mark.parametrize("program", CASES, ids=["server", "floor", "postgres"])
def test_it_leaves_nothing_behind_when_it_is_killed(program: str) -> None:
    command = [sys.executable, "-c", f"{program}\n    print('up', flush=True)\n    input()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        # a killed one cannot remove its files
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | {"TMPDIR": folder}, text=True, **pipes) as bench,
    ):
        Path(folder).chmod(0o755)
        assert bench.stdout is not None
        assert bench.stdout.readline() == "up\n"
        started = children(bench.pid)
        assert started
        bench.kill()
        eventually(lambda: not any(map(runs, started)), what=f"{started} end")
