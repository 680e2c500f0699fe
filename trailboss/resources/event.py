"""Events that agents and members send in: what the server is told of that it does not do itself.

What happened in Docker (`containerEvent`), what health checks saw (`serviceEvent`), and what other systems did
(`externalEvent` and its kinds). An agent sees only what it may send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from trailboss.declare import (
    ADMINS,
    AGENTS,
    ONCE,
    READ,
    REPORTED,
    date,
    document,
    embedded,
    flag,
    listing,
    mapping,
    number,
    recorded,
    ref,
    text,
)  # fmt: skip
from trailboss.resources.entity import Entity


class Event(Entity):
    """What events of both families share: they have no name, and nobody is shown when they go."""

    hidden: ClassVar[Sequence[str]] = ("name", "description")

    removed = date(column=True, read=(), part="observed")
    remove_time = date(column=True, read=(), part="observed")


class ContainerEvent(Event):
    """Something happened to a container in Docker."""

    type = "containerEvent"
    roles = REPORTED
    narrow = {
        "agent": (
            "id", "data", "docker_inspect", "external_from", "external_id", "external_status", "external_timestamp",
            "reported_host_uuid",
        )
    }  # fmt: skip
    hidden = (*Event.hidden, "uuid")
    served = False
    machine = recorded("containerevent")

    data = mapping("json", create=AGENTS, read=(*ADMINS, *AGENTS), max_length=16777215)
    docker_inspect = document(create=AGENTS, nullable=False)
    external_from = text(create=AGENTS, column=True)
    external_id = text(create=AGENTS, column=True)
    external_status = text(create=AGENTS, column=True)
    external_timestamp = number(create=AGENTS, column=True)
    host_id = ref("host", column=True)
    reported_host_uuid = text(create=AGENTS, column=True)


class ServiceEvent(Entity):
    """What one health checker thinks of one container."""

    type = "serviceEvent"
    roles = REPORTED
    narrow = {"agent": ("id", "external_timestamp", "healthcheck_uuid", "reported_health")}
    served = False
    machine = recorded("serviceevent")

    external_timestamp = number(create=AGENTS, column=True)
    healthcheck_uuid = text(create=AGENTS, column=True)
    host_id = ref("host", column=True)
    instance_id = ref("instance", column=True)
    reported_health = text(create=AGENTS, column=True)


SEEN_BY_AGENTS = ("id", "event_type", "external_id")


class ExternalEvent(Event):
    """Something happened in another system. reported_account_id: the account of the agent that says so."""

    type = "externalEvent"
    roles: ClassVar[Mapping[str, str]] = READ | {"agent": "r"}
    narrow: ClassVar[Mapping[str, tuple[str, ...]]] = {"agent": SEEN_BY_AGENTS}
    served = False
    machine = recorded("externalevent")

    data = mapping("json", read=ADMINS, max_length=65535)
    event_type = text(column=True)
    external_id = text(column=True)
    reported_account_id = ref("account", column=True)


class ReportedExternalEvent(ExternalEvent):
    """What the kinds share that agents send in."""

    roles = REPORTED

    event_type = text(create=AGENTS, column=True)
    external_id = text(create=AGENTS, column=True)


class ExternalDnsEvent(ReportedExternalEvent):
    """A service has been given a name in a public DNS."""

    type = "externalDnsEvent"
    narrow = {"agent": (*SEEN_BY_AGENTS, "fqdn", "service_name", "stack_name")}

    fqdn = text(create=AGENTS, nullable=False)
    service_name = text(create=AGENTS, nullable=False)
    stack_name = text(create=AGENTS, nullable=False)


class ExternalServiceEvent(ReportedExternalEvent):
    """A service elsewhere came, changed or went."""

    type = "externalServiceEvent"
    narrow = {"agent": (*SEEN_BY_AGENTS, "environment", "service")}

    environment = document(create=AGENTS, nullable=False)
    service = document(create=AGENTS, required=True, nullable=False)


class ExternalStoragePoolEvent(ReportedExternalEvent):
    """A storage driver is there on certain hosts."""

    type = "externalStoragePoolEvent"
    narrow = {"agent": (*SEEN_BY_AGENTS, "host_uuids", "storage_pool")}

    host_uuids = listing("string", create=AGENTS, nullable=False)
    storage_pool = embedded("storagePool", create=AGENTS, required=True, nullable=False)


class ExternalVolumeEvent(ReportedExternalEvent):
    """A storage driver has made a volume."""

    type = "externalVolumeEvent"
    narrow = {"agent": (*SEEN_BY_AGENTS, "volume")}

    volume = embedded("volume", create=AGENTS, required=True, nullable=False)


class ExternalHostEvent(ExternalEvent):
    """Hosts are to be emptied: the one named, and those with a label."""

    type = "externalHostEvent"
    roles = ONCE
    narrow = {}

    delete_host = flag(create=True, nullable=False, default=False)
    event_type = text(create=True, column=True)
    host_id = ref("host", create=True)
    host_label = text(create=True)
