"""Hosts: where containers run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from trailboss.declare import (
    ADMINS,
    MANY,
    OPERATOR,
    Action,
    Behaviour,
    Field,
    Link,
    document,
    generic,
    listing,
    mapping,
    number,
    ref,
    text,
)  # fmt: skip
from trailboss.resources.entity import Entity

CAPACITY = 1_000_000
"""Containers that a host takes, counted by `COMPUTE` each (12-scheduling: instance.compute.default)."""
COMPUTE = 1


class Host(Entity):
    """A machine with a Docker Engine and an agent."""

    type = "host"
    roles = MANY | {"project": "rud", "service": "rud"}
    machine = generic("host")
    links = (
        "clusters", "containerEvents", Link("hostLabels", "label"), "hosts", "instances", "ipAddresses",
        "loadBalancerHostMaps",
        Link("loadBalancers", "loadBalancer", through=("loadBalancerHostMap", "host_id", "load_balancer_id")),
        "physicalHost", "serviceEvents", "storagePools", "instanceHostMaps",
        "healthcheckInstanceHostMaps",
    )  # fmt: skip
    actions: ClassVar[Sequence[Action]] = (
        Action("dockersocket", None, "hostAccess", states=("active", "inactive", "activating", "deactivating")),
    )

    agent_id = ref("agent", column=True, read=ADMINS)
    agent_state = text(column=True, max_length=128, part="observed")
    api_proxy = text(update=True, read=ADMINS)
    compute_total = number(column=True, default=CAPACITY)
    info: Field[object] = document(nullable=False, part="volatile")
    labels = mapping("string", update=True, nullable=False)
    physical_host_id = ref("physicalHost", column=True)
    public_endpoints = listing("publicEndpoint", part="observed")

    reported_uuid = text(column=True, read=())
    """What its agent calls it; shown in `data`, where clients of the original look for it."""
    compute_free = number(column=True, read=(), update=OPERATOR, default=CAPACITY, part="observed")
    gateway = text(column=True, read=())
    host_address = text(read=(), part="observed")
    engine_message = text(read=(), part="observed")


from trailboss.resources.host import reconcile  # noqa: E402


def _shown(row: Host, face: Any) -> dict[str, Any]:
    """Show among the fields in `data` by what its agent knows a host."""
    data = row.data or {}
    return {"data": data | {"fields": {**data.get("fields", {}), "reportedUuid": row.reported_uuid}}}


Host.behaviour = Behaviour(
    update=reconcile.update,
    load=reconcile.load,
    reconcile=reconcile.reconcile,
    settled=reconcile.settled,
    computed=_shown,
)
