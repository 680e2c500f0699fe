"""Volumes: data that outlives the containers that mount it."""

from __future__ import annotations

from trailboss.declare import AGENTS, OPERATOR, READ, Action, Link, flag, generic, mapping, number, ref, text
from trailboss.resources.entity import Entity

NAMED = -1
"""Device number of a volume that is no container's root."""


class Volume(Entity):
    """A place for data, by name or on a path of a host."""

    type = "volume"
    roles = READ | {"project": "crd", "service": "crd", "agent": "r"}
    narrow = {
        "agent": ("id", "name", "driver", "driver_opts", "external_id", "format", "is_host_path", "uri"),
    }
    served = False
    machine = generic(
        "volume",
        activate=False,
        less=("activate",),
        more="(activate): requested registering inactive -> activating -> active",
    )
    links = (
        "mounts", "snapshots",
        Link("storagePools", "storagePool", through=("volumeStoragePoolMap", "volume_id", "storage_pool_id")),
        "volumeStoragePoolMaps",
    )  # fmt: skip
    actions = (
        Action("allocate", None, "volume", states=("inactive",)),
        Action("deallocate", None, "volume", states=("activating", "active")),
    )
    unserved = ("allocate", "deallocate")

    name = text(create=True, required=True, unique=True, column=True)
    driver = text(create=True, required=True, nullable=False)
    driver_opts = mapping("string", create=True)
    external_id = text(create=AGENTS, column=True, max_length=128)
    format = text(create=True, read=AGENTS)
    image_id = ref("image", column=True)
    instance_id = ref("instance", column=True)
    is_host_path = flag(create=AGENTS, nullable=False, default=False)
    uri = text(create=AGENTS, column=True, max_length=512)

    allocation_state = text(column=True, read=OPERATOR, max_length=255, default="inactive", part="observed")
    attached_state = text(column=True, read=OPERATOR, max_length=255, default="inactive", part="observed")
    device_number = number(column=True, read=OPERATOR, default=NAMED, part="observed")


class Mount(Entity):
    """A volume at a path of a container. permissions: `rw` or `ro`."""

    type = "mount"
    served = False
    machine = generic("mount", activate=False)

    instance_id = ref("instance", column=True)
    path = text(column=True, max_length=512)
    permissions = text(column=True, max_length=128)
    volume_id = ref("volume", column=True)
