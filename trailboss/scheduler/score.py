"""Whose turn it is: hosts in the order in which they are tried.

`Ranking` keeps host ids by free compute, so that the first hosts to try are found without sorting a fleet for
each placement, and one placement moves one host. Spread tries the most free first, pack the least free;
equals go by host id. Which of them fits is decided in `place.py`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator


class Ranking:
    """Host ids by free compute; None is without limit and counts as the least, so a counted host is used
    first."""

    def __init__(self) -> None:
        self._levels: list[int] = []
        self._ids: dict[int | None, list[int]] = {}

    def add(self, host_id: int, free: int | None) -> None:
        """Enter a host."""
        ids = self._ids.setdefault(free, [])
        if not ids and free is not None:
            insort(self._levels, free)
        insort(ids, host_id)

    def discard(self, host_id: int, free: int | None) -> None:
        """Take a host out; free is what it was entered with."""
        ids = self._ids[free]
        del ids[bisect_left(ids, host_id)]
        if not ids:
            del self._ids[free]
            if free is not None:
                del self._levels[bisect_left(self._levels, free)]

    def walk(self, compute: int, *, spread: bool) -> Iterator[int]:
        """Yield the hosts that have `compute` free, the one to try first first."""
        levels = range(bisect_left(self._levels, compute), len(self._levels))
        if not spread:
            yield from self._ids.get(None, ())
        for level in reversed(levels) if spread else levels:
            yield from self._ids[self._levels[level]]
        if spread:
            yield from self._ids.get(None, ())


def ranked(hosts: Iterable[tuple[int, int | None]], *, spread: bool) -> list[int]:
    """Return ids of (host id, free compute) pairs in the order of `Ranking.walk`, for when there are few."""

    def key(host: tuple[int, int | None]) -> tuple[bool, int, int]:
        host_id, free = host
        if free is None:
            return (spread, 0, host_id)
        return (not spread, -free if spread else free, host_id)

    return [host_id for host_id, _ in sorted(hosts, key=key)]
