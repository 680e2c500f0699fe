"""The key that seals secrets: made once, beside the database and not in it; with another one no server starts."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from tests.server.conftest import StartServer
from tests.server.serving import client
from trailboss.errors import Permanent

OTHER = base64.b64encode(b"o" * 32).decode()


def test_the_key_is_made_at_the_first_start_for_its_owner_only(start_server: StartServer) -> None:
    server = start_server()
    file = server.running.data / "secrets.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = file.read_text()
    server.stop()
    start_server().stop()
    assert file.read_text() == key
    assert key.strip().encode() not in (server.running.data / "trailboss.db").read_bytes()


def test_a_server_with_another_key_does_not_start(start_server: StartServer) -> None:
    start_server().stop()
    with pytest.raises(Permanent, match="sealed with a key that this server does not have: give it the file"):
        start_server(secrets_key=OTHER)


def test_a_server_that_has_lost_its_key_does_not_start_and_makes_no_other(start_server: StartServer) -> None:
    server = start_server()
    server.stop()
    file = server.running.data / "secrets.key"
    key = file.read_text()
    file.unlink()
    with pytest.raises(Permanent, match=r"secrets\.key"):
        start_server()
    assert not file.exists()
    file.write_text(key)
    start_server()


def test_a_new_key_in_front_takes_over(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    with client(server.running.data) as api:
        made = api.post("registrationtokens", json={}).json()
    server.stop()
    file = server.running.data / "secrets.key"
    file.write_text(f"{OTHER}\n{file.read_text()}")
    start_server().stop()
    (tmp_path / "new.key").write_text(OTHER)
    file.unlink()
    again = start_server(secrets_key_file=tmp_path / "new.key")
    with client(again.running.data) as api:
        read = api.get(f"{again.url}/v1/projects/1a5/registrationtokens/{made['id']}").json()
    assert read["token"].split(":")[2] == made["token"].split(":")[2]


@pytest.mark.parametrize("key", ["short", "&&&", base64.b64encode(b"x" * 31).decode()])
def test_what_is_no_key_is_refused(start_server: StartServer, key: str) -> None:
    with pytest.raises(Permanent, match="32 random bytes in Base64"):
        start_server(secrets_key=key)
