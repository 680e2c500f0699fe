"""Rows with good defaults, for tests of pure functions: nothing is stored."""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

import trailboss.resources  # noqa: F401  (declares every type)
from trailboss.declare import Resource
from trailboss.resources.environment import Environment
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.port import Port
from trailboss.resources.service import Service

R = TypeVar("R", bound=Resource)

_ids = itertools.count(1000)


def a_row(type_: type[R], **values: Any) -> R:
    """Return a row of a type as the store would read it."""
    id = values.get("id", next(_ids))
    common = {"id": id, "uuid": f"{type_.type}-{id}", "kind": type_.type, "account_id": 5, "data": {}}
    counters = {"generation": 1, "observed": 0, "failed": 0, "message": None, "progress": None}
    defaults = {name: field.default for name, field in type_.fields.items()}
    return type_({**defaults, **common, **counters, **values})


def a_stack(**values: Any) -> Environment:
    """Return an active stack."""
    return a_row(Environment, **{"name": "shop", "state": "active", **values})


def a_service(**values: Any) -> Service:
    """Return an active service of the stack "shop"."""
    config = {"imageUuid": "docker:busybox:latest", **values.pop("launch_config", {})}
    given = {"id": 9, "uuid": "service-uuid", "name": "web", "state": "active", "scale": 1, "create_index": 0}
    return a_row(Service, **{**given, **values, "launch_config": config})


def a_host(**values: Any) -> Host:
    """Return an active host whose agent is connected."""
    return a_row(Host, **{"name": "one", "state": "active", "agent_state": "active", **values})


def a_container(**values: Any) -> Container:
    """Return a container on its own that runs its first run, as its host has reported."""
    given = {"name": "solo", "image_uuid": "docker:busybox:latest", "state": "running", "desired": "running"}
    run = {"epoch": 1, "granted_epoch": 1, "seen_epoch": 1, "seen_state": "running", "first_running": 1}
    return a_row(Container, **{**given, **run, **values})


def a_port(container: Container, private: int, public: int | None = None, **values: Any) -> Port:
    """Return a port of a container that is not open yet."""
    given = {"private_port": private, "public_port": public, "wanted_public_port": public, "protocol": "tcp"}
    return a_row(Port, **{"state": "inactive", "instance_id": container.id, **given, **values})


def one_of(service: Service, number: int, sidekick: str = "", **values: Any) -> Container:
    """Return a running container of a service: the one of its number, or a sidekick there."""
    middle = f"_{sidekick}" if sidekick else ""
    return a_container(
        **{
            "service_id": service.id,
            "name": f"shop_{service.name}{middle}_{number}",
            "slot": f"{service.uuid}/{sidekick}/{number}",
            "launch_config_name": sidekick or None,
            "deployment_unit_uuid": f"unit-{number}",
            "create_index": number,
            **values,
        }
    )
