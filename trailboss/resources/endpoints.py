"""Public endpoints: where services and hosts are reached from outside, kept as ports come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trailboss.declare import registry
from trailboss.resources.host import Host

if TYPE_CHECKING:
    from trailboss.resources.instance import Instance
    from trailboss.resources.port import Port
    from trailboss.store.transaction import Tx


def add(tx: Tx, instance: Instance, ports: list[Port]) -> None:
    """Add the endpoints of an instance that runs to its host and its service."""
    own = _of(tx, instance, ports)
    for owner in _owners(tx, instance) if own else ():
        others = [e for e in owner.public_endpoints or [] if e not in own]
        tx.change(owner, public_endpoints=others + own)


def take_away(tx: Tx, instance: Instance, ports: list[Port]) -> None:
    """Take the endpoints of ports that were open away. The list stays, empty, when the last one goes."""
    own = _of(tx, instance, ports)
    for owner in _owners(tx, instance) if own else ():
        tx.change(owner, public_endpoints=[e for e in owner.public_endpoints or [] if e not in own])


def _of(tx: Tx, instance: Instance, ports: list[Port]) -> list[dict[str, Any]]:
    host = tx.get(Host, instance.host_id)
    address = (host.host_address if host else None) or "127.0.0.1"
    return [{"ipAddress": address, "port": p.public_port} for p in ports if p.public_port]


def _owners(tx: Tx, instance: Instance) -> list[Any]:
    found: list[Any] = [tx.get(Host, instance.host_id)]
    if instance.service_id is not None:
        found.append(tx.get(registry["service"], instance.service_id))
    return [owner for owner in found if owner is not None]
