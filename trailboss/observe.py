"""How logs look, and the ids that are bound to them. Shared by server and agent.

On a terminal a line is key=value, else JSON. Lines of libraries (standard `logging`) take the same way. The id of the
request that caused a line is bound once per request (`bound`) and travels as `cause` through the work queue to the
agent and back in its reports. What looks like a secret by its key is never written, nor are local variables of a
traceback, where secrets may be.
What is measured stands beside what it measures, as prometheus-client objects of each module.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from typing import Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars

REQUEST = "request"
"""Key under which the id of the request is bound."""

_SECRET = re.compile(r"secret|password|token|authorization|cookie|credential", re.IGNORECASE)
_IN_TEXT = re.compile(r"(token=|/scripts/)[^&/\s\"']+|(://[^:/@\s]*:)[^@/\s]+(?=@)")
"""Tokens in queries, tokens that are a part of a path (the script by which a host joins), passwords in URLs."""
_MARKS = ("token=", "/scripts/", "://")
_NOISY = ("alembic", "asyncio", "uvicorn.error", "websockets")
"""What these say at the level of information is said better elsewhere."""


def configure(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Send every log line of the process to a stream. Call once, first."""
    on_terminal = stream.isatty()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    if on_terminal:
        last: list[Any] = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    foreign = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=foreign))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # our own lines go straight to the stream: by way of `logging` each would cost three times as much
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=lambda *_: _Lines(stream),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )


class _Lines:
    """Writes lines to a stream. One that cannot be written (the disk is full, nobody reads) is lost: who logs must not
    fail for it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = write


def hide_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of keys that name a secret, and tokens and passwords inside of texts (URLs)."""
    for key, value in event.items():
        if _names_secret(key):
            event[key] = "***"
        elif isinstance(value, str) and any(mark in value for mark in _MARKS):
            event[key] = _IN_TEXT.sub(r"\1\2***", value)
    return event


@lru_cache(maxsize=1024)
def _names_secret(key: str) -> bool:
    return _SECRET.search(key) is not None


def bound(**ids: object) -> AbstractContextManager[None]:
    """Bind ids (request, resource) to every line that is logged inside."""
    return bound_contextvars(**ids)
