"""Health checks: which containers are checked, from which hosts, and what those say."""

from __future__ import annotations

from trailboss.declare import Machine, date, internal, machine, ref, text
from trailboss.resources.entity import Entity


def _machine(prefix: str) -> Machine:
    return internal(
        machine(
            prefix,
            """
            create: requested                    -> activating -> active
            remove: requested activating active  -> removing   -> removed
            """,
        )
    )


class HealthcheckInstance(Entity):
    """A container that is checked."""

    type = "healthcheckInstance"
    roles = {"superadmin": "r"}
    machine = _machine("healthcheckinstance")
    links = ("healthcheckInstanceHostMaps",)

    instance_id = ref("instance", column=True)


class HealthcheckInstanceHostMap(Entity):
    """A host that checks a container, and what it has found. external_timestamp: when it said so, in its seconds."""

    type = "healthcheckInstanceHostMap"
    roles = {"superadmin": "r"}
    machine = _machine("healthcheckinstancehostmap")

    healthcheck_instance_id = ref("healthcheckInstance", column=True)
    host_id = ref("host", column=True)
    health_state = text(column=True, max_length=128, default="healthy", part="observed")
    external_timestamp = date(column=True, part="observed")
