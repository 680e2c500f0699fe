"""What the scheduler is shown of the environment, read from the rows; and its answer, tied to the rows again.

The scheduler itself is pure (`scheduler/`). Containers are read only where an affinity rule asks about them, so that
a placement costs no more in a full environment than in an empty one. Hosts are read again for each placement, but what
was made of a row is kept for as long as the row is the same, since a placement changes one host of maybe a thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

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


_READ = ("id", "name", "kind", "state", "agent_state", "compute_free", "data")
"""Columns of a host that are compared with what they were before. The last but one is what placements change."""
_MOST_KEPT = 16
"""Environments whose hosts are remembered."""
_FEW = 50
"""Changed hosts that are read one by one; for more, all are."""


@dataclass(frozen=True)
class Placement:
    """A request with the cluster it is to be placed in, good within one transaction. host: reads one by its number."""

    cluster: Cluster
    request: Request
    host: Callable[[int], Host]
    spread: bool

    def decide(self) -> Placed | Waiting:
        """Ask the scheduler."""
        return place(self.cluster, self.request, spread=self.spread)


def load(tx: Tx, row: Instance, ports: tuple[Port, ...]) -> Placement:
    """Read the hosts of an instance's environment, and of what runs on them as much as the request asks about."""
    request = _request(tx, row, ports)
    taken = {p: [int(id) for id in tx.held(port_scope(p.public, p.protocol))] for p in request.ports}
    cluster = _hosts(tx, row.account_id).with_load(taken, _containers(tx, row, request))
    spread = value_of(tx, "simple.allocator.spread") != "false"
    return Placement(cluster, request, lambda id: tx.require(Host, id), spread)


@dataclass
class _Known:
    """The hosts of an environment as they were when they were last looked at. rows: columns of each, as stored."""

    rows: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    views: dict[int, HostView] = field(default_factory=dict)
    cluster: Cluster = field(default_factory=Cluster)


def _hosts(tx: Tx, account_id: int) -> Cluster:
    """Return the hosts of an environment as they are now, without what runs on them."""
    known: _Known = tx.memory.pop(("hosts", account_id), None) or _Known()
    rows = {row[0]: row for row in tx.columns(Host, *_READ, account_id=account_id)}
    changed = [id for id, row in rows.items() if known.rows.get(id) != row]
    is_same = known.rows.keys() == rows.keys()
    if is_same and all(_but_compute(known.rows[id]) == _but_compute(rows[id]) for id in changed):
        for id in changed:
            known.cluster.set_free(id, rows[id][-2])
            known.views[id] = known.cluster.hosts[id]
    else:
        read = tx.find(Host, account_id=account_id) if len(changed) > _FEW else [tx.require(Host, i) for i in changed]
        known.views = {id: view for id, view in known.views.items() if id in rows} | {h.id: _view(h) for h in read}
        known.cluster = Cluster(known.views[id] for id in rows)
    known.rows = rows
    tx.memory[("hosts", account_id)] = known
    while len(tx.memory) > _MOST_KEPT:
        del tx.memory[next(iter(tx.memory))]
    return known.cluster


def _but_compute(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:-2], row[-1])


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
        valid_host_ids=frozenset(values.get("valid_host_ids") or ()),
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


def _view(host: Host) -> HostView:
    return HostView(
        id=host.id,
        name=host.name,
        state=host.state,
        agent_state=host.agent_state or "activating",
        kind="sim" if host.kind == "sim" else "docker",
        labels=host.labels or {},
        compute_free=host.compute_free,
        has_engine=not host.engine_message,
    )
