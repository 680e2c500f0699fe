"""What only the operator sees: rows that the original kept, and that here follow from others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from trailboss.declare import Field, number, ref
from trailboss.resources.entity import Entity


class InstanceHostMap(Entity):
    """Where an instance stands. Its number is the instance's; it is active while that is not at rest."""

    type = "instanceHostMap"
    roles = {"superadmin": "r"}
    window = True
    hidden: ClassVar[Sequence[str]] = ("uuid", "name", "description")

    state: Field[str] = Field("enum", column=True, nullable=False, options=("active", "inactive", "removed"))
    instance_id = ref("instance", column=True)
    host_id = ref("host", column=True)


class Nic(Entity):
    """The place of an instance in the managed network. Its number is the instance's, and so is its state."""

    type = "nic"
    roles = {"superadmin": "r"}
    window = True
    hidden: ClassVar[Sequence[str]] = ("uuid", "name", "description")

    state: Field[str] = Field("enum", column=True, nullable=False, options=("active", "inactive", "removed"))
    instance_id = ref("instance", column=True)
    device_number = number(column=True)


class Zone(Entity):
    """Where everything is: there is one."""

    type = "zone"
    roles = {"superadmin": "r"}
    window = True
    hidden: ClassVar[Sequence[str]] = ("account_id", "description")

    state: Field[str] = Field("enum", column=True, nullable=False, options=("active",))
