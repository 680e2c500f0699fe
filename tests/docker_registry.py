"""A real registry (Debian's `docker-registry`) that wants a name and a password, for tests that pull from it.

    with a_registry(folder, lab.outside) as registry:
        registry.push(lab.docker, "app:1")     builds the test image's name on the registry and pushes it
        registry.host                          the server part of image names

The lab's engine is told to trust the lab's addresses without TLS.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import httpx2

from tests.lab import IMAGE
from tests.waiting import eventually

USER, PASSWORD = "puller", "pass-7351"
_HASH = "$2b$05$abcdefghijklmnopqrstuu.9j8vXpnx.wAYzXoWd3FbtxCAelNglO"
"""bcrypt of the password."""


class DockerRegistry:
    """Made by `a_registry`."""

    def __init__(self, folder: Path, address: str) -> None:
        with socket.socket() as probe:
            probe.bind((address, 0))
            self.host = f"{address}:{probe.getsockname()[1]}"
        folder.mkdir()
        (folder / "htpasswd").write_text(f"{USER}:{_HASH}\n")
        (folder / "config.yml").write_text(
            "version: 0.1\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/images}}}}\n"
            f"http: {{addr: '{self.host}'}}\n"
            f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}\n"
        )
        self.log = folder / "log"
        with self.log.open("ab") as log:
            command = ["docker-registry", "serve", str(folder / "config.yml")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ, start_new_session=True)
        eventually(self._answers, 30, f"the registry answers; see {self.log}")

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"http://{self.host}/v2/", timeout=5).status_code == 401
        except httpx2.HTTPError:
            return False

    def push(self, engine: docker.DockerClient, name: str) -> str:
        """Push the test image under a name; return the whole name. The engine keeps neither the image nor a login."""
        image = f"{self.host}/{name}"
        engine.images.get(IMAGE).tag(image)
        said = engine.images.push(image, auth_config={"username": USER, "password": PASSWORD})
        assert "digest" in said, said
        engine.images.remove(image)
        return image

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(30)


@contextmanager
def a_registry(folder: Path, address: str) -> Iterator[DockerRegistry]:
    """Give a registry of its own for the time of the block."""
    registry = DockerRegistry(folder, address)
    try:
        yield registry
    finally:
        registry.close()
