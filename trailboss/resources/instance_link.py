"""Instance links: the names by which a container knows others, besides those of its services."""

from __future__ import annotations

from trailboss.declare import ADMINS, OPERATOR, READ, generic, listing, ref, text
from trailboss.resources.entity import Entity


class InstanceLink(Entity):
    """One name in one container, and what it leads to."""

    type = "instanceLink"
    roles = READ | {"project": "ru", "service": "ru"}
    served = False
    machine = generic("instancelink", activate=False)

    instance_id = ref("instance", column=True)
    link_name = text(column=True)
    ports = listing("json", nullable=False, read=ADMINS)
    target_instance_id = ref("instance", update=True, column=True)

    service_consume_map_id = ref("serviceConsumeMap", column=True, read=OPERATOR)
    """The link between services that it comes from; null for one of the container's own."""
