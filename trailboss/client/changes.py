"""The change stream as an iterator: each change of a resource, in order, once, across breaks of the connection.

It is read as server-sent events; every event carries a cursor from which the next connection goes on. Where the server
cannot go back that far, it says so, and a change without a resource tells the reader to list again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec

from trailboss.client.resource import Resource
from trailboss.client.session import read_answer
from trailboss.errors import ApiError, Unreachable

if TYPE_CHECKING:
    from trailboss.client.client import Client

CHANGE, RESYNC = "resource.change", "resync"
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Before each attempt to connect again; the last one for ever."""
SILENT_S = 20.0
"""Without an event for so long (the server sends a sign of life every 5 s) the connection is given up."""
NEW = "now"


@dataclass(frozen=True)
class Change:
    """type, id: of the resource. resource: as it is after the change; None if it cannot be seen (any more).
    cursor: where to go on after it. list_again: why changes before this one are missing; then there is no resource."""

    type: str | None
    id: str | None
    resource: Resource | None
    cursor: str
    list_again: str | None = None


class Changes:
    """An open subscription. cursor: where it has come to. Close it, or use it in `with`."""

    def __init__(self, client: Client, types: Collection[str], include: Sequence[str], cursor: str | None) -> None:
        self._client, self._types, self._include = client, types, include
        self._stack = contextlib.ExitStack()
        self.cursor = cursor or NEW
        self._events = self._connect()

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the subscription."""
        self._stack.close()

    def __iter__(self) -> Iterator[Change]:
        """Give changes as they come, for ever. Raises ApiError when the keys are not valid any more."""
        while True:
            try:
                for event in self._events:
                    change = self._understood(event)
                    if change is not None:
                        yield change
            except httpx2.TransportError:
                pass  # as if it had ended
            self._events = self._connect_again()

    def _understood(self, event: dict[str, Any]) -> Change | None:
        """Note how far the stream has come; return the change that an event tells of, if the reader wants it."""
        self.cursor = cursor = event["cursor"]
        data, type_ = event.get("data") or {}, event.get("resourceType")
        if event["name"] == RESYNC:
            return Change(None, None, None, cursor, data["message"])
        if event["name"] != CHANGE or (self._types and type_ not in self._types):
            return None
        document = data.get("resource")
        resource = self._client.decode(document) if document is not None else None
        return Change(type_, event.get("resourceId"), resource, cursor)

    def _connect(self) -> Iterator[dict[str, Any]]:
        """Open the stream from the cursor; when this returns, nothing that happens from now on is missed."""
        self._stack.close()
        session = self._client.session
        parameters: dict[str, Any] = {"eventNames": CHANGE, "include": list(self._include), "cursor": self.cursor}
        opened = session.http.sse(session.url_of("subscribe"), params=parameters, timeout=SILENT_S, max_event_size=None)
        try:
            source = self._stack.enter_context(opened)
            if not source.response.is_success:
                source.response.read()
                read_answer(source.response)
            return self._documents(iter(source))
        except httpx2.TransportError as error:
            raise Unreachable(f"{session.base} does not answer: {error or type(error).__name__}") from error

    def _documents(self, events: Iterator[httpx2.ServerSentEvent]) -> Iterator[dict[str, Any]]:
        first = msgspec.json.decode(next(events).data)
        self.cursor = first["cursor"]
        return _chained(first, events)

    def _connect_again(self) -> Iterator[dict[str, Any]]:
        pauses = iter(PAUSES_S)
        while True:
            self._client.session.sleep(next(pauses, PAUSES_S[-1]))
            try:
                return self._connect()
            except Unreachable:
                continue
            except ApiError as error:
                if error.code != "Service Unavailable":
                    raise


def _chained(first: dict[str, Any], events: Iterator[httpx2.ServerSentEvent]) -> Iterator[dict[str, Any]]:
    yield first
    for event in events:
        yield msgspec.json.decode(event.data)
