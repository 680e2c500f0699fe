"""Snapshots: what was in a volume at a moment, kept apart from it."""

from __future__ import annotations

from trailboss.declare import ONCE, machine, ref, text
from trailboss.resources.entity import Entity


class Snapshot(Entity):
    """A read-only copy of a volume; backed up, it lies outside of the hosts."""

    type = "snapshot"
    roles = ONCE
    served = False
    machine = machine(
        "snapshot",
        """
        create: requested                              -> creating   -> created
        backup: created                                -> backing-up -> backed-up
        remove: creating created backing-up backed-up  -> removing   -> removed
        """,
    )
    links = ("storagePools",)
    unserved = ("backup",)

    managed_volume_uuid = text(wire="managedVolumeUUID")
    volume_id = ref("volume", create=True, required=True, nullable=False, column=True)
