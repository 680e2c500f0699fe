"""Storage pools: where volumes live, and which volumes and images are in which.

Registries, which are pools of images, are in `registry.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from trailboss.declare import AGENTS, READ, Link, generic, internal, ref, text
from trailboss.resources.entity import Entity


class StoragePool(Entity):
    """The storage of one host, or one that several hosts share by a driver."""

    type = "storagePool"
    roles = READ | {"agent": "r"}
    narrow = {"agent": ("id", "name", "driver_name", "external_id")}
    served = False
    machine = generic("storagepool")
    links: ClassVar[Sequence[str | Link]] = (
        "credentials", "hosts",
        Link("images", "image", through=("imageStoragePoolMap", "storage_pool_id", "image_id")),
        "snapshots",
        Link("volumes", "volume", through=("volumeStoragePoolMap", "storage_pool_id", "volume_id")),
        "imageStoragePoolMaps", "volumeStoragePoolMaps",
    )  # fmt: skip

    name = text(create=True, update=("project", "user", "admin", "service"), column=True)
    driver_name = text(create=AGENTS, column=True)
    external_id = text(create=AGENTS, column=True, max_length=128)


class VolumeStoragePoolMap(Entity):
    """A volume in a pool: active while the volume is, inactive while what it belongs to is stopped."""

    type = "volumeStoragePoolMap"
    roles = {"superadmin": "r"}
    machine = internal(generic("volumestoragepoolmap"))

    volume_id = ref("volume", column=True)
    storage_pool_id = ref("storagePool", column=True)


class ImageStoragePoolMap(Entity):
    """An image that a pool has."""

    type = "imageStoragePoolMap"
    roles = {"superadmin": "r"}
    machine = internal(generic("imagestoragepoolmap"))

    image_id = ref("image", column=True)
    storage_pool_id = ref("storagePool", column=True)
