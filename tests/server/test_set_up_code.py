"""The file with the set-up code: who gets one, and that a code stays used whatever happens to the server."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx2
import pytest

from tests.server.conftest import StartProcess, StartServer
from tests.server.serving import free_port
from tests.server.test_recovery import admin
from trailboss.resources import set_up
from trailboss.resources.setting import store
from trailboss.server.process import Started

pytestmark = pytest.mark.slow

FILE = "set-up-code"


def send(url: str, code: str) -> tuple[int, str]:
    answer = httpx2.post(f"{url}/v1/token", json={"code": code}, timeout=30)
    return answer.status_code, answer.json().get("code") or answer.json()["userType"]


def code_of(data: Path) -> str:
    return (data / FILE).read_text().strip()


def is_there(server: Started) -> bool:
    return (server.running.data / FILE).exists()


def test_a_first_start_offers_a_code_to_its_owner_only_and_a_used_one_goes(start_server: StartServer) -> None:
    server = start_server()
    data = server.running.data
    code = code_of(data)
    assert stat.S_IMODE((data / FILE).stat().st_mode) == 0o600
    server.stop()
    server = start_server()
    assert code_of(data) == code, "it waits"
    assert send(server.url, code) == (201, "admin")
    server.stop()
    server = start_server()
    assert not is_there(server)
    assert send(server.url, code) == (401, "SetUpCodeUsed")


def test_who_turns_access_control_on_later_is_offered_one(start_server: StartServer) -> None:
    server = start_server(access_control="off")
    assert not is_there(server), "everybody is administrator"
    server.stop()
    server = start_server(access_control="on")
    assert send(server.url, code_of(server.running.data)) == (201, "admin")
    server.stop()
    server = start_server(access_control="off")
    server.running.store.write(lambda tx: store(tx, "api.auth.provider.configured", "localAuthConfig"))
    server.stop()
    assert not is_there(start_server(access_control="on")), "people can log in"


def test_one_that_nobody_used_in_its_time_is_made_anew(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_up, "CODE_MS", 0)
    server = start_server()
    old = code_of(server.running.data)
    assert send(server.url, old) == (401, "SetUpCodeExpired")
    server.stop()
    monkeypatch.undo()
    server = start_server()
    assert send(server.url, old) == (401, "InvalidSetUpCode")
    assert send(server.url, code_of(server.running.data)) == (201, "admin")


def test_the_command_makes_another_one_while_nobody_can_log_in(start_server: StartServer) -> None:
    server = start_server()
    data = server.running.data
    first = code_of(data)
    server.stop()
    made = admin(data, "set-up-code")
    assert made.returncode == 0, made.stderr
    assert not (data / FILE).exists()
    server = start_server()
    assert send(server.url, first) == (401, "InvalidSetUpCode")
    assert send(server.url, made.stdout.strip()) == (201, "admin")
    server.running.store.write(lambda tx: store(tx, "api.auth.provider.configured", "localAuthConfig"))
    server.stop()
    refused = admin(data, "set-up-code")
    assert (refused.returncode, "localAuthConfig" in refused.stderr, refused.stdout) == (4, True, "")


@pytest.mark.crash
def test_a_code_that_was_used_stays_used_after_a_kill(start_process: StartProcess) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    server.ready(url)
    code = code_of(server.data)
    server.kill()
    server = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    server.ready(url)
    assert code_of(server.data) == code
    assert send(url, code) == (201, "admin")
    server.kill()
    server = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    server.ready(url)
    assert send(url, code) == (401, "SetUpCodeUsed")
    assert not (server.data / FILE).exists()
