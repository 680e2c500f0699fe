"""HTTP as uvicorn reads it, with bounds on what comes before a body, and refusals that are documents of the API.

uvicorn takes heads of any size into memory, from anybody; and what it cannot read, it answers as plain text. Bodies are
bounded where they are read (`api/body.py`).
"""

from __future__ import annotations

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trailboss.api import render
from trailboss.errors import ApiError

log = structlog.get_logger()

MAX_URL = 60 * 1024
"""Bytes. Four times what the original took; its parser counts to 64 KiB."""
MAX_HEADERS = 64 * 1024
LINGER_S = 1.0
_PHRASES = {400: b"Bad Request", 413: b"Content Too Large", 414: b"URI Too Long"}


class TooLong(Exception):
    """A part of the head that is longer than it may be."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. A refusal ends it, because where the next request begins is not known; what is still on its way
    is read and thrown away for a moment, or the client would see the connection break instead of the answer."""

    _refusal: ApiError | None = None
    _is_over = False
    _headers_size = 0

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        if not self._is_over:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._headers_size = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the URL. Raises TooLong."""
        super().on_url(url)
        if len(self.url) > MAX_URL:
            self._refuse(ApiError(414, message=f"a URL has at most {MAX_URL} bytes"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Raises TooLong."""
        self._headers_size += len(name) + len(value)
        if self._headers_size > MAX_HEADERS:
            self._refuse(ApiError(413, message=f"the headers of a request have at most {MAX_HEADERS} bytes"))
        super().on_header(name, value)

    def _refuse(self, problem: ApiError) -> None:
        self._refusal = problem
        raise TooLong(problem.message)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that the parser has given up, and end the connection."""
        problem = self._refusal or ApiError(400, message=msg)
        content = render.encode(render.error(problem))
        head = (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n"
        )
        self._is_over = True
        self.transport.write(head % (problem.status, _PHRASES[problem.status], len(content)) + content)
        self.loop.call_later(LINGER_S, self.transport.close)
        log.info("a request was refused before it was read", status=problem.status, because=problem.message)
