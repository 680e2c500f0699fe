"""How often somebody may fail to prove who he is: counted by address and by account, refused with 429 beyond that.

    attempts.check(address, name, limits)    before the proof is looked at; raises ApiError 429 with Retry-After
    attempts.failed(address, name, limits)   the proof was wrong
    attempts.succeeded(address, name)        it was right: others' failures do not lock this address out of this name

Whatever proves an account hangs on these three (keys, passwords, tokens). What is counted lives in this process and is
bounded; several servers count each for itself. How many are let through are settings, which count from the next attempt
on. The address is the one that no client can choose (`request.peer_of`).
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import Counter

from trailboss.errors import ApiError
from trailboss.resources.setting import number_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Read

MOST = 10_000
"""Addresses and names that are remembered; the one that was quiet for longest is forgotten first."""

REFUSED = Counter("trailboss_attempts_refused_total", "Requests refused because too many proofs were wrong before")


@dataclass(frozen=True)
class Limits:
    """How many may fail within `window_s` seconds: from one address with any names; with one name from anywhere."""

    window_s: int
    per_address: int
    per_name: int

    def of(self, kind: str) -> int:
        """Return how many failures of a kind close the door."""
        return self.per_address if kind == "address" else self.per_name


def limits_of(read: Read) -> Limits:
    """Return the limits in force."""
    return Limits(*(number_of(read, f"api.auth.attempts.{n}") for n in ("window.seconds", "per.address", "per.name")))


class Attempts:
    """clock: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str, name: str, limits: Callable[[], Limits]) -> None:
        """Let an attempt through; the limits are asked for only if anything has failed. Raises ApiError 429 if too many
        have: of this address with this name, and, if they have never succeeded together, of the address with any name
        or of anybody with this name."""
        if not self._failures:
            return
        allowed = limits()
        with self._lock:
            now = self._clock()
            pair, *others = self._kinds(address, name)
            counted = (pair,) if pair in self._known else (pair, *others)
            waits = [self._wait(kind, now, allowed) for kind in counted]
        if (wait := max(waits)) > 0:
            REFUSED.inc()
            message = "too many attempts have failed; wait before the next one"
            raise ApiError(429, "TooManyAttempts", message, headers={"Retry-After": str(math.ceil(wait))})

    def failed(self, address: str, name: str, limits: Limits, *, once: bool = False) -> None:
        """Count a wrong proof. once: not again what is known as wrong already, as a page that goes on asking with the
        token of a login that is over."""
        with self._lock:
            kinds = self._kinds(address, name)
            if not (once and kinds[0] in self._failures):
                for kind in kinds:
                    self._note(kind, limits)

    def may_tell(self, address: str, limits: Limits) -> bool:
        """Say whether one more refusal of somebody unknown goes into the audit log: as many as may fail do, and what
        is beyond that fills it no further."""
        kind = ("address", f"told {_network(address)}")
        with self._lock:
            if self._wait(kind, self._clock(), limits) > 0:
                return False
            self._note(kind, limits)
            return True

    def _note(self, kind: tuple[str, str], limits: Limits) -> None:
        times = self._failures.setdefault(kind, deque())
        times.append(self._clock())
        while len(times) > limits.of(kind[0]):
            times.popleft()
        self._failures.move_to_end(kind)
        if len(self._failures) > MOST:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, name: str) -> None:
        """Remember a right proof."""
        pair = self._kinds(address, name)[0]
        with self._lock:
            self._known[pair] = None
            self._known.move_to_end(pair)
            if len(self._known) > MOST:
                self._known.popitem(last=False)

    @contextmanager
    def counted(self, address: str, name: str, limits: Limits) -> Iterator[None]:
        """Let an attempt through that is made within. Raises ApiError 429, and what is raised within."""
        self.check(address, name, lambda: limits)
        try:
            yield
        except ApiError as problem:
            if problem.status in (401, 403):
                self.failed(address, name, limits)
            raise
        self.succeeded(address, name)

    def _wait(self, kind: tuple[str, str], now: float, limits: Limits) -> float:
        """Return the seconds until the next attempt; 0 if it may be made now."""
        times, most = self._failures.get(kind), limits.of(kind[0])
        if times is None or len(times) < most:
            return 0.0
        return max(0.0, times[-most] + limits.window_s - now)

    @staticmethod
    def _kinds(address: str, name: str) -> tuple[tuple[str, str], ...]:
        network = _network(address)
        return ("pair", f"{network} {name}"), ("address", network), ("name", name)


def _network(address: str) -> str:
    """Return what counts as one address: of IPv6, the /64 that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
