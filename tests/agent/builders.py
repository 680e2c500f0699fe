"""Values with good defaults for the tests of the agent's pure parts."""

from __future__ import annotations

from typing import Any

from trailboss.agent.converge import NEVER, Run, Seen, Situation, Wish
from trailboss.wire.messages import Record, Specification

FIRST, SECOND = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"
"""Moments of two starts."""


def a_specification(**more: Any) -> Specification:
    """A container on the managed network."""
    return Specification(**{"image": "app:1", "address": "10.42.4.1", **more})


def a_wish(desired: Any = "running", epoch: int = 1, incarnation: int = 1, **more: Any) -> Wish:
    """What is wanted of the container c."""
    values: dict[str, Any] = {"container": "c", "slot": "c", "hash": "h", "specification": a_specification(), **more}
    return Wish(incarnation, Record(epoch=epoch, desired=desired, **values))


def a_run(epoch: int = 1, before: str = NEVER, incarnation: int = 1, **more: Any) -> Run:
    """A run of the Docker container d."""
    return Run(incarnation, epoch, **{"docker_id": "d", "before": before, **more})


def seen(status: str, started: str = NEVER, **more: Any) -> Seen:
    """The Docker container d."""
    values: dict[str, Any] = {"container": "c", "name": "c", "slot": "c", "hash": "h", "made_for": (1, 1)}
    values |= {"docker_id": "d", "address": "10.42.4.1" if status in ("running", "paused") else ""}
    return Seen(status=status, started=started, **values | more)


def a_situation(**more: Any) -> Situation:
    """The server is there, and nobody else is in the slot."""
    return Situation(**{"now_ms": 1_000_000, **more})
