"""The names of an environment: what they are, who is told, and how often they are read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.dispatch.agents import World
from tests.waiting import eventually_async
from trailboss.dispatch import names
from trailboss.dispatch.names import Directories, Names
from trailboss.resources.environment import Environment
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap
from trailboss.wire.messages import Directory, Endpoint

pytestmark = pytest.mark.anyio


def stack(world: World) -> tuple[Service, Service]:
    def run(tx: Any) -> tuple[Service, Service]:
        shop = tx.insert(Environment, account_id=world.project, name="Shop", state="active")
        web = tx.insert(Service, account_id=world.project, name="web", environment_id=shop.id, state="active")
        db = tx.insert(Service, account_id=world.project, name="db", environment_id=shop.id, state="active")
        tx.insert(
            ServiceConsumeMap,
            account_id=world.project,
            service_id=web.id,
            consumed_service_id=db.id,
            name="database",
            state="active",
        )
        return web, db

    return world.store.write(run)


async def test_a_container_is_told_the_linked_services_by_alias_and_its_own_by_name(world: World) -> None:
    agent, host = await world.host()
    web, db = stack(world)
    world.container(host.id, service_id=web.id, address="10.77.4.1", state="running", name="Shop_web_1")
    world.container(host.id, service_id=db.id, address="10.77.4.2", state="running", name="Shop_db_1")
    found = await agent.directory(lambda d: len(d.clients) == 2 and bool(d.targets["shop/db"]))
    assert found.targets["shop/db"] == [Endpoint("Shop_db_1", "10.77.4.2")]
    assert found.clients["10.77.4.1"] == {"database": "shop/db", "web": "shop/web"}
    assert found.clients["10.77.4.2"] == {"db": "shop/db", "web": "shop/web"}


async def test_one_that_starts_may_ask_but_is_no_target_yet(world: World) -> None:
    agent, host = await world.host()
    web, _ = stack(world)
    container = world.container(host.id, service_id=web.id, address="10.77.4.1", state="starting")
    found = await agent.directory(lambda d: bool(d.clients))
    assert found.targets["shop/web"] == []
    world.change(container, state="running")
    await agent.directory(lambda d: bool(d.targets.get("shop/web")))
    world.change(container, state="stopping")
    await agent.directory(lambda d: not d.clients)


async def test_each_host_is_told_of_its_own_clients_and_of_all_targets(world: World) -> None:
    one, host_one = await world.host()
    two, host_two = await world.host()
    idle, _ = await world.host()
    web, db = stack(world)
    world.container(host_one.id, service_id=web.id, address="10.77.4.1", state="running")
    world.container(host_two.id, service_id=db.id, address="10.77.4.2", state="running")
    of_one = await one.directory(lambda d: bool(d.clients) and bool(d.targets["shop/db"]))
    of_two = await two.directory(lambda d: bool(d.clients) and bool(d.targets["shop/web"]))
    assert of_one.targets == of_two.targets
    assert (list(of_one.clients), list(of_two.clients)) == (["10.77.4.1"], ["10.77.4.2"])
    assert await idle.directory() == Directory({}, {})
    assert len(idle.all(Directory)) == 1


class Listens:
    account_id, host_id = 1, 1

    def __init__(self) -> None:
        self.offered: list[Directory] = []

    def offer(self, directory: Directory) -> None:
        self.offered.append(directory)


async def test_many_changes_are_one_look_and_the_last_change_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "SHORTEST_PAUSE_S", 0.1)
    looks, value = 0, 0

    async def look(account_id: int) -> Names:
        nonlocal looks
        looks += 1
        return Names({"key": []}, {1: {"10.0.0.1": {"n": str(value)}}})

    directories, listener = Directories(look), Listens()
    directories.join(listener)
    for value in range(1, 301):  # noqa: B007  (read by look)
        directories.touch(1)
        await asyncio.sleep(0.001)
    await eventually_async(lambda: listener.offered[-1].clients["10.0.0.1"] == {"n": "300"})
    assert looks < 30
    directories.leave(listener)


async def test_what_did_not_change_is_not_offered_again() -> None:
    looks = 0

    async def look(account_id: int) -> Names:
        nonlocal looks
        looks += 1
        return Names({"key": [Endpoint("a", "10.0.0.1")]}, {1: {"10.0.0.1": {}}})

    directories, listener = Directories(look), Listens()
    directories.join(listener)
    await eventually_async(lambda: listener.offered)
    directories.touch(1)
    await eventually_async(lambda: looks == 2)
    assert len(listener.offered) == 1
    directories.leave(listener)
    directories.touch(1)
