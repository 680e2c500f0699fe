"""A server as a process of its own, and what is asked of servers over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx2

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""Begins the command of a process that shall end with the one that starts it, even if that is killed."""
MAIN = "from trailboss.server import Options, run; run(Options.read())"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def credentials(data: Path, name: str = "first-credentials.env") -> dict[str, str]:
    """Return the variables of a file of credentials."""
    return dict(line.split("=", 1) for line in (data / name).read_text().splitlines())


def client(data: Path, name: str = "first-credentials.env") -> httpx2.Client:
    """Return a client with the keys of a data folder; its base is the URL that they are for."""
    found = credentials(data, name)
    return httpx2.Client(
        base_url=found["RANCHER_URL"], auth=(found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"]), timeout=30
    )


class ServerProcess:
    """One start of a server. Its log is at hand for messages of failures."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.data = folder / "data"
        self.log = folder / "server.log"
        settings = {"TRAILBOSS_DATA": str(self.data), "TRAILBOSS_LISTEN": "127.0.0.1:0", **environment}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*WITH_US, sys.executable, "-c", MAIN],
                cwd=ROOT,
                env={**os.environ, **settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self, url: str) -> None:
        """Wait until it is ready."""

        def is_ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            try:
                return httpx2.get(f"{url}/readyz", timeout=5).status_code == 200
            except httpx2.TransportError:
                return False

        eventually(is_ready, within=60, what="the server is ready")

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
