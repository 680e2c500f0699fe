"""The change stream as an iterator: each change of a resource, in order, once, across breaks of the connection.

It is read as server-sent events; every event carries a cursor from which the next connection goes on. Where the server
cannot go back that far, it says so, and a change without a resource tells the reader to list again.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import msgspec

from trailboss.client.resource import JsonObject, Resource
from trailboss.client.session import read_answer
from trailboss.errors import ApiError, Unreachable

if TYPE_CHECKING:
    from trailboss.client.client import Client

CHANGE, RESYNC = "resource.change", "resync"
PAUSES_S = (0.5, 1.0, 2.0, 5.0)
"""Before each attempt to connect again; the last one for ever."""
SILENT_S = 20.0
"""Without an event for so long (the server sends a sign of life every 5 s) the connection is given up."""
NOW = "now"
STOPS = (401, 403, 404)
"""Refusals that will not change by trying again."""


def _nothing(sentence: str) -> None:
    """Say nothing of breaks."""


@dataclass(frozen=True)
class Wanted:
    """types: names of types; none means all. include: links whose resources come along. on_break: is told in a sentence
    when the connection is lost."""

    types: Collection[str] = ()
    include: Sequence[str] = ()
    on_break: Callable[[str], None] = _nothing


@dataclass(frozen=True)
class Change:
    """type, id: of the resource. resource: as it is after the change; None if it cannot be seen (any more).
    cursor: where to go on after it. event: as the server sent it. list_again: why changes before this one are missing;
    then there is no resource."""

    type: str | None
    id: str | None
    resource: Resource | None
    cursor: str
    event: JsonObject
    list_again: str | None = None


class Changes:
    """An open subscription. cursor: where it has come to. Close it, or use it in `with`."""

    def __init__(self, client: Client, wanted: Wanted, cursor: str | None) -> None:
        self._client, self._wanted = client, wanted
        self._stack = contextlib.ExitStack()
        self.cursor = cursor or NOW
        self._events = self._connect()

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the subscription."""
        self._stack.close()

    def __iter__(self) -> Iterator[Change]:
        """Give changes as they come, for ever. Raises ApiError when these keys may not subscribe any more."""
        while True:
            because = "the server ended the stream"
            try:
                for event in self._events:
                    if (change := self._understood(event)) is not None:
                        yield change
            except httpx2.TransportError as error:
                because = f"{self._client.base} broke off: {error or type(error).__name__}"
            self._events = self._connect_again(because)

    def _understood(self, event: JsonObject) -> Change | None:
        """Note how far the stream has come; return the change that an event tells of, if the reader wants it."""
        self.cursor = cursor = event["cursor"]
        data, type_ = event.get("data") or {}, event.get("resourceType")
        if event["name"] == RESYNC:
            return Change(None, None, None, cursor, event, data["message"])
        if event["name"] != CHANGE or (self._wanted.types and type_ not in self._wanted.types):
            return None
        document = data.get("resource")
        resource = self._client.decode(document) if document is not None else None
        return Change(type_, event.get("resourceId"), resource, cursor, event)

    def _connect(self) -> Iterator[JsonObject]:
        """Open the stream from the cursor; when this returns, nothing that happens from now on is missed."""
        self._stack.close()
        session, include = self._client.session, list(self._wanted.include)
        parameters = {"eventNames": CHANGE, "include": include, "cursor": self.cursor}
        url = session.url_of("subscribe")
        try:
            opened = session.http.sse(url, params=parameters, timeout=SILENT_S, max_event_size=None)
            source = self._stack.enter_context(opened)
            if not source.response.is_success:
                source.response.read()
                read_answer(source.response)
            events = _documents(source)
            # the server begins with a sign of life, which says where the stream stands
            first = next(events)
        except (httpx2.TransportError, StopIteration) as error:
            raise Unreachable(f"{session.base} does not answer: {error or type(error).__name__}") from error
        self.cursor = first["cursor"]
        return itertools.chain([first], events)

    def _connect_again(self, because: str) -> Iterator[JsonObject]:
        for pause in itertools.chain(PAUSES_S, itertools.repeat(PAUSES_S[-1])):
            self._wanted.on_break(f"{because}; trying again in {pause:g} s")
            self._client.session.sleep(pause)
            try:
                return self._connect()
            except Unreachable as error:
                because = error.message
            except ApiError as error:
                if error.status in STOPS:
                    raise
                because = error.message
        raise AssertionError("there is no end of pauses")


def _documents(source: httpx2.EventSource) -> Iterator[JsonObject]:
    for event in source:
        yield msgspec.json.decode(event.data)
