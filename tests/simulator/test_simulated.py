"""Simulated hosts in a whole server without its HTTP side, in real time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.waiting import eventually_async
from trailboss import states
from trailboss.dispatch import sessions, simulated
from trailboss.dispatch.sessions import Dispatcher, Installation
from trailboss.dispatch.simulated import Shape, SimulatedHosts
from trailboss.engine.apply import Platform, create
from trailboss.engine.loop import Engine
from trailboss.errors import ApiError
from trailboss.resources.account import Project
from trailboss.resources.agent import Agent
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.seed import seed
from trailboss.resources.setting import Setting
from trailboss.simulator import run
from trailboss.store import migrations
from trailboss.store.store import Store
from trailboss.store.transaction import Tx

T = TypeVar("T")


class Server:
    """A server that can be started again on the same database."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"

    async def start(self) -> None:
        self.store = Store(self.url)
        migrations.upgrade(self.store.database)
        self.store.start()
        self.store.write(lambda tx: seed(tx))
        self.engine = Engine(self.store, "server")
        self.engine.start()
        self.dispatcher = Dispatcher(self.store, Installation("test", 1, "10.42.0.0/16", "tb-test", "test"))
        await self.dispatcher.start()
        self.hosts = SimulatedHosts(self.store, self.dispatcher.serve)
        await self.hosts.start()

    async def stop(self) -> None:
        await self.hosts.stop()
        await self.dispatcher.stop()
        self.engine.stop()
        self.store.close()

    def find(self, type_: type[Any], **equal: Any) -> list[Any]:
        return self.store.read(lambda r: r.find(type_, **equal))

    def set(self, name: str, value: str) -> None:
        def change(tx: Tx) -> None:
            for row in tx.find(Setting, name=name):
                tx.change(row, value=value)
            if not tx.find(Setting, name=name):
                tx.insert(Setting, name=name, value=value)

        self.store.write(change)

    @property
    def project_id(self) -> int:
        return int(self.find(Project)[0].id)

    async def add(self, count: int = 1, **shape: Any) -> list[Host]:
        """Add hosts and wait until they are active."""
        before = len(self.find(Host))
        await self.hosts.add_hosts(count, self.project_id, Shape(**shape))
        await self.until(lambda: len(self.active()) == before + count, "the hosts are active")
        return self.active()[before:]

    def active(self) -> list[Host]:
        return [h for h in self.find(Host, state="active") if h.agent_state == "active"]

    async def run(self, **values: Any) -> Container:
        """Create a container and wait until it runs."""
        values = {"account_id": self.project_id, "image_uuid": "docker:nginx", "start_on_create": True, **values}
        made = self.store.write(lambda tx: create(tx, Container, values, Platform()))
        await self.until(lambda: self.container(made.values["id"]).state == "running", "the container runs")
        return self.container(made.values["id"])

    def container(self, id: int) -> Container:
        return self.store.read(lambda r: r.require(Container, id))

    async def until(self, condition: Callable[[], T | Awaitable[T]], what: str) -> T:
        return await eventually_async(condition, within=30, what=what)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(run, "HEARTBEAT_MS", 200)
    monkeypatch.setattr(run, "REDIAL_MS", 100)
    made = Server(tmp_path / "test.db")
    await made.start()
    made.set("simulator.enabled", "true")
    yield made
    await made.stop()


async def test_hosts_register_and_run_what_is_asked_for(server: Server) -> None:
    hosts = await server.add(20, name_prefix="sim-", labels={"zone": "a"}, cpus=4, memory_mib=2048)
    assert {h.kind for h in hosts} == {"sim"}
    assert hosts[0].name == f"sim-{hosts[0].agent_id}" and hosts[0].labels == {"zone": "a"}
    assert hosts[0].info == {"cpuInfo": {"count": 4}, "memoryInfo": {"memTotal": 2048.0}}
    container = await server.run()
    assert container.external_id and container.host_id in {h.id for h in hosts}


async def test_all_hosts_together_need_one_task_of_the_simulator(server: Server) -> None:
    await server.add(10)
    assert len(server.hosts.simulator.lines) == 10
    assert len({id(line.serving) for line in server.hosts.simulator.lines.values()}) == 10


async def test_while_it_is_switched_off_none_can_register(server: Server) -> None:
    server.set("simulator.enabled", "false")
    with pytest.raises(ApiError) as refused:
        await server.hosts.add_hosts(1, server.project_id)
    assert (refused.value.status, refused.value.field) == (422, "agentUriFormat")


async def test_switching_it_off_lets_the_hosts_fall_silent_and_on_again_brings_them_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER_S", 1.0)
    await server.add(1)
    server.set("simulator.enabled", "false")
    await server.until(lambda: server.find(Agent)[0].state == "reconnecting", "the agent is missed")
    server.set("simulator.enabled", "true")
    await server.until(lambda: server.active(), "it is back")


async def test_a_paused_host_behaves_as_a_lost_one(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER_S", 1.0)
    host = (await server.add(1))[0]
    server.store.write(lambda tx: simulated.set_paused(tx, host.id, True))
    await server.until(lambda: server.find(Host)[0].agent_state == "reconnecting", "it counts as lost")
    server.store.write(lambda tx: simulated.set_paused(tx, host.id, False))
    await server.until(lambda: server.active(), "it answers again")


async def test_a_restart_of_the_server_starts_no_container_again(server: Server) -> None:
    await server.add(2)
    before = [await server.run() for _ in range(3)]
    await server.stop()
    await server.start()
    await server.until(lambda: len(server.hosts.simulator.lines) == 2, "the hosts are rebuilt")
    await server.until(lambda: all(line.host.applied for line in server.hosts.simulator.lines.values()), "all connect")
    after = await server.run()
    held = {c.container: c for line in server.hosts.simulator.lines.values() for c in line.host.containers.values()}
    for was in before:
        assert (held[was.uuid].state, held[was.uuid].started_at) == ("running", was.started_at)
        assert server.container(was.id).start_count == 1
    assert len(held) == 4 and held[after.uuid].state == "running"


async def test_a_removed_host_is_gone_from_the_simulator_with_its_agent(server: Server) -> None:
    host = (await server.add(1))[0]
    for process, state in (("deactivate", "inactive"), ("remove", "removed")):
        server.store.write(lambda tx, p=process: states.begin(tx, tx.require(Host, host.id), p))
        await server.until(lambda s=state: server.find(Host, live=False)[0].state in (s, "purged"), state)
    await server.until(lambda: not server.hosts.simulator.lines, "it is gone")
    assert server.find(Agent) == []


async def test_with_latency_a_start_takes_at_least_as_long(server: Server) -> None:
    server.set("simulator.latency.millis", "400")
    await server.add(1)
    container = await server.run()
    assert container.first_running - container.created >= 400
