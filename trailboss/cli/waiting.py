"""Wait until something is true of what the API says, and say all the while what is waited for.

Functions go in: one that reads, one that judges. A judge returns None when it is so, or a sentence on what is still
missing; it raises Permanent when it will never be so. Whether what runs goes on running is in `steady.py`. Nothing here
prints: the display is handed in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol, TypeVar

from trailboss.cli.stack import Container, Service, Stack
from trailboss.errors import Permanent, TimedOut, Unreachable

T = TypeVar("T", contravariant=True)
S = TypeVar("S")

INTERVAL_S = 0.25
SHARE = 3
"""Between two looks passes at least this many times what a look takes, so that waiting never burdens a server."""
SHOWN = 3
BUSY = ("creating", "starting", "running", "stopping", "restarting")
"""States of a container that has not come to rest."""


class Display(Protocol[T]):
    """Where progress is shown."""

    def show(self, seen: T) -> None:
        """Show what there is now."""

    def note(self, sentence: str) -> None:
        """Show something to know about the waiting itself."""


class Silent:
    """Shows nothing, for what takes no longer than a moment."""

    def show(self, seen: Any) -> None:
        """Show nothing."""

    def note(self, sentence: str) -> None:
        """Show nothing."""


def wait(read: Callable[[], S], judge: Callable[[S], str | None], display: Display[S], timeout_s: float) -> S:
    """Return what was read when the judge is content. Raises TimedOut, and Permanent when the judge does.

    A server that does not answer in between is asked again: it may be starting anew.
    """
    deadline = time.monotonic() + timeout_s
    missing: str | None = "nothing has been read yet"
    while True:
        began = time.monotonic()
        try:
            seen = read()
        except Unreachable as error:
            missing = error.message
            display.note(f"{missing}; trying again")
        else:
            display.show(seen)
            missing = judge(seen)
            if missing is None:
                return seen
        now = time.monotonic()
        if now >= deadline:
            raise TimedOut(f"not done after {timeout_s:g} s: {missing}")
        time.sleep(min(max(INTERVAL_S, SHARE * (now - began)), max(deadline - now, 0)))


def is_up(stack: Stack | None, names: Collection[str]) -> str | None:
    """Judge whether a stack runs with the services of these names."""
    stack = _still_there(stack)
    if stack.failed or stack.state == "error":
        raise Permanent(_sentence(f"stack {stack.name}", stack.message or stack.state))
    if stack.state != "active":
        return _sentence(f"stack {stack.name} is {stack.state}", stack.message)
    missing = set(names) - {s.name for s in stack.services}
    if missing:
        return f"services not made yet: {', '.join(sorted(missing))}"
    return _first([_is_active(s) for s in _chosen(stack, names)])


def is_scaled(stack: Stack | None, wanted: dict[str, int]) -> str | None:
    """Judge whether services run with exactly these numbers of units."""
    stack = _still_there(stack)
    found = []
    for service in _chosen(stack, wanted):
        found.append(_is_active(service))
        if not service.running == service.units == wanted[service.name]:
            has = f"service {service.name} has {service.units} units, {service.running} of them running"
            found.append(_sentence(has, service.message))
    return _first(found)


def is_stopped(stack: Stack | None, names: Collection[str]) -> str | None:
    """Judge whether services rest, and none of their containers runs."""
    stack = _still_there(stack)
    found = []
    for service in _chosen(stack, names):
        busy = [c for c in service.containers if c.state in BUSY]
        if service.state != "inactive":
            found.append(_sentence(f"service {service.name} is {service.state}", service.message))
        elif busy:
            found.append(_sentence(f"{busy[0].name} is {busy[0].state}", busy[0].message))
    return _first(found)


def is_without(stack: Stack | None, names: Collection[str] | None) -> str | None:
    """Judge whether a stack is gone, or (with names) only these services of it."""
    if stack is None:
        return None
    if names is None:
        return _sentence(f"stack {stack.name} is {stack.state}", stack.message)
    return _first([_sentence(f"service {s.name} is {s.state}", s.message) for s in _chosen(stack, names)])


def _still_there(stack: Stack | None) -> Stack:
    if stack is None:
        raise Permanent("the stack was removed meanwhile")
    return stack


def _chosen(stack: Stack, names: Collection[str]) -> list[Service]:
    return [s for s in stack.services if s.name in names]


def _is_active(service: Service) -> str | None:
    """Judge one service that is to run; what failed three times or for good will not mend itself."""
    things: tuple[Service | Container, ...] = (service, *service.containers)
    for thing in things:
        if thing.failed:
            raise Permanent(f"{type(thing).__name__.lower()} {thing.name}: {thing.message or thing.state}")
    if service.state == "active" and not service.moving:
        return None
    found = _sentence(f"service {service.name} is {service.state}", service.message)
    # The container that holds it up knows best why, if the service does not say it already.
    said = service.message or ""
    waiting = next(
        (c for c in service.containers if c.state != "running" and c.message and c.message not in said), None
    )
    return f"{found} ({_sentence(f'{waiting.name} is {waiting.state}', waiting.message)})" if waiting else found


def _sentence(what: str, message: str | None) -> str:
    return f"{what}: {message}" if message else what


def _first(sentences: Sequence[str | None]) -> str | None:
    """Join the first of the sentences that are there, and say how many more there are."""
    found = [s for s in sentences if s]
    if not found:
        return None
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more
