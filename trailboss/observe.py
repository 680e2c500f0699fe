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
from contextlib import AbstractContextManager
from typing import Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars

REQUEST = "request"
"""Key under which the id of the request is bound."""

_SECRET = re.compile(r"secret|password|token|authorization|cookie|credential", re.IGNORECASE)
_IN_TEXT = re.compile(r"(token=)[^&\s\"']+|(://[^:/@\s]*:)[^@/\s]+(?=@)")
_NOISY = ("alembic", "asyncio", "uvicorn.error", "websockets")
"""What these say at the level of information is said better elsewhere."""


def configure(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Send every log line of the process to a stream. Call once, first."""
    on_terminal = stream.isatty()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if on_terminal:
        last.append(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))
    else:
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def hide_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of keys that name a secret, and tokens and passwords inside of texts (URLs)."""
    for key, value in event.items():
        if _SECRET.search(key):
            event[key] = "***"
        elif isinstance(value, str) and ("token=" in value or "://" in value):
            event[key] = _IN_TEXT.sub(r"\1\2***", value)
    return event


def bound(**ids: object) -> AbstractContextManager[None]:
    """Bind ids (request, resource) to every line that is logged inside."""
    return bound_contextvars(**ids)
