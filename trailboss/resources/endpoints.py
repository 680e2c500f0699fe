"""Public endpoints: where services and hosts are reached from outside, kept as ports come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trailboss.declare import registry
from trailboss.resources.host import Host

if TYPE_CHECKING:
    from trailboss.resources.instance import Instance
    from trailboss.resources.port import Port
    from trailboss.store.transaction import Tx


def settle(tx: Tx, instance: Instance, ports: list[Port]) -> None:
    """Add the endpoints of an instance that runs to its service and host, or take away those of one that does not."""
    host = tx.get(Host, instance.host_id)
    if host is None:
        return
    address = host.host_address or "127.0.0.1"
    own = [{"ipAddress": address, "port": p.public_port} for p in ports if p.public_port]
    owners: list[Any] = [host]
    if instance.service_id is not None:
        owners.append(tx.get(registry["service"], instance.service_id))
    for owner in filter(None, owners):
        present = owner.public_endpoints
        others = [e for e in present or [] if e not in own]
        now = others + own if instance.state == "running" else others
        if now or present:
            tx.change(owner, public_endpoints=now)
