"""TLS of the server itself: agents and the command line accept the certificate that they were told of, no other."""

from __future__ import annotations

import asyncio
import re
import ssl
import stat
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
from typer.testing import CliRunner

from tests.certificates import a_key, issue
from tests.server.conftest import StartServer
from tests.server.serving import credentials
from tests.waiting import eventually
from trailboss.agent.register import register
from trailboss.agent.tls import verification
from trailboss.cli.app import app
from trailboss.errors import Permanent
from trailboss.server.process import Started


def client_of(server: Started, path: str) -> httpx2.Client:
    found = credentials(server.running.data)
    key = (found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"])
    return httpx2.Client(
        base_url=f"{server.url}/v1/projects/1a5/", auth=key, verify=ssl.create_default_context(cafile=path)
    )


def a_token(server: Started) -> dict[str, Any]:
    with client_of(server, str(server.running.data / "tls.crt")) as client:
        made = client.post("registrationtokens", json={}).json()
        return eventually(
            lambda: (read := client.get(f"registrationtokens/{made['id']}").json())["state"] == "active" and read,
            what="the token is active",
        )


def fingerprint_of(path: Path) -> str:
    command = ["openssl", "x509", "-in", str(path), "-noout", "-fingerprint", "-sha256"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().partition("=")[2]


def test_the_self_signed_certificate_is_made_once(start_server: StartServer) -> None:
    server = start_server(tls="self-signed")
    data = server.running.data
    assert server.url.startswith("https://")
    assert stat.S_IMODE((data / "tls.key").stat().st_mode) == 0o600
    with client_of(server, str(data / "tls.crt")) as client:
        answer = client.get("hosts")
        assert answer.status_code == 200
        assert answer.json()["links"]["self"].startswith(server.url)
        assert answer.headers["Strict-Transport-Security"]
    with pytest.raises(httpx2.ConnectError, match="certificate"):
        httpx2.get(f"{server.url}/ping")
    before = fingerprint_of(data / "tls.crt")
    server.stop()
    start_server(tls="self-signed")
    assert fingerprint_of(data / "tls.crt") == before


def test_the_join_command_takes_this_server_and_no_other(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(tls="self-signed")
    token = a_token(server)
    curl = re.search(r"curl (.*?) \"\$0\"", token["command"])
    assert curl is not None, token["command"]
    fetched = subprocess.run(["curl", *curl[1].split(), token["registrationUrl"]], capture_output=True, text=True)
    assert fetched.returncode == 0, fetched.stderr
    named = re.search(r'TRAILBOSS_SERVER_FINGERPRINT="([0-9a-f]{64})"', fetched.stdout)
    assert named is not None
    assert named[1] == fingerprint_of(server.running.data / "tls.crt").replace(":", "").lower()
    other = start_server(tls="self-signed", data=tmp_path / "other")
    wrong = token["registrationUrl"].replace(server.url, other.url)
    refused = subprocess.run(["curl", *curl[1].split(), wrong], capture_output=True, text=True)
    assert refused.returncode == 90, "the pinned public key does not match"


def test_an_agent_accepts_the_certificate_it_was_told_of_and_no_other(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(tls="self-signed")
    token, right = a_token(server)["token"], fingerprint_of(server.running.data / "tls.crt")

    async def join(fingerprint: str) -> tuple[str, str]:
        connector = aiohttp.TCPConnector(ssl=verification(fingerprint, ""))
        async with aiohttp.ClientSession(connector=connector) as session:
            access, secret = await register(session, server.url, token, "k" * 32)
            url = f"{server.url}/agent/connect".replace("https", "wss")
            auth = {"Authorization": aiohttp.encode_basic_auth(access, secret)}
            async with session.ws_connect(url, headers=auth) as socket:
                assert not socket.closed
            return access, secret

    async def knock(fingerprint: str) -> None:
        connector = aiohttp.TCPConnector(ssl=verification(fingerprint, ""))
        async with aiohttp.ClientSession(connector=connector) as session, session.get(f"{server.url}/ping"):
            pass

    assert all(asyncio.run(join(right)))
    with pytest.raises(aiohttp.ServerFingerprintMismatch):
        asyncio.run(knock("00" * 32))
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        asyncio.run(knock(""))
    with pytest.raises(Permanent, match="--server-fingerprint"):
        verification("not hex", "")
    with pytest.raises(Permanent, match="--server-ca"):
        verification("", str(tmp_path / "none.pem"))


def test_the_command_line_knows_the_server_by_fingerprint_or_authority(start_server: StartServer) -> None:
    server = start_server(tls="self-signed")
    cert = server.running.data / "tls.crt"

    found = credentials(server.running.data)
    assert found.pop("TRAILBOSS_SERVER_FINGERPRINT") == fingerprint_of(cert).replace(":", "").lower()

    def run(**more: str) -> Any:
        return CliRunner().invoke(app, ["api", "GET", "/ping-is-no-json"], env=found | more)

    refused = run()
    assert "does not answer" in refused.output and "certificate" in refused.output
    assert "is not the one that was expected" in run(TRAILBOSS_SERVER_FINGERPRINT="00" * 32).output
    for more in ({"TRAILBOSS_SERVER_FINGERPRINT": fingerprint_of(cert)}, {"TRAILBOSS_SERVER_CA": str(cert)}):
        assert "Not Found" in run(**more).output, "it is asked, and answers"


def test_the_files_with_keys_say_how_the_server_is_known_now(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    data = server.running.data
    files = ("first-credentials.env", "admin-credentials.env")
    before = [(data / name).read_text() for name in files]
    assert "FINGERPRINT" not in "".join(before)
    server.stop()
    server = start_server(tls="self-signed")
    pin = fingerprint_of(data / "tls.crt").replace(":", "").lower()
    for name, text in zip(files, before, strict=True):
        expected = text.replace("=http://", "=https://") + f"TRAILBOSS_SERVER_FINGERPRINT={pin}\n"
        assert (data / name).read_text() == expected
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
    server.stop()
    (data / files[1]).unlink()
    start_server()
    assert (data / files[0]).read_text() == before[0]
    assert not (data / files[1]).exists(), "what its owner has deleted stays so"


def test_certificates_of_ones_own_are_served(start_server: StartServer, tmp_path: Path) -> None:
    authority = issue("authority")
    issued = issue("boss.example.com", names=("127.0.0.1",))
    for name, text in (("boss.crt", issued.cert), ("boss.key", issued.key), ("other.crt", authority.cert)):
        (tmp_path / name).write_text(text)
    server = start_server(tls_cert=tmp_path / "boss.crt", tls_key=tmp_path / "boss.key")
    with client_of(server, str(tmp_path / "boss.crt")) as client:
        made = client.post("registrationtokens", json={}).json()
        assert "pinned" not in client.get(f"registrationtokens/{made['id']}").json()["command"]
    assert not (server.running.data / "tls.crt").exists()


def test_files_that_do_not_fit_together_are_refused(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "a.crt").write_text(issue("a").cert)
    (tmp_path / "b.key").write_text(issue("b", private=a_key("ec")).key)
    with pytest.raises(Permanent, match="--tls-cert"):
        start_server(tls_cert=tmp_path / "a.crt", tls_key=tmp_path / "b.key")
    with pytest.raises(Permanent, match="--tls-cert"):
        start_server(tls_cert=tmp_path / "none.crt", tls_key=tmp_path / "b.key")
