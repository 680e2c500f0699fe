"""`trailboss agent`, up to where the agent's own process takes over (`tests/host` has the rest)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def agent(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trailboss", "agent", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_bad_option_is_refused_before_anything_starts(tmp_path: Path) -> None:
    ended = agent("--server", "nowhere", "--data", str(tmp_path / "agent"))
    assert (ended.returncode, (tmp_path / "agent").exists()) == (2, False)
    assert "--server 'nowhere': the address of the server" in ended.stderr


def test_who_has_neither_keys_nor_a_token_is_told_so_and_ends_with_the_code_for_failed(tmp_path: Path) -> None:
    ended = agent("--server", "http://127.0.0.1:9", "--data", str(tmp_path / "agent"))
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.startswith("error: this host has not joined yet: set TRAILBOSS_TOKEN")
