"""Whole ways of a service, through store, engine and simulated hosts, on a clock that the test sets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.properties.invariants import Watch, converged
from tests.properties.test_convergence import template
from tests.properties.world import World
from trailboss import states
from trailboss.engine.apply import Platform, create
from trailboss.resources.environment import Environment
from trailboss.resources.environment import actions as stacks
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.instance import actions as containers
from trailboss.resources.port import Port
from trailboss.resources.service import Service
from trailboss.resources.service import actions as services
from trailboss.store.transaction import Tx

SECONDS = 1000
COMPOSE = """
web:
  image: sim:web
  links: [backend:db]
  labels: {io.rancher.sidekicks: log}
log:
  image: sim:log
  net: "container:web"
backend:
  image: sim:db
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "world.db"
    shutil.copy(template(), path)
    world = World(path)
    for _ in range(3):
        world.add_host(latency_ms=100)
    world.settle(SECONDS)
    yield world
    world.close()


def add_service(world: World, scale: int, **launch_config: Any) -> Service:
    def fn(tx: Tx) -> Service:
        common = {"account_id": world.project_id}
        stack = create(tx, Environment, {**common, "name": "shop"}, Platform())
        config = {"imageUuid": "sim:web", **launch_config}
        values = {**common, "environment_id": stack.values["id"], "name": "web", "scale": scale}
        made: Any = create(tx, Service, {**values, "launch_config": config}, Platform())
        return made

    service: Service = world.ask(fn)
    world.settle(0)
    world.ask(lambda tx: states.begin(tx, tx.require(Service, service.id), "activate"))
    world.settle(10 * SECONDS)
    return service


def running(world: World) -> list[str]:
    return sorted(c.name for c in world.read(lambda read: read.find(Container)) if c.state == "running")


def on_hosts(world: World) -> list[str]:
    """Names of what really runs, whatever the rows say."""
    names = {c.uuid: c.name for c in world.read(lambda read: read.find(Container, live=False))}
    found = [c for m in world.machines.values() for c in m.host.containers.values() if c.state == "running"]
    return sorted(names[c.container] for c in found)


def rescale(world: World, service: Service, scale: int) -> None:
    world.ask(lambda tx: services.update(tx, tx.require(Service, service.id), {"scale": scale}, Platform()))


def names(*numbers: int) -> list[str]:
    return sorted(f"shop_web_{n}" for n in numbers)


def test_scaling_from_3_to_20_to_5_is_exact_at_every_moment(world: World) -> None:
    service = add_service(world, 3)
    assert running(world) == on_hosts(world) == names(1, 2, 3)
    rescale(world, service, 20)
    world.settle(10 * SECONDS)
    assert running(world) == on_hosts(world) == names(*range(1, 21))
    per_host = [len(m.host.containers) for m in world.machines.values()]
    assert max(per_host) - min(per_host) <= 1, "they are spread"
    rescale(world, service, 5)
    world.settle(10 * SECONDS)
    assert running(world) == on_hosts(world) == names(1, 2, 3, 4, 5)
    world.settle(3 * 60 * SECONDS)
    Watch().check(world)
    converged(world)


def test_the_latest_scale_wins_whatever_was_asked_before(world: World) -> None:
    service = add_service(world, 1)
    for scale in (20, 2, 15, 4):
        rescale(world, service, scale)
        world.settle(120)
    world.settle(10 * SECONDS)
    assert running(world) == on_hosts(world)
    assert len(running(world)) == 4


@pytest.mark.parametrize("how", ["rm -f", "kill"])
def test_a_container_that_somebody_takes_away_or_kills_is_healed_within_5_s(world: World, how: str) -> None:
    service = add_service(world, 3)
    world.settle(60 * SECONDS)
    machine = next(m for m in world.machines.values() if m.host.containers)
    victim = next(iter(machine.host.containers.values()))
    before = {c.uuid: c.epoch for c in world.read(lambda read: read.find(Container))}
    host = machine.host
    machine.say(host.vanish(victim.container) if how == "rm -f" else host.kill(victim.container, world.now))
    world.settle(5 * SECONDS)
    assert running(world) == on_hosts(world) == names(1, 2, 3)
    after = {c.uuid: c.epoch for c in world.read(lambda read: read.find(Container))}
    if how == "rm -f":
        assert victim.container not in after, "it is replaced, under its number"
    else:
        assert after[victim.container] == before[victim.container] + 1, "it is the same container, a newer run"
    assert world.read(lambda read: read.require(Service, service.id)).state == "active"


def test_a_container_that_a_user_stops_is_started_again(world: World) -> None:
    add_service(world, 1)
    [row] = world.read(lambda read: read.find(Container))
    world.ask(lambda tx: containers.stop(tx, tx.require(Container, row.id), {}, None))
    world.settle(5 * SECONDS)
    [again] = world.read(lambda read: read.find(Container))
    assert (again.id, again.state, again.epoch) == (row.id, "running", row.epoch + 1)


def test_a_removed_stack_with_purge_leaves_nothing_on_the_hosts_at_once(world: World) -> None:
    service = add_service(world, 10)
    rescale(world, service, 6)
    world.settle(5 * SECONDS)
    caller = Platform(options={"purge": True})
    world.ask(lambda tx: stacks.delete(tx, tx.require(Environment, service.environment_id), caller))
    world.settle(10 * SECONDS)
    assert [m.host.containers for m in world.machines.values()] == [{}, {}, {}]
    assert world.read(lambda read: read.find(Container)) == []
    assert world.read(lambda read: read.require(Environment, service.environment_id)).state == "removed"
    hosts = world.read(lambda read: read.find(Host))
    assert all(h.compute_free == h.compute_total for h in hosts)


def test_a_removed_stack_without_purge_can_be_restored_for_a_minute(world: World) -> None:
    service = add_service(world, 2)
    world.ask(lambda tx: stacks.delete(tx, tx.require(Environment, service.environment_id), Platform()))
    world.settle(30 * SECONDS)
    assert on_hosts(world) == []
    assert sum(len(m.host.containers) for m in world.machines.values()) == 2, "stopped, and still there"
    [gone, _] = world.read(lambda read: read.find(Container, live=False))
    world.ask(lambda tx: states.begin(tx, tx.require(Container, gone.id), "restore"))
    world.settle(0)
    world.ask(lambda tx: containers.start(tx, tx.require(Container, gone.id), {}, None))
    world.settle(2 * 60 * SECONDS)
    assert on_hosts(world) == [gone.name], "it stands on its own now, and the other one is purged"
    Watch().check(world)


def test_who_fills_the_place_of_a_restored_container_counts_its_runs_on(world: World) -> None:
    service = add_service(world, 2)
    old = world.read(lambda read: read.find(Container))[-1]
    for _ in range(3):
        world.ask(lambda tx: containers.restart(tx, tx.require(Container, old.id), {}, None))
        world.settle(5 * SECONDS)
    rescale(world, service, 1)
    world.settle(5 * SECONDS)
    world.ask(lambda tx: states.begin(tx, tx.require(Container, old.id), "restore"))
    world.settle(5 * SECONDS)
    rescale(world, service, 2)
    world.settle(30 * SECONDS)
    new = world.read(lambda read: read.find(Container, slot=old.slot))[0]
    assert (new.state, new.epoch) == ("running", 5), "a host would refuse a run that is no newer than the fourth"


def test_a_stack_from_a_text_comes_up_with_sidekicks_in_order_and_links(world: World) -> None:
    values = {"account_id": world.project_id, "name": "shop", "docker_compose": COMPOSE, "start_on_create": True}
    world.ask(lambda tx: create(tx, Environment, values, Platform()))
    world.settle(30 * SECONDS)
    assert running(world) == ["shop_backend_1", "shop_web_1", "shop_web_log_1"]
    rows = {c.name: c for c in world.read(lambda read: read.find(Container))}
    assert rows["shop_web_log_1"].network_container_id == rows["shop_web_1"].id
    assert rows["shop_web_log_1"].host_id == rows["shop_web_1"].host_id
    assert rows["shop_web_log_1"].deployment_unit_uuid == rows["shop_web_1"].deployment_unit_uuid
    assert rows["shop_web_1"].create_index < rows["shop_web_log_1"].create_index


def test_two_containers_that_want_one_port_of_the_only_host_that_is_left(world: World) -> None:
    service = add_service(world, 4, ports=["80:8080"])
    now = world.read(lambda read: read.require(Service, service.id))
    assert now.state == "activating"
    assert len(running(world)) == 3
    assert "port 80" in now.message
    assert [e["port"] for e in now.public_endpoints] == [80], "simulated hosts have one address"
    [waiting] = [c for c in world.read(lambda read: read.find(Container)) if c.state == "starting"]
    assert "port 80" in waiting.message
    rescale(world, service, 3)
    world.settle(10 * SECONDS)
    assert running(world) == names(1, 2, 3)
    assert world.read(lambda read: read.require(Service, service.id)).state == "active"


def test_the_endpoint_of_a_container_that_has_left_is_not_taken_from_its_successor(world: World) -> None:
    add_service(world, 3, ports=["80:8080"])
    [row, *_] = world.read(lambda read: read.find(Container))
    world.ask(lambda tx: containers.end(tx, tx.require(Container, row.id)))
    world.settle(5 * 60 * SECONDS)
    assert running(world) == names(1, 2, 3)
    assert world.read(lambda read: read.get(Container, row.id)).state == "purged"
    hosts = world.read(lambda read: read.find(Host))
    assert [[e["port"] for e in h.public_endpoints] for h in hosts] == [[80], [80], [80]]
    open_ports = world.read(lambda read: read.find(Port, state="active"))
    assert len(open_ports) == 3


def test_a_lost_host_destroys_nothing_and_nothing_is_replaced(world: World) -> None:
    add_service(world, 6)
    before = {c.uuid for c in world.read(lambda read: read.find(Container))}
    machine = next(iter(world.machines.values()))
    world.cut(machine)
    machine.is_away = True
    world.settle(10 * 60 * SECONDS)
    rows = world.read(lambda read: read.find(Container))
    assert {c.uuid for c in rows} == before
    assert {c.state for c in rows} == {"running"}
    world.connect(machine)
    world.settle(10 * SECONDS)
    assert {c.uuid for c in world.read(lambda read: read.find(Container))} == before


def test_a_new_service_with_many_containers_is_looked_at_a_few_times_and_not_once_per_container(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    reconcile = Service.behaviour.reconcile
    assert reconcile is not None

    def counting(view: Any) -> Any:
        looks.append(len(view.instances))
        return reconcile(view)

    monkeypatch.setattr(Service.behaviour, "reconcile", counting)
    add_service(world, 100)
    assert len(running(world)) == 100
    making = 100 // 10
    assert len(looks) < making + 40


def test_why_a_service_waits_is_said_in_words(world: World) -> None:
    service = add_service(world, 1, labels={"io.rancher.scheduler.affinity:host_label": "disk=ssd"})
    outcome = world.read(lambda read: read.require(Service, service.id))
    assert "disk=ssd" in outcome.message
