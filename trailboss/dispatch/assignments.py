"""From the store to what a host is to run and which names its containers may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from trailboss.resources.environment import Environment
from trailboss.resources.instance import Container
from trailboss.resources.instance.specification import record_of
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap
from trailboss.store.transaction import Read
from trailboss.wire.messages import Directory, Endpoint, Record


def records_for(
    read: Read, host_id: int, known: dict[str, tuple[int, int]]
) -> tuple[list[Record], dict[str, tuple[int, int]]]:
    """Return the records of a host's containers that changed since `known`, and what is known now.

    known: container uuid -> (generation, seen) of the row when it was last sent; empty at the beginning of a
    connection. A container that is gone for good (purged) is left out; the agent has confirmed its removal.
    """
    changed: list[Record] = []
    present: dict[str, tuple[int, int]] = {}
    for row in read.find(Container, live=False, host_id=host_id):
        if row.state == "purged":
            continue
        stamp = (row.values["generation"], int(row.seen_state == "removed"))
        present[row.uuid] = stamp
        if known.get(row.uuid) == stamp:
            continue
        record = record_of(read, row)
        if record is not None:
            changed.append(record)
    return changed, present


@dataclass(frozen=True)
class Names:
    """The names of one environment. by_container: address -> the names that its container may ask for."""

    targets: dict[str, list[Endpoint]]
    by_address: dict[str, tuple[int, dict[str, str]]]

    def for_host(self, host_id: int) -> Directory:
        """Return what one host's agent is told: all targets, and the clients that are its own."""
        clients = {a: names for a, (host, names) in self.by_address.items() if host == host_id}
        return Directory(targets=self.targets, clients=clients)


def names_of(read: Read, account_id: int) -> Names:
    """Read the names of an environment: 23-health-dns-metadata section 3.3, rules 1 to 5."""
    stacks = {s.id: s.name for s in read.find(Environment, account_id=account_id)}
    services = {s.id: s for s in read.find(Service, account_id=account_id) if s.environment_id in stacks}
    keys = {id: f"{stacks[s.environment_id]}/{s.name}".lower() for id, s in services.items()}
    links: dict[int, list[tuple[str, int]]] = {}
    for link in read.find(ServiceConsumeMap, account_id=account_id):
        if link.consumed_service_id in services:
            name = (link.name or services[link.consumed_service_id].name).lower()
            links.setdefault(link.service_id, []).append((name, link.consumed_service_id))
    targets: dict[str, list[Endpoint]] = {key: [] for key in keys.values()}
    by_address: dict[str, tuple[int, dict[str, str]]] = {}
    for row in read.find(Container, account_id=account_id):
        if row.state not in ("running", "starting") or not row.address or row.host_id is None:
            continue
        if row.service_id not in services:
            by_address[row.address] = (row.host_id, {})
            continue
        key = keys[row.service_id] + (f"/{row.launch_config_name}".lower() if row.launch_config_name else "")
        if row.state == "running" and row.health_state in (None, "healthy"):
            targets.setdefault(key, []).append(Endpoint(row.name or row.uuid, row.address))
        by_address[row.address] = (row.host_id, _seen_by(services, keys, links, row.service_id))
    return Names({k: sorted(v, key=lambda e: e.address) for k, v in targets.items()}, by_address)


def _seen_by(
    services: dict[int, Service], keys: dict[int, str], links: dict[int, list[tuple[str, int]]], own: int
) -> dict[str, str]:
    """Return the names a container of a service may ask for: linked services by their alias, others of the stack by
    name, sidekicks below the name of their service (the own ones bare)."""
    linked = links.get(own, [])
    names = list(linked)
    taken = {id for _, id in linked}
    stack = services[own].environment_id
    names += [(s.name.lower(), id) for id, s in services.items() if s.environment_id == stack and id not in taken]
    found: dict[str, str] = {}
    for name, id in names:
        found[name] = keys[id]
        for config in services[id].secondary_launch_configs or []:
            sidekick = config["name"].lower()
            found[sidekick if id == own else f"{sidekick}.{name}"] = f"{keys[id]}/{sidekick}"
    return found
