"""What a command looks like on a terminal (a real pseudo-terminal) and in a pipe (a real pipe); and what it loads."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.fake_api import FakeApi, Frame, a_container

ROOT = Path(__file__).parents[2]


def environment(api: FakeApi) -> dict[str, str]:
    keys = {"RANCHER_URL": api.url, "RANCHER_ACCESS_KEY": "A", "RANCHER_SECRET_KEY": "S"}
    return os.environ | keys | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100", "LINES": "20"}


@pytest.fixture
def scaling(api: FakeApi) -> FakeApi:
    def web(*states: str) -> dict[str, dict[str, object]]:
        containers = [a_container(n, state=s, transitioningMessage=f"[{s}]") for n, s in enumerate(states, 1)]
        return {"web": {"scale": 2, "containers": containers}}

    api.frames = [Frame(services=web("running", "starting")), Frame(services=web("running", "running"))]
    return api


COMMAND = [sys.executable, "-m", "trailboss", "scale", "-p", "shop", "web=2"]


def test_on_a_terminal_a_table_is_drawn_in_place(scaling: FakeApi) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(COMMAND, env=environment(scaling), stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other side has closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    assert process.wait(60) == 0
    text = seen.decode()
    assert "\x1b[1A" in text, "the cursor goes up to draw anew"
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert "web 1/2 active" in plain
    assert "web 2/2 active" in plain
    assert re.search(r"shop_web_2\s+starting\s+\[starting\]", plain)


def test_in_a_pipe_each_change_is_one_plain_line(scaling: FakeApi) -> None:
    done = subprocess.run(COMMAND, env=environment(scaling), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "stack shop: active",
        "service web: active",
        "shop_web_1: running: [running]",
        "shop_web_2: starting: [starting]",
        "shop_web_2: running: [running]",
    ]


def test_a_reader_that_leaves_early_is_no_traceback(scaling: FakeApi) -> None:
    line = f"{sys.executable} -m trailboss ps | true"
    done = subprocess.run(line, shell=True, env=environment(scaling), capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr


HEAVY = ("sqlalchemy", "starlette", "uvicorn", "psycopg", "alembic", "aiodocker", "aiohttp", "ruamel", "structlog")


@pytest.mark.parametrize("arguments", [["ps"], ["ps", "--json"], ["--help"], ["host", "ls"]])
def test_what_a_command_does_not_need_it_does_not_load(scaling: FakeApi, arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from trailboss.cli.app import app\n"
        f"app({arguments!r}, standalone_mode=False)\n"
        f"print(*(m for m in {HEAVY!r} if m in sys.modules), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(scaling), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr.strip()) == (0, "")
