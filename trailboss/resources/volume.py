"""Volumes: data that outlives the containers that mount it."""

from __future__ import annotations

from trailboss.declare import AGENTS, READ, Action, flag, generic, mapping, ref, text
from trailboss.resources.entity import Entity


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
    links = ("mounts", "snapshots", "storagePools")
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


class Mount(Entity):
    """A volume at a path of a container. permissions: `rw` or `ro`."""

    type = "mount"
    served = False
    machine = generic("mount", activate=False)

    instance_id = ref("instance", column=True)
    path = text(column=True, max_length=512)
    permissions = text(column=True, max_length=128)
    volume_id = ref("volume", column=True)
