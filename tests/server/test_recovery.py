"""`trailboss admin`: a lost administrator is recovered on the server's machine, while the server is stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.conftest import StartServer
from trailboss.resources.account import Account
from trailboss.resources.credential import ApiKey

pytestmark = pytest.mark.slow


def admin(data: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trailboss", "admin", *words, "--data", str(data)]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)


@pytest.fixture
def stopped(start_server: StartServer) -> Path:
    """The data folder of a server whose administrator has lost all keys, and is not even active."""
    server = start_server()

    def lose(tx: Any) -> None:
        account = tx.find(Account, uuid="admin")[0]
        tx.change(account, state="inactive")
        for row in tx.find(ApiKey, account_id=account.id):
            tx.change(row, state="inactive")

    server.running.store.write(lose)
    refused = admin(server.running.data, "key")
    assert (refused.returncode, "another server uses the data folder" in refused.stderr) == (4, True)
    server.stop()
    return server.running.data


def test_a_new_key_is_good(stopped: Path, start_server: StartServer) -> None:
    made = admin(stopped, "key")
    assert made.returncode == 0, made.stderr
    values = dict(line.split("=", 1) for line in made.stdout.splitlines())
    server = start_server(data=stopped)
    key = (values["RANCHER_ACCESS_KEY"], values["RANCHER_SECRET_KEY"])
    assert httpx2.get(f"{server.url}/v1/settings", auth=key).json()["resourceType"] == "setting"


def test_a_new_password_is_good_and_a_second_one_ends_the_logins_by_the_first(
    stopped: Path, start_server: StartServer
) -> None:
    def log_in(server: Any, password: str) -> httpx2.Response:
        return httpx2.post(f"{server.url}/v1/token", json={"code": f"root:{password}"}, timeout=30)

    assert admin(stopped, "password", "root", given="first: one\n").returncode == 0
    server = start_server(data=stopped)
    token = {"Authorization": f"Bearer {log_in(server, 'first: one').json()['jwt']}"}
    assert httpx2.get(f"{server.url}/v1/accounts", headers=token).status_code == 200
    server.stop()
    made = admin(stopped, "password", "root", given="second\n")
    assert (made.returncode, "second" in made.stdout + made.stderr) == (0, False)
    server = start_server(data=stopped)
    assert httpx2.get(f"{server.url}/v1/accounts", headers=token).status_code == 401
    assert log_in(server, "first: one").status_code == 401
    assert log_in(server, "second").json()["userType"] == "admin"


def test_where_there_is_no_installation_nothing_is_made(tmp_path: Path) -> None:
    refused = admin(tmp_path / "nothing", "key")
    assert (refused.returncode, "there is no database" in refused.stderr) == (4, True)
    assert not (tmp_path / "nothing").exists()
