"""The maps of services: which instances belong to one, and which services use one another."""

from __future__ import annotations

from trailboss.declare import OPERATOR, READ, flag, listing, machine, ref, text
from trailboss.resources.entity import Entity


class ServiceExposeMap(Entity):
    """One instance (or address) that a service consists of. managed: made by the service itself."""

    type = "serviceExposeMap"
    roles = READ
    machine = machine(
        "serviceexposemap",
        """
        create: requested                       -> activating -> active
        remove: active activating requested     -> removing   -> removed
        """,
    )

    instance_id = ref("instance", column=True)
    ip_address = text(column=True)
    managed = flag(column=True, nullable=False)
    service_id = ref("service", column=True)
    upgrade = flag(column=True, nullable=False, default=False, read=OPERATOR)
    """It is kept for a rollback: an upgrade has replaced it."""
    dns_prefix = text(column=True, read=OPERATOR)
    """Name of its sidekick; null for the service itself."""


class ServiceConsumeMap(Entity):
    """A link: `serviceId` uses `consumedServiceId` and knows it by `name`."""

    type = "serviceConsumeMap"
    roles = READ
    machine = machine(
        "serviceconsumemap",
        """
        create: requested                                       -> activating      -> active
        update: active activating                               -> updating-active -> active
        remove: active activating updating-active               -> removing        -> removed
        """,
    )

    links = ("instanceLinks",)

    consumed_service_id = ref("service", column=True)
    name = text(column=True)
    ports = listing("string", required=True)
    service_id = ref("service", column=True)
