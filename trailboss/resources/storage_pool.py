"""Storage pools: where volumes live. Registries, which are pools of images, are in `registry.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from trailboss.declare import AGENTS, READ, generic, text
from trailboss.resources.entity import Entity


class StoragePool(Entity):
    """The storage of one host, or one that several hosts share by a driver."""

    type = "storagePool"
    roles = READ | {"agent": "r"}
    narrow = {"agent": ("id", "name", "driver_name", "external_id")}
    served = False
    machine = generic("storagepool")
    links: ClassVar[Sequence[str]] = ("credentials", "hosts", "images", "snapshots", "volumes")

    name = text(create=True, update=("project", "user", "admin", "service"), column=True)
    driver_name = text(create=AGENTS, column=True)
    external_id = text(create=AGENTS, column=True, max_length=128)
