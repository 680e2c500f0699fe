"""A registry with one image, as far as `docker pull` needs it (Docker Registry HTTP API V2, image manifest v2.2).

`localhost` would be trusted by Docker without TLS; this one is reached at the lab's outside address, which the lab's
engine is told to trust. With credentials set, it wants them (HTTP Basic).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.lab import image_layer

NAME = "app"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """credentials: "user:password", or "" if everybody may pull. gate: cleared, blobs are held back."""

    def __init__(self, address: str, credentials: str = "") -> None:
        self.credentials = credentials
        self.gate = threading.Event()
        self.gate.set()
        self.pulls = 0
        layer = image_layer()
        packed = gzip.compress(layer, 1)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": ["/serve"]},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            }
        ).encode()
        self.blobs = {_digest(packed): packed, _digest(config): config}
        kind = "application/vnd.docker"
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": {
                    "mediaType": f"{kind}.container.image.v1+json",
                    "size": len(config),
                    "digest": _digest(config),
                },
                "layers": [
                    {
                        "mediaType": f"{kind}.image.rootfs.diff.tar.gzip",
                        "size": len(packed),
                        "digest": _digest(packed),
                    }
                ],
            }
        ).encode()
        self._server = ThreadingHTTPServer((address, 0), self._handler())
        self.host = f"{address}:{self._server.server_port}"
        self.image = f"{self.host}/{NAME}:latest"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, authorization: str) -> tuple[int, str, bytes]:
        """Return status, type and body for a path."""
        wanted = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        if self.credentials and authorization != wanted:
            return 401, "application/json", b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
        if path == "/v2/":
            return 200, "application/json", b"{}"
        kind, _, reference = path.removeprefix(f"/v2/{NAME}/").partition("/")
        if kind == "manifests" and reference in ("latest", _digest(self.manifest)):
            self.pulls += reference == "latest"
            return 200, _MANIFEST, self.manifest
        if kind == "blobs" and reference in self.blobs:
            self.gate.wait(60)
            return 200, "application/octet-stream", self.blobs[reference]
        return 404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, kind, body = registry.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="test"')
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Docker-Content-Digest", _digest(body))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        return Handler
