"""Speak to this machine's Docker Engine for the scripts beside this file, with the standard library alone.

In: the engine's address (unix:///path) and a command. Out: an exit code, and a sentence when it went wrong.

    engine.py ADDRESS ping                 does an engine answer there?
    engine.py ADDRESS build TAG FOLDER     build an image with the classic builder
    engine.py ADDRESS release ID           remove every container and network of one Trailboss installation

It runs before the virtual environment exists and after the server is gone: it imports nothing of Trailboss.
Finding and starting an engine is in engine.sh. Protocol: Docker Engine API; paths without a version get the
engine's own, because no single version is spoken by all engines.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import sys
import tarfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

LABEL = "io.trailboss.installation"
RELEASE_DEADLINE_S = 60


class EngineError(Exception):
    """The engine did not do what it was asked."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("docker", timeout=timeout_s)
        self.path = path

    def connect(self) -> None:
        """Open the socket; called by http.client when the first request is sent."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def call(address: str, method: str, path: str, body: bytes | None = None, timeout_s: float = 60) -> tuple[int, bytes]:
    """Send one request and return status and body. Raises EngineError if there is no answer."""
    connection = UnixConnection(address.removeprefix("unix://"), timeout_s)
    try:
        headers = {"Content-Type": "application/x-tar"} if body else {}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(f"the Docker Engine at {address} does not answer: {error}") from error
    finally:
        connection.close()


def ping(address: str) -> None:
    """Raise unless an engine answers."""
    status, _ = call(address, "GET", "/_ping", timeout_s=5)
    if status != 200:
        raise EngineError(f"the Docker Engine at {address} answered {status}")


def build(address: str, tag: str, folder: Path) -> None:
    """Build an image from a folder. Equal content is found in the engine's cache."""
    wish = f"/build?t={quote(tag)}&version=1&rm=1&forcerm=1"
    status, body = call(address, "POST", wish, context(folder))
    lines = [json.loads(line) for line in body.splitlines() if line.strip()]
    errors = [line.get("error") or line.get("message") for line in lines]
    if status != 200 or any(errors):
        raise EngineError(f"image {tag} could not be built: " + "; ".join(e for e in errors if e))


def context(folder: Path) -> bytes:
    """Pack a folder's files for the builder, without times and owners: those would defeat the cache."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(path.name)
            entry.size = path.stat().st_size
            entry.mode = path.stat().st_mode & 0o777
            tar.addfile(entry, io.BytesIO(path.read_bytes()))
    return packed.getvalue()


def release(address: str, installation: str) -> None:
    """Remove every container and network that carries the installation's id, and wait until they are gone."""
    deadline = time.monotonic() + RELEASE_DEADLINE_S
    while True:
        containers, networks = owned(address, installation)
        if not containers and not networks:
            return
        if time.monotonic() > deadline:
            left = ", ".join([c["Names"][0].lstrip("/") for c in containers] + [n["Name"] for n in networks])
            raise EngineError(f"still there after {RELEASE_DEADLINE_S} s: {left}")
        for container in containers:
            remove(address, f"/containers/{container['Id']}?force=1&v=1")
        if not containers:
            for network in networks:
                remove(address, f"/networks/{network['Id']}")
        time.sleep(0.1)


def owned(address: str, installation: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """List the containers and the networks of an installation."""
    chosen = quote(json.dumps({"label": [f"{LABEL}={installation}"]}))
    found = []
    for path in (f"/containers/json?all=1&filters={chosen}", f"/networks?filters={chosen}"):
        status, body = call(address, "GET", path)
        if status != 200:
            raise EngineError(f"the Docker Engine answered {status}: {body.decode(errors='replace')}")
        found.append(json.loads(body))
    return found[0], found[1]


def remove(address: str, path: str) -> None:
    """Ask for one removal. 404 and 409 mean that it is gone or going; the caller looks again."""
    status, body = call(address, "DELETE", path)
    if status not in (200, 204, 403, 404, 409):
        raise EngineError(f"removing {path} failed with {status}: {body.decode(errors='replace')}")


def main(arguments: list[str]) -> int:
    """Run one command line; return the exit code."""
    try:
        match arguments:
            case [address, "ping"]:
                ping(address)
            case [address, "build", tag, folder]:
                build(address, tag, Path(folder))
            case [address, "release", installation]:
                release(address, installation)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
