"""Random wishes, faults and messages on a whole installation: what must never be never is, and it converges.

The quick test always runs the same examples, so that it cannot fail by chance. `pytest -m soak tests/properties` runs
many random ones. A failing run prints its steps, and `@reproduce_failure(...)`: put that line above the class that
failed and run the test again; the same steps happen.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.properties.invariants import Watch, converged, no_two_run_in_one_place
from tests.properties.world import Machine, World, pending
from trailboss import states
from trailboss.declare import Resource, ResourceType
from trailboss.engine.apply import Platform, create
from trailboss.resources import seed
from trailboss.resources.environment import Environment
from trailboss.resources.host import Host
from trailboss.resources.instance import Container, actions
from trailboss.resources.service import Service
from trailboss.resources.setting import Setting
from trailboss.simulator.markers import START
from trailboss.store import journal
from trailboss.store.migrations import upgrade
from trailboss.store.store import Store
from trailboss.store.transaction import Tx

INDEX = st.integers(0, 5)
PORTS = st.sampled_from([None, None, 8001, 8002])
MINUTE = 60_000
COMPOSE = "front: {image: nginx, links: [back]}\nback: {image: redis}"
_templates: list[Path] = []


def template() -> Path:
    """Return a database file with schema and seed, made once per run of the tests."""
    if not _templates:
        path = Path(tempfile.mkdtemp(prefix="trailboss-world-")) / "template.db"
        store = Store(f"sqlite:///{path}")
        upgrade(store.database)
        store.start()
        store.write(_begin)
        store.close()
        _templates.append(path)
    return _templates[0]


def _begin(tx: Tx) -> None:
    seed.seed(tx)
    tx.insert(Setting, name="simulator.enabled", value="true")


class Installation(RuleBasedStateMachine):
    """Wishes of users, moves of messages and time, and faults, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.is_broken = False
        self.folder = Path(tempfile.mkdtemp(prefix="trailboss-world-"))
        shutil.copy(template(), self.folder / "world.db")
        numbers = random.Random(1)
        self.uuids = mock.patch("uuid.uuid4", lambda: uuid.UUID(int=numbers.getrandbits(128), version=4))
        self.uuids.start()
        self.world = World(self.folder / "world.db")
        self.world.look = self._look
        self.watch = Watch()
        self.made = 0

    @initialize(
        latencies=st.lists(st.sampled_from([0, 300, 5000]), min_size=1, max_size=3),
        services=st.lists(st.tuples(st.integers(1, 3), PORTS, st.booleans()), min_size=1, max_size=2),
        settled_ms=st.sampled_from([0, 1000, 20_000]),
    )
    def begin_with_something(
        self, latencies: list[int], services: list[tuple[int, int | None, bool]], settled_ms: int
    ) -> None:
        for latency in latencies:
            self.world.add_host(latency)
        self.world.settle(1000)
        self.create_stack("")
        for scale, port, has_sidekick in services:
            self.create_service(0, scale, port, has_sidekick, start=True)
        self.world.settle(settled_ms)

    def teardown(self) -> None:
        try:
            if not self.is_broken:
                self._end()
        finally:
            self.world.close()
            self.uuids.stop()
            shutil.rmtree(self.folder)

    @invariant()
    def nothing_is_that_must_never_be(self) -> None:
        self.is_broken = True
        self.watch.check(self.world)
        self.is_broken = False

    def _look(self) -> None:
        before, self.is_broken = self.is_broken, True
        no_two_run_in_one_place(self.world)
        self.is_broken = before

    # --- wishes ---------------------------------------------------------------------------------------------------

    def _pick(self, type_: ResourceType, index: int) -> Any:
        rows = self.world.read(lambda r: r.find(type_))
        return rows[index % len(rows)] if rows else None

    def _change(self, type_: ResourceType, index: int, fn: Callable[[Tx, Any], Resource]) -> None:
        row = self._pick(type_, index)
        if row is not None:
            self.world.ask(lambda tx: fn(tx, tx.require(type_, row.id)))

    def _name(self, kind: str) -> str:
        self.made += 1
        return f"{kind}{self.made}"

    @rule(compose=st.sampled_from(["", "", COMPOSE]))
    def create_stack(self, compose: str) -> None:
        values: dict[str, Any] = {"account_id": self.world.project_id, "name": self._name("stack")}
        if compose:
            values |= {"docker_compose": compose, "start_on_create": True}
        self.world.ask(lambda tx: create(tx, Environment, values, Platform()))

    @rule(stack=INDEX, scale=st.integers(0, 3), port=PORTS, has_sidekick=st.booleans(), start=st.booleans())
    def create_service(self, stack: int, scale: int, port: int | None, has_sidekick: bool, start: bool) -> None:
        values: dict[str, Any] = {
            "account_id": self.world.project_id,
            "name": self._name("service"),
            "scale": scale,
            "launch_config": {"imageUuid": "docker:nginx", "ports": [f"{port}:80"] if port else []},
        }
        if has_sidekick:
            values["secondary_launch_configs"] = [{"name": "side", "imageUuid": "docker:busybox"}]
        found = self._pick(Environment, stack)
        if found is not None:
            values["environment_id"] = found.id
            made = self.world.ask(lambda tx: create(tx, Service, values, Platform()))
            if start and made is not None:
                self.world.turn()
                self.world.ask(lambda tx: states.begin(tx, tx.require(Service, made.id), "activate"))

    @rule(port=PORTS, fails=st.sampled_from([False, False, True]))
    def create_container(self, port: int | None, fails: bool) -> None:
        values = {
            "account_id": self.world.project_id,
            "name": self._name("single"),
            "image_uuid": "docker:nginx",
            "start_on_create": True,
            "ports": [f"{port}:80"] if port else [],
            "labels": {f"{START}::fail": "true"} if fails else {},
        }
        self.world.ask(lambda tx: create(tx, Container, values, Platform()))

    @rule(index=INDEX, scale=st.integers(0, 4))
    def scale(self, index: int, scale: int) -> None:
        self._change(Service, index, lambda tx, row: _update(tx, row, {"scale": scale}))

    @rule(index=INDEX, action=st.sampled_from(["activate", "activate", "deactivate"]))
    def switch_service(self, index: int, action: str) -> None:
        self._change(Service, index, lambda tx, row: states.begin(tx, row, action))

    @rule(index=INDEX, action=st.sampled_from(["start", "stop", "restart"]))
    def switch_container(self, index: int, action: str) -> None:
        def switch(tx: Tx, row: Container) -> Resource:
            service = tx.get(Service, row.service_id)
            if action == "start" and service is not None and service.state != "active":
                return row  # of a service that rests: then it would run although its service does not
            changed: Resource = type(row).behaviour.actions[action](tx, row, {}, Platform())
            return changed

        self._change(Container, index, switch)

    @rule(type_=st.sampled_from([Environment, Service, Container]), index=INDEX, at_once=st.booleans())
    def delete(self, type_: ResourceType, index: int, at_once: bool) -> None:
        caller = Platform(options={"purge": True} if at_once else {})
        self._change(type_, index, lambda tx, row: type(row).behaviour.delete(tx, row, caller))  # type: ignore[misc]

    @rule(index=INDEX, start=st.booleans())
    def restore_container(self, index: int, start: bool) -> None:
        gone = self.world.read(lambda r: r.find(Container, live=False, state="removed"))
        if not gone:
            return
        id = gone[index % len(gone)].id
        self.world.ask(lambda tx: states.begin(tx, tx.require(Container, id), "restore"))
        if start:
            self.world.turn()
            self.world.ask(lambda tx: actions.start(tx, tx.require(Container, id), {}, Platform()))

    @rule(latency=st.sampled_from([0, 300]))
    @precondition(lambda self: len(self.world.machines) < 5)
    def add_host(self, latency: int) -> None:
        self.world.add_host(latency)

    @rule(index=INDEX, process=st.sampled_from(["deactivate", "activate", "activate", "remove"]))
    def switch_host(self, index: int, process: str) -> None:
        self._change(Host, index, lambda tx, row: states.begin(tx, row, process))

    # --- what goes on by itself -----------------------------------------------------------------------------------

    @rule()
    def work(self) -> None:
        self.world.work()

    @rule(rounds=st.integers(1, 5))
    def go_on(self, rounds: int) -> None:
        for _ in range(rounds):
            self.world.turn()

    @rule(index=INDEX)
    def deliver_to_server(self, index: int) -> None:
        if lines := self.world.lines():
            self.world.deliver_up(lines[index % len(lines)])

    @rule(index=INDEX)
    def deliver_to_host(self, index: int) -> None:
        self.world.deliver_down(self._machine(index))

    @rule(index=INDEX)
    def feed(self, index: int) -> None:
        if sessions := list(self.world.sessions.values()):
            self.world.feed(sessions[index % len(sessions)])

    @rule(ms=st.sampled_from([1, 200, 1000, 7000, MINUTE]))
    def pass_time(self, ms: int) -> None:
        self.world.advance(ms)

    @rule(ms=st.sampled_from([500, 7000, 2 * MINUTE]))
    def settle(self, ms: int) -> None:
        self.world.settle(ms)

    # --- faults ---------------------------------------------------------------------------------------------------

    def _machine(self, index: int) -> Machine:
        machines = list(self.world.machines.values())
        return machines[index % len(machines)]

    @rule(index=INDEX, lose=st.integers(0, 3))
    def connection_breaks(self, index: int, lose: int) -> None:
        self.world.cut(self._machine(index), lose)

    @rule(index=INDEX)
    def agent_dials(self, index: int) -> None:
        self.world.connect(self._machine(index))

    @rule(index=INDEX)
    def agent_overtakes_itself(self, index: int) -> None:
        """Let the Hello of a new connection arrive before what the old one still carries."""
        machine = self._machine(index)
        self.world.connect(machine)
        if machine.connection is not None:
            self.world.deliver_up(machine.connection)

    @rule(index=INDEX)
    def agent_crashes(self, index: int) -> None:
        machine = self._machine(index)
        self.world.cut(machine)
        machine.host.crash(self.world.now)

    @rule(index=INDEX, which=INDEX, how=st.sampled_from(["kill", "vanish"]))
    def container_ends(self, index: int, which: int, how: str) -> None:
        machine = self._machine(index)
        containers = list(machine.host.containers)
        if containers:
            container = containers[which % len(containers)]
            is_alone = machine.connection is None
            host = machine.host
            said = (
                host.vanish(container) if how == "vanish" else host.kill(container, self.world.now, is_alone=is_alone)
            )
            machine.say(said)

    @rule(point=st.sampled_from(["before-commit", "after-commit"]), after=st.integers(0, 4))
    def server_will_die(self, point: str, after: int) -> None:
        self.world.crash_point, self.world.crashes_after = point, after

    # --- the end --------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Let all faults be over: it converges, then rests, and in the end forgets what is gone."""
        world = self.world
        world.bring_back()
        world.settle(MINUTE)
        self._make_room()
        for minutes in (1, 1, 15):
            world.settle(minutes * MINUTE)
            world.bring_back()
            self.watch.check(world)
        converged(world)
        before = world.read(journal.head)
        world.settle(60 * MINUTE)
        assert world.read(journal.head) == before, "it does not rest"
        now = [row for row in world.read(pending) if row[2] < world.now + MINUTE]
        assert not now, f"work that has no end: {now}"

    def _make_room(self) -> None:
        """Add hosts until every port that is wished for can be published."""
        demand: Counter[str] = Counter()
        for service in self.world.read(lambda r: r.find(Service)):
            demand.update(dict.fromkeys(service.launch_config.get("ports") or [""], service.scale))
        for container in self.world.read(lambda r: r.find(Container)):
            demand.update(container.ports if container.service_id is None else [])
        for _ in range(max([1, *demand.values()])):
            self.world.add_host(0)


def _update(tx: Tx, row: Service, values: dict[str, Any]) -> Resource:
    assert Service.behaviour.update is not None
    changed: Resource = Service.behaviour.update(tx, row, values, Platform())
    return changed


_COMMON = {"deadline": None, "print_blob": True, "suppress_health_check": list(HealthCheck)}


class TestTheSameExamplesEachTime(Installation.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(
        max_examples=40, stateful_step_count=30, derandomize=True, phases=[Phase.generate, Phase.shrink], **_COMMON
    )


@pytest.mark.soak
class TestManyRandomExamples(Installation.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=400, stateful_step_count=60, **_COMMON)
    pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
