"""What the host has said of an instance's newest run, as far as it decides anything.

Reports of older runs count for nothing here: a container that was gone before its next start may be there again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trailboss.resources.instance import Instance

_ENDED = ("exited", "created", "failed", "removed", "unknown", "released")


def has_ended(row: Instance) -> bool:
    """Say whether the newest run that the host was told of has ended, or there never was one."""
    granted = row.granted_epoch or 0
    return granted == 0 or (row.seen_epoch >= granted and row.seen_state in _ENDED)


def is_gone(row: Instance) -> bool:
    """Say whether nothing is left of the instance on its host, or it never was there."""
    granted = row.granted_epoch or 0
    return granted == 0 or (row.seen_epoch >= granted and row.seen_state == "removed")
