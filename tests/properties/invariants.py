"""What must hold of a world: at every moment (`Watch.check`), and when all faults are over (`converged`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.properties.world import Machine, World, pending
from trailboss import states
from trailboss.declare import Resource, registry
from trailboss.resources.environment import Environment
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.port import Port
from trailboss.resources.service import Service
from trailboss.store.transaction import Read


class Watch:
    """Looks at a world after every step. Keeps the highest numbers seen, which may only grow."""

    def __init__(self) -> None:
        self.epochs: dict[str, tuple[int, int, int]] = {}
        self.runs: dict[str, tuple[int, str]] = {}

    def check(self, world: World) -> None:
        """Raise AssertionError if something is that must never be."""
        no_two_run_in_one_place(world)
        rows = world.read(all_rows)
        self._numbers_only_grow(rows[Container])
        one_holder_of_each_place(rows[Container])
        every_state_has_a_way_out(world, rows)
        nothing_acknowledged_is_missing(world, rows)

    def _numbers_only_grow(self, containers: list[Any]) -> None:
        for row in containers:
            numbers = (row.epoch, row.granted_epoch or 0, row.seen_epoch or 0)
            before = self.epochs.get(row.uuid, (0, 0, 0))
            assert all(new >= old for new, old in zip(numbers, before, strict=True)), f"{row}: {before} -> {numbers}"
            assert numbers[2] <= numbers[1] <= numbers[0], f"{row}: wanted, granted, seen: {numbers}"
            self.epochs[row.uuid] = numbers
            epoch, owner = self.runs.get(row.slot, (0, row.uuid))
            if numbers[1] > epoch:
                self.runs[row.slot] = (numbers[1], row.uuid)
            elif numbers[1] == epoch:
                assert owner == row.uuid or not epoch, f"{row}: run {epoch} of slot {row.slot} was granted to {owner}"


def all_rows(read: Read) -> dict[type[Resource], list[Any]]:
    """Return every row of the types that have a life."""
    types = [t for t in registry.values() if t.stored and t.base is t and t.machine]
    found: dict[type[Resource], list[Any]] = {t: read.find(t, live=False) for t in types}
    found[Container] = [row for row in found[registry["instance"]] if isinstance(row, Container)]
    return found


def no_two_run_in_one_place(world: World) -> None:
    """Raise AssertionError if two containers of a slot run, or two that publish a port of one host."""
    excuse_released(world)
    one_run_of_each_slot(world)
    one_holder_of_each_port(world)


def excuse_released(world: World) -> None:
    """Excuse what runs on hosts that were removed: it is Docker's alone from then on."""
    for host in world.read(lambda r: r.find(Host, live=False)):
        if host.state in ("removing", "removed", "purging", "purged"):
            world.machines[host.agent_id].excuse()


def one_holder_of_each_place(containers: list[Any]) -> None:
    """No slot has two containers that are not removed."""
    slots: dict[str, list[Any]] = defaultdict(list)
    for row in containers:
        if row.removed is None:
            slots[row.slot].append(row)
    for slot, rows in slots.items():
        assert len(rows) == 1, f"slot {slot} has {rows}"


def _running(world: World) -> Iterator[tuple[Machine, Any]]:
    """Yield what runs, and what its host has been told to run and will, sooner or later."""
    for machine in world.machines.values():
        for container in machine.host.containers.values():
            record = container.record
            is_about_to = record is not None and record.desired == "running" and container.epoch < record.epoch
            epoch = record.epoch if record is not None and is_about_to else container.epoch
            if (container.state == "running" or is_about_to) and (container.container, epoch) not in machine.excused:
                yield machine, container


def one_run_of_each_slot(world: World) -> None:
    """No slot has two running containers, on whatever hosts."""
    slots: dict[str, list[Any]] = defaultdict(list)
    for machine, container in _running(world):
        slot = container.record.slot if container.record else container.slot
        slots[slot].append((machine.agent_id, container.container, container.epoch))
    for slot, found in slots.items():
        assert len(found) == 1, f"slot {slot} runs {found}"


def one_holder_of_each_port(world: World) -> None:
    """No public port of a host is published by two running containers."""
    ports: dict[tuple[int, int, str], str] = {}
    for machine, container in _running(world):
        specification = container.record.specification if container.record else None
        for port in specification.ports if specification else ():
            key = (machine.agent_id, port.public, port.protocol)
            other = ports.setdefault(key, container.container)
            assert not port.public or other == container.container, f"{key}: {other} and {container.container}"


def every_state_has_a_way_out(world: World, rows: dict[type[Resource], list[Any]]) -> None:
    """Whatever is on its way is in the queue of work, and so is what waits to be purged or forgotten."""
    queued = {(type_, id) for type_, id, *_ in world.read(pending)}
    for row in (row for found in rows.values() for row in found):
        waits = states.is_moving(row) or row.state in ("requested", "removed", "purged")
        assert not waits or (type(row).base.type, row.id) in queued, f"{row} is forgotten"


def nothing_acknowledged_is_missing(world: World, rows: dict[type[Resource], list[Any]]) -> None:
    """What a client was told to have been written is there."""
    present = {(type(row).base.type, row.id) for found in rows.values() for row in found}
    missing = world.acknowledged - present
    assert not missing, f"acknowledged, and lost: {missing}"


def converged(world: World) -> None:
    """Raise AssertionError if something is not as it was wished, now that nothing disturbs any more."""
    rows = world.read(all_rows)
    for row in (row for found in rows.values() for row in found):
        assert not states.is_moving(row), f"{row} is still on its way: {row.values['message']}"
        assert row.state in ("active", "inactive", "running", "stopped", "purged", "removed", "error"), f"{row}"
        if row.state == "removed":
            assert "purge" not in states.machine_of(row).processes, f"{row} is not purged"
    live = [row for row in rows[Container] if row.removed is None]
    for row in live:
        assert row.state == {"running": "running", "stopped": "stopped"}[row.desired], f"{row} should be {row.desired}"
    for service in rows[Service]:
        own = [c for c in live if c.service_id == service.id]
        if service.state == "active":
            for name in (None, *(config["name"] for config in service.secondary_launch_configs or [])):
                found = [c.state for c in own if c.launch_config_name == name]
                assert found == ["running"] * service.scale, f"{service} at scale {service.scale}, {name}: {found}"
        elif service.state == "inactive":
            assert all(c.state == "stopped" for c in own), f"{service}: {own}"
        else:
            assert not own, f"{service}: {own}"
    stacks = {s.id: s for s in rows[Environment]}
    assert all(stacks[s.environment_id].removed is None or s.removed is not None for s in rows[Service])
    agents = {agent.id: agent for agent in rows[registry["agent"]]}
    for host in rows[Host]:
        agent = agents[host.agent_id]
        assert (host.removed is None) == (agent.removed is None), f"{host} has {agent}"
        if host.removed is None:
            assert (agent.state, host.agent_state) == ("active", "active"), f"{host}, {host.agent_state}: {agent}"
    hosts_have_what_the_rows_say(world, rows)
    holds_are_held_by_the_living(world, rows)


def hosts_have_what_the_rows_say(world: World, rows: dict[type[Resource], list[Any]]) -> None:
    """On each host that is not removed: exactly its containers, in the states that were wished."""
    for host in rows[Host]:
        if host.removed is not None:
            continue
        wanted = {c.uuid: c for c in rows[Container] if c.host_id == host.id and c.state != "purged"}
        machine = world.machines[host.agent_id]
        found = {c.container: c.state for c in machine.host.containers.values() if c.state != "removed"}
        running = {uuid for uuid, row in wanted.items() if row.state == "running"}
        assert {uuid for uuid, state in found.items() if state == "running"} == running, f"{host}"
        orphans = found.keys() - wanted.keys()
        assert not orphans, f"{host} has {orphans}, of which no row speaks"
        assert host.compute_free == host.compute_total - len(wanted), f"{host}: {host.compute_free} with {wanted}"


def holds_are_held_by_the_living(world: World, rows: dict[type[Resource], list[Any]]) -> None:
    """A port is held by who runs, a slot by who is not removed, whatever else by who is not purged."""
    by_key = {(type(row).base.type, row.id): row for found in rows.values() for row in found}
    for scope, key, type_, id in world.read(lambda r: r.connection.run("SELECT * FROM hold")):
        row = by_key.get((type_, id))
        if row is None:
            continue
        assert row.state != "purged", f"{scope} {key} is held by {row}"
        assert scope != "slot" or row.removed is None, f"slot {key} is held by {row}"
        assert not scope.startswith("port/") or row.state == "running", f"port {key} is held by {row}"
    running = {c.id for c in rows[Container] if c.state == "running"}
    for port in rows[Port]:
        assert (port.state == "active") == (port.instance_id in running), f"{port} of container {port.instance_id}"
