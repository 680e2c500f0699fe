"""Every kind of secret is made and used once; afterwards none of them is in the database, a log, the journal, a stream,
an error, the metrics or a process list."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.certificates import issue
from tests.databases import Postgres, postgres  # noqa: F401  (fixture)
from tests.server.conftest import StartProcess
from tests.server.serving import client, credentials, free_port
from tests.waiting import eventually

pytestmark = pytest.mark.slow

MAY_KNOW = {"secrets.key", "first-credentials.env", "admin-credentials.env", "set-up-code"}
"""Files that are there to hold secrets, for their owner only."""
REGISTRATION_KEY = "registration-key-" + "5" * 32


class Listener(threading.Thread):
    """Reads a stream to its end."""

    def __init__(self, base: str, auth: tuple[str, str], name: str) -> None:
        super().__init__(daemon=True)
        self.base, self.auth, self.event, self.heard = base, auth, name, b""
        self.start()
        eventually(lambda: b"ping" in self.heard, what=f"the stream of {name} begins")

    def run(self) -> None:
        body = {"eventNames": [self.event], "include": ["credentials"]}
        with (
            contextlib.suppress(httpx2.HTTPError),
            httpx2.stream("POST", f"{self.base}/subscribe", json=body, auth=self.auth, timeout=30) as stream,
        ):
            for part in stream.iter_raw():
                self.heard += part


def make_secrets(project: httpx2.Client, admin: httpx2.Client, url: str) -> dict[str, str]:
    """Make and use one secret of every kind; return them, with what they are."""
    found: dict[str, str] = {}

    def post(where: httpx2.Client, path: str, once: str | None = None, **body: Any) -> Any:
        answer = where.post(path, json=body, headers={"Idempotency-Key": once} if once else {})
        assert answer.status_code < 300, answer.text
        return answer.json()

    found["API key"] = post(project, "apikeys", "key-1")["secretValue"]
    chosen = post(admin, "apikeys", publicValue="CHOSEN", secretValue="chosen-secret-value-1")
    found["API key that was chosen"] = chosen["secretValue"]
    post(admin, "passwords", publicValue="ann", secretValue="password-of-ann-2")
    found["password"] = "password-of-ann-2"
    registry = post(project, "registries", serverAddress="registry.example.com")
    login = {"registryId": registry["id"], "email": "a@b.c", "publicValue": "puller"}
    made = post(project, "registrycredentials", "key-2", **login, secretValue="registry-password-3")
    project.put(f"registrycredentials/{made['id']}", json={"secretValue": "registry-password-4"})
    found |= {"registry password": "registry-password-3", "new registry password": "registry-password-4"}
    post(project, "certificates", "key-3", name="shop", cert=issue().cert, key=issue().key)
    found["certificate key"] = issue().key.splitlines()[5]
    post(project, "machines", name="m", digitaloceanConfig={"accessToken": "cloud-token-6"})
    found["token of a cloud"] = "cloud-token-6"
    post(admin, "settings", name="api.auth.github.client.secret", value="client-secret-7")
    found["secret setting"] = "client-secret-7"

    token = post(project, "registrationtokens", "key-4")
    eventually(lambda: project.get(f"registrationtokens/{token['id']}").json()["state"] == "active", what="the token")
    found["registration token"] = project.get(f"registrationtokens/{token['id']}").json()["token"]
    assert httpx2.get(f"{url}/v1/scripts/{found['registration token']}").status_code == 200
    with httpx2.Client(base_url=f"{url}/v1", auth=("registrationToken", found["registration token"])) as host:
        post(host, "register", "key-5", key=REGISTRATION_KEY)
        shown = eventually(
            lambda: (host.get("register", params={"key": REGISTRATION_KEY}).json()["data"] or [{}])[0].get("secretKey"),
            what="the host is given its keys",
        )
    found |= {"registration key": REGISTRATION_KEY, "agent key": str(shown)}
    return found


def set_up(url: str, data: Path) -> dict[str, str]:
    """Use the set-up code, twice; return the secrets."""
    code = (data / "set-up-code").read_text().strip()
    answers = [httpx2.post(f"{url}/v1/token", json={"code": code}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 401]
    return {"set-up code": code, "login of a set-up": answers[0].json()["jwt"]}


def log_in(admin: httpx2.Client, url: str) -> dict[str, str]:
    """Put passwords in force, log in with a wrong and a right one, use the login in each way; return the secrets."""
    config = {"username": "root", "password": "password-of-root-9", "accessMode": "unrestricted", "enabled": True}
    assert admin.post("localauthconfigs", json=config).status_code == 201
    wrong = httpx2.post(f"{url}/v1/token", json={"code": "root:password-mistyped-10"})
    assert wrong.status_code == 401
    token = httpx2.post(f"{url}/v1/token", json={"code": "root:password-of-root-9"}).json()["jwt"]
    assert httpx2.get(f"{url}/v1/accounts", params={"token": token}).status_code == 200
    assert httpx2.get(f"{url}/v1/accounts", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert httpx2.get(f"{url}/v1/accounts", auth=("x-api-bearer", token)).status_code == 200
    return {"password of a login": "password-of-root-9", "wrong password": "password-mistyped-10", "login": token}


def be_refused(project: httpx2.Client, url: str, secrets: dict[str, str]) -> list[str]:
    """Send the secrets where they are refused; return what is said."""
    said = []
    for value in secrets.values():
        said.append(httpx2.get(f"{url}/v1/projects/1a5/hosts", auth=("SOMEBODY", value)).text)
        body = {"name": "x" * 300, "cert": "no PEM", "key": value, "secretValue": value, "unknown": value}
        for path in ("certificates", "registrycredentials", "apikeys/1c99", "machines", "userpreferences"):
            said.append(project.post(path, json=body).text)
            said.append(project.put(f"{path}/1c99", json=body).text)
    return said


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_no_secret_is_anywhere_in_clear(
    start_process: StartProcess, request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    port = free_port()
    url, environment = f"http://127.0.0.1:{port}", {"TRAILBOSS_LISTEN": f"127.0.0.1:{port}"}
    environment["TRAILBOSS_SUPERADMIN_KEY"] = "SUPER:superadmin-secret-8"
    name = ""
    if database == "postgresql":
        service: Postgres = request.getfixturevalue("postgres")
        name = service.create()
        environment["TRAILBOSS_DATABASE"] = service.url(name)
    server = start_process(**environment)
    server.ready(url)
    with client(server.data) as project, client(server.data, "admin-credentials.env") as admin:
        key = credentials(server.data)["RANCHER_ACCESS_KEY"], credentials(server.data)["RANCHER_SECRET_KEY"]
        streams = [Listener(str(project.base_url), key, n) for n in ("resource.change", "journal")]
        secrets = make_secrets(project, admin, url) | set_up(url, server.data) | log_in(admin, url)
        secrets |= {
            "first key": key[1],
            "administrator's key": credentials(server.data, "admin-credentials.env")["RANCHER_SECRET_KEY"],
            "superadmin's key": "superadmin-secret-8",
            "key of the secrets": (server.data / "secrets.key").read_text().strip(),
        }
        assert len(set(secrets.values())) == 20
        places: dict[str, bytes] = {"errors": "\n".join(be_refused(project, url, secrets)).encode()}
        last = project.post("environments", json={"name": "last"}).json()["id"]
        for stream in streams:
            eventually(lambda s=stream: last.encode() in s.heard, what=f"{stream.event} tells the last change")  # type: ignore[misc]
            places[f"stream of {stream.event}"] = stream.heard
        places["audit log"] = admin.get("auditlogs", params={"limit": "1000"}).content
        places["metrics"] = httpx2.get(f"{url}/metrics").content
        places["process list"] = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
        for path in ("settings", "registries", "certificates", "machines", "apikeys", "register"):
            places[f"reads of {path}"] = admin.get(path).content + project.get(path).content
    if database == "postgresql":
        dump = ["pg_dump", environment["TRAILBOSS_DATABASE"].replace("+psycopg", "")]
        places["database"] = subprocess.run(dump, capture_output=True, check=True, timeout=60).stdout
        assert b"registry.example.com" in places["database"]
    server.kill()
    places["log"] = server.log.read_bytes()
    assert b"/v1/scripts/***" in places["log"]
    for path in server.data.rglob("*"):
        if path.is_file() and path.name not in MAY_KNOW:
            places[os.fspath(path.relative_to(server.data))] = path.read_bytes()
    if database == "sqlite":
        assert any(b"registry.example.com" in content for content in places.values())
    found = [(what, where) for what, value in secrets.items() for where, c in places.items() if value.encode() in c]
    assert found == []
