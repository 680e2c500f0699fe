"""What the API says of a stack, as values: services and their containers with host, ports and reason.

A `Client` goes in, frozen values come out; `as_json` gives them the shape that `--json` prints. Who waits for
something to become true of these values is `waiting.py`; who shows them, `progress.py` and `ps.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from trailboss.client import types
from trailboss.errors import ApiError, TrailbossError

if TYPE_CHECKING:
    from trailboss.client import Client

Named = types.Environment | types.Service | types.Container | types.Host

GONE = ("removed", "purging", "purged")
NOT_FOUND = 404


@dataclass(frozen=True)
class Port:
    """One port of a container. public, address: where it is reached from outside, if it is."""

    private: int
    public: int | None
    protocol: str
    address: str | None


@dataclass(frozen=True)
class Container:
    """One container. host: name of where it is, None until it has a place. message: why it is not there yet, or what
    went wrong; failed: it went wrong. starts: how often it was started; quick_exits: how many of its runs in a row
    ended soon; exit_code: of its last run that has ended."""

    id: str
    name: str
    service: str
    state: str
    image: str
    host: str | None
    ports: tuple[Port, ...]
    message: str | None
    failed: bool
    starts: int
    quick_exits: int
    exit_code: int | None


@dataclass(frozen=True)
class Service:
    """One service with its containers. scale: how many units it shall have, each a container and its sidekicks;
    units: how many there are; running: in how many of them all runs. moving: on its way to another state."""

    id: str
    name: str
    state: str
    scale: int | None
    units: int
    running: int
    message: str | None
    moving: bool
    failed: bool
    containers: tuple[Container, ...]


@dataclass(frozen=True)
class Stack:
    """One stack with its services."""

    id: str
    name: str
    state: str
    message: str | None
    failed: bool
    services: tuple[Service, ...]

    @property
    def containers(self) -> tuple[Container, ...]:
        """All its containers, service by service."""
        return tuple(c for s in self.services for c in s.containers)


def find(client: Client, name: str) -> types.Environment | None:
    """Return the stack of a name (in any case), or None."""
    stacks = client.environments.each(removed_null=True)
    return next((s for s in stacks if is_here(s) and name_of(s).lower() == name.lower()), None)


def require(client: Client, name: str) -> types.Environment:
    """Return the stack of a name. Raises TrailbossError when there is none."""
    found = find(client, name)
    if found is None:
        raise TrailbossError(f"there is no stack {name}; `trailboss ps` lists all")
    return found


def is_here(resource: Named) -> bool:
    """Say whether a resource is more than a row about what was."""
    return resource.state not in GONE


def name_of(resource: Named) -> str:
    """Return how people call a resource."""
    return resource.name or resource.id


def services_of(client: Client, stack: types.Environment) -> list[types.Service]:
    """Return the services of a stack as the API gives them."""
    return [s for s in client.follow(stack, "services", types.Service) if is_here(s)]


def named(services: Iterable[types.Service], names: Iterable[str]) -> list[types.Service]:
    """Return the services of these names. Raises TrailbossError for a name that is not there."""
    found = {name_of(s).lower(): s for s in services}
    missing = [name for name in names if name.lower() not in found]
    if missing:
        there = ", ".join(name_of(s) for s in found.values()) or "none"
        raise TrailbossError(f"the stack has no service {', '.join(missing)}; it has: {there}")
    return [found[name.lower()] for name in names]


def read(client: Client, stack: types.Environment) -> Stack | None:
    """Read a stack anew with all that belongs to it; None when it is gone."""
    try:
        stack = client.refresh(stack)
        if not is_here(stack):
            return None
        services = [read_service(client, s) for s in services_of(client, stack)]
    except ApiError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    return Stack(
        id=stack.id,
        name=name_of(stack),
        state=stack.state or "",
        message=stack.transitioning_message,
        failed=stack.transitioning == "error",
        services=tuple(services),
    )


def read_service(client: Client, service: types.Service) -> Service:
    """Read the containers of a service, with hosts and ports in the same request."""
    rows = _instances(client, service)
    containers = [_container(row, name_of(service)) for row in rows]
    units = _units(rows)
    size = 1 + len(service.secondary_launch_configs or ())
    return Service(
        id=service.id,
        name=name_of(service),
        state=service.state or "",
        scale=service.scale,
        units=len(units),
        running=sum(states.count("running") == len(states) == size for states in units),
        message=service.transitioning_message,
        moving=service.transitioning == "yes",
        failed=service.transitioning == "error",
        containers=tuple(sorted(containers, key=lambda c: _by_number(c.name))),
    )


def _instances(client: Client, service: types.Service) -> list[types.Container]:
    try:
        found = client.follow(service, "instances", types.Container, include=["hosts", "ports"])
        return [row for row in found if is_here(row)]
    except ApiError as error:
        if error.status == NOT_FOUND:  # it was removed after it had been listed; the stack itself may stay
            return []
        raise


def _units(rows: list[types.Container]) -> list[list[str]]:
    """Return for each unit the states of its containers."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.deployment_unit_uuid or row.id, []).append(row.state or "")
    return list(found.values())


def _by_number(name: str) -> tuple[str, int]:
    head, _, number = name.rpartition("_")
    return (head, int(number)) if number.isdigit() else (name, 0)


def _container(row: types.Container, service: str) -> Container:
    host = row.hosts[0] if row.hosts else None
    return Container(
        id=row.id,
        name=name_of(row),
        service=service,
        state=row.state or "",
        image=(row.image_uuid or "").removeprefix("docker:"),
        host=name_of(host) if host else None,
        ports=tuple(_port(port, host) for port in row.ports or () if isinstance(port, types.Port)),
        message=row.transitioning_message,
        failed=row.transitioning == "error",
        starts=row.start_count or 0,
        quick_exits=row.quick_exits or 0,
        exit_code=row.exit_code,
    )


def _port(row: types.Port, host: types.Host | None) -> Port:
    public, endpoints = row.public_port, (host.public_endpoints if host else None) or ()
    address = next((e.ip_address for e in endpoints if public and e.port == public), None)
    return Port(row.private_port or 0, public, row.protocol or "tcp", address)


def as_json(value: Stack | Service | Container) -> dict[str, Any]:
    """Return what `--json` prints of a value."""
    return asdict(value)
