"""The type `dockerBuild`."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import WITHIN_S, World
from tests.lab import IMAGE
from tests.waiting import eventually

pytestmark = pytest.mark.docker

DOCKERFILE = f"FROM {IMAGE}\nRUN echo built just now > /www/index.html\n".encode()


class Contexts(ThreadingHTTPServer):
    """Answers a build context, and counts how often it was asked for; it is no registry."""

    asked = 0


class Handler(BaseHTTPRequestHandler):
    server: Contexts

    def do_GET(self) -> None:
        if self.path != "/context.tar":
            self.send_error(404)
            return
        self.server.asked += 1
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            entry = tarfile.TarInfo("Dockerfile")
            entry.size = len(DOCKERFILE)
            tar.addfile(entry, io.BytesIO(DOCKERFILE))
        self.send_response(200)
        self.send_header("Content-Length", str(len(packed.getvalue())))
        self.end_headers()
        self.wfile.write(packed.getvalue())

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def contexts(it: World) -> Iterator[Contexts]:
    server = Contexts((it.lab.outside, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@not_yet_true(5, "`build` is stored, and the image pulled instead")
def test_a_container_is_built_from_a_context(it: World, name: str, contexts: Contexts) -> None:
    """a container created with a context URL runs a freshly built image, build output visible as progress"""
    server = f"{it.lab.outside}:{contexts.server_port}"
    fields = {"imageUuid": f"docker:{server}/fresh:1", "build": {"context": f"http://{server}/context.tar"}}
    made, told = it.client.create_container(name=name, **fields), set()

    def at_rest() -> Any:
        now = it.client.reload(made)
        told.add(now.transitioningMessage or "")
        return now if now.transitioning != "yes" else None

    container = eventually(at_rest, WITHIN_S, "the container is built and started")
    assert container.state == "running", container.transitioningMessage
    assert any("RUN echo built just now" in message for message in told), told
    assert it.fetch(container, "127.0.0.1") == "built just now"

    assert it.container(f"{name}-again", **fields).state == "running"
    assert contexts.asked == 1, "the second one is not built anew"
