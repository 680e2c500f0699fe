"""How often somebody may fail to prove who he is: counted by address and by account, refused with 429 beyond that.

    attempts.check(address, name)        before the proof is looked at; raises ApiError 429 with Retry-After
    attempts.failed(address, name)       the proof was wrong
    attempts.succeeded(address, name)    it was right: what others fail at does not lock this address out of this name

Whatever proves an account hangs on these three (keys, passwords, tokens). What is counted lives in this process and is
bounded; several servers count each for itself. The address is the one that no client can choose (`request.peer_of`).
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from trailboss.errors import ApiError

WINDOW_S = 60.0
PER_ADDRESS = 20
"""Failures from one address within the window, whatever the names."""
PER_NAME = 10
"""Failures with one name within the window, from wherever."""
MOST = 10_000
"""Addresses and names that are remembered; the one that was quiet for longest is forgotten first."""

REFUSED = Counter("trailboss_attempts_refused_total", "Requests refused because too many proofs were wrong before")


class Attempts:
    """clock: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str, name: str) -> None:
        """Let an attempt through. Raises ApiError 429 if too many have failed: of this address with this name, and, if
        they have never succeeded together, of the address with any name or of anybody with this name."""
        if not self._failures:
            return
        with self._lock:
            now = self._clock()
            pair, *others = self._kinds(address, name)
            waits = [self._wait(kind, now) for kind in ((pair,) if pair in self._known else (pair, *others))]
        if (wait := max(waits)) > 0:
            REFUSED.inc()
            message = "too many attempts have failed; wait before the next one"
            raise ApiError(429, "TooManyAttempts", message, headers={"Retry-After": str(math.ceil(wait))})

    def failed(self, address: str, name: str) -> None:
        """Count a wrong proof."""
        with self._lock:
            for kind in self._kinds(address, name):
                times = self._failures.setdefault(kind, deque(maxlen=PER_ADDRESS if kind[0] == "address" else PER_NAME))
                times.append(self._clock())
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
    def counted(self, address: str, name: str) -> Iterator[None]:
        """Let an attempt through that is made within. Raises ApiError 429, and what is raised within."""
        self.check(address, name)
        try:
            yield
        except ApiError as problem:
            if problem.status in (401, 403):
                self.failed(address, name)
            raise
        self.succeeded(address, name)

    def _wait(self, kind: tuple[str, str], now: float) -> float:
        """Return the seconds until the next attempt; 0 if it may be made now."""
        times = self._failures.get(kind)
        if times is None or len(times) < (times.maxlen or 0):
            return 0.0
        return max(0.0, times[0] + WINDOW_S - now)

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
