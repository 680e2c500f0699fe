"""Every error that Trailboss raises on purpose.

    TrailbossError
      ApiError        what the v1 error document needs; raised anywhere, rendered in one place (api/render.py)
      Lost            a compare-and-set failed; the engine runs the work again
      Unreachable     a host, Docker, a database or a registry does not answer; retried, shown as waiting
        Uncertain     the database went away during a commit: what was asked for may have happened
      NotStored       the agent's folder cannot be written (the disk is full); tried again
      Permanent       cannot succeed without a change by the user; the resource goes to `error`
        KeepsEnding   a container ends again and again, soon after it was started
      TimedOut        a client waited for as long as it was told, and it has not happened
      ComposeError    a compose text cannot be understood; names file, line and key

The docstring of a class is its default message.
"""

from __future__ import annotations

import inspect

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Request Entity Too Long",
    414: "Request URI Too Long",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}


class TrailbossError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or inspect.getdoc(type(self)) or type(self).__name__
        super().__init__(self.message)


class ApiError(TrailbossError):
    """The request was refused.

    status: HTTP status. code: the v1 error code; for an error without a code of its own it is the reason phrase.
    field: wire name of the field at fault (`fieldName`), if one is. detail: more for a person to read.
    headers: what the answer carries besides (WWW-Authenticate).
    """

    def __init__(
        self,
        status: int,
        code: str | None = None,
        message: str | None = None,
        *,
        field: str | None = None,
        detail: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status = status
        self.code = code or REASONS[status]
        self.field = field
        self.detail = detail
        self.headers = headers or {}
        super().__init__(message or self.code)


class Lost(TrailbossError):
    """Somebody else changed the row first; look again."""


class Unreachable(TrailbossError):
    """It does not answer."""


class Uncertain(Unreachable):
    """It may have happened or not; look before asking for it again."""

    def __init__(self, message: str | None = None) -> None:
        text = inspect.getdoc(type(self))
        super().__init__(f"{message}. {text}" if message else text)


class NotStored(TrailbossError):
    """It could not be written to disk."""


class Permanent(TrailbossError):
    """It cannot succeed as it is."""


class KeepsEnding(Permanent):
    """A container ends again and again, soon after it was started.

    container: its id.
    """

    def __init__(self, message: str, container: str) -> None:
        self.container = container
        super().__init__(message)


class TimedOut(TrailbossError):
    """It has not happened in the time given."""


class ComposeError(TrailbossError):
    """The compose text cannot be understood.

    file: name of the text ("docker-compose.yml"). line, column: 1-based place, if known. key: dotted path in it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str = "docker-compose.yml",
        line: int | None = None,
        key: str | None = None,
    ) -> None:
        self.file = file
        self.line = line
        self.key = key
        place = file + (f", line {line}" if line else "")
        super().__init__(f"{place}: {key}: {message}" if key else f"{place}: {message}")
