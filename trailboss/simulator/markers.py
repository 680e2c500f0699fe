"""Markers by which a container asks its simulated host for trouble (14-simulated-hosts section 4).

In: a record. A marker is looked for wherever a user can write: labels, environment, command, host name. Nothing here
has any effect on a real host.
"""

from __future__ import annotations

import msgspec

from trailboss.wire.messages import Record

START = "compute.instance.activate"
_FORGET = "simForgetImmediately"
_SHUTDOWN = "simShutdownAfter"
_SLOW = "simSlow"


def failure(record: Record) -> str:
    """Return the message with which a start fails; "" if it does not."""
    return f"Failing [{START}]" if f"{START}::fail" in _text(record) else ""


def is_forgotten(record: Record) -> bool:
    """Say whether the host loses the container right after its start."""
    return _FORGET in _text(record)


def lifetime_ms(record: Record) -> int | None:
    """Return after how long (ms) the container is gone by itself, by its command; None for never."""
    command = record.specification.command if record.specification else []
    if len(command) == 2 and command[0] == _SHUTDOWN and command[1].isdigit():
        return int(command[1]) * 1000
    return None


def slowness_ms(record: Record) -> int:
    """Return how much longer (ms) each step of the container takes, by its label."""
    labels = record.specification.labels if record.specification else {}
    return int(labels[_SLOW]) if labels.get(_SLOW, "").isdigit() else 0


def _text(record: Record) -> str:
    return msgspec.json.encode(record.specification).decode() if record.specification else ""
