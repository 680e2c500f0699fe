"""What the scheduler is shown of the environment, read from the rows; and its answer, tied to the rows again.

The scheduler itself is pure (`scheduler/`). Containers are read only where an affinity rule asks about them, so that
a placement costs no more in a full environment than in an empty one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trailboss.resources.host import COMPUTE, Host
from trailboss.resources.image import parse_image
from trailboss.resources.port import port_scope
from trailboss.resources.setting import value_of
from trailboss.scheduler import (
    Cluster,
    ContainerView,
    HostView,
    Peer,
    Placed,
    Request,
    Waiting,
    place,
    reads_containers,
)
from trailboss.scheduler import Port as WantedPort

if TYPE_CHECKING:
    from trailboss.resources.instance import Instance
    from trailboss.resources.port import Port
    from trailboss.store.transaction import Tx


Held = dict[str, tuple[str, int]]
"""Of one port: the number of each host where it is taken, and who holds it."""


@dataclass(frozen=True)
class Placement:
    """A request with the cluster it is to be placed in."""

    cluster: Cluster
    request: Request
    hosts: dict[int, Host]
    spread: bool

    def decide(self) -> Placed | Waiting:
        """Ask the scheduler."""
        return place(self.cluster, self.request, spread=self.spread)


def load(tx: Tx, row: Instance, ports: tuple[Port, ...]) -> Placement:
    """Read the hosts of an instance's environment, and of what runs on them as much as the request asks about."""
    hosts = {h.id: h for h in tx.find(Host, account_id=row.account_id)}
    request = _request(tx, row, ports)
    containers = _containers(tx, row, request)
    taken = {port: tx.held(port_scope(port.public, port.protocol)) for port in request.ports}
    views = [_view(host, taken, containers.get(host.id, ())) for host in hosts.values()]
    return Placement(Cluster(views), request, hosts, value_of(tx, "simple.allocator.spread") != "false")


def _request(tx: Tx, row: Instance, ports: tuple[Port, ...]) -> Request:
    from trailboss.resources.instance import Container

    values = row.values
    peers: list[Peer] = []
    for shares, ids in (
        ("volumes", values.get("data_volumes_from") or []),
        ("network", [values["network_container_id"]] if values.get("network_container_id") else []),
    ):
        for id in ids:
            other = tx.get(Container, id)
            if other is not None:
                peers.append(Peer(other.uuid, other.name or other.uuid, shares, other.host_id))  # type: ignore[arg-type]
    return Request(
        uuid=row.uuid,
        name=row.name or "",
        labels=values.get("labels") or {},
        environment=tuple(values.get("environment") or {}),
        ports=tuple(WantedPort(p.wanted_public_port, p.protocol) for p in ports if p.wanted_public_port),
        compute=COMPUTE,
        image_kind=parse_image(values["image_uuid"]).kind,  # type: ignore[arg-type]
        requested_host_id=values.get("requested_host_id"),
        colocate_with=tuple(peers),
    )


def _containers(tx: Tx, row: Instance, request: Request) -> dict[int, tuple[ContainerView, ...]]:
    """Read the containers that rules ask about: all of the environment, or only the unit's own, which every
    container of a service asks about (its siblings are found by their column)."""
    from trailboss.resources.instance import Container

    unit = row.values.get("deployment_unit_uuid")
    others = {k: v for k, v in request.labels.items() if not (unit and k.endswith("_soft") and v.endswith(f"={unit}"))}
    if reads_containers(replace(request, labels=others)):
        rows = tx.find(Container, account_id=row.account_id)
    else:
        rows = tx.find(Container, deployment_unit_uuid=unit) if unit else []
    found: dict[int, list[ContainerView]] = {}
    for other in rows:
        if other.host_id is not None and other.id != row.id:
            view = ContainerView(other.uuid, other.name or "", other.labels or {}, state=other.state)
            found.setdefault(other.host_id, []).append(view)
    return {host_id: tuple(views) for host_id, views in found.items()}


def _view(host: Host, taken: dict[WantedPort, Held], containers: tuple[ContainerView, ...]) -> HostView:
    return HostView(
        id=host.id,
        name=host.name,
        state=host.state,
        agent_state=host.agent_state or "activating",
        kind="sim" if host.kind == "sim" else "docker",
        labels=host.labels or {},
        compute_free=host.compute_free,
        has_engine=not host.engine_message,
        ports=tuple(port for port, held in taken.items() if str(host.id) in held),
        containers=containers,
    )
