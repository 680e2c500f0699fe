"""One session per agent: what it is told, what becomes of what it says, and how it ends."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.dispatch.agents import FakeAgent, Gone, World, seen
from tests.waiting import eventually_async
from trailboss.dispatch import absence, assignments, sessions
from trailboss.dispatch.sessions import Proof
from trailboss.errors import Unreachable
from trailboss.resources.account import Account
from trailboss.resources.agent import Agent
from trailboss.resources.credential import AgentApiKey
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.store import journal
from trailboss.wire import messages
from trailboss.wire.messages import Assignment, Directory, Engine, Facts, Heartbeat, Look, OpenStream, Welcome

pytestmark = pytest.mark.anyio


async def test_an_agent_is_welcomed_and_told_everything_first(world: World) -> None:
    agent_id = world.register()
    first = world.connect(agent_id)
    welcome = await first.welcome()
    assert (welcome.installation, welcome.incarnation, welcome.protocol) == ("installation", 3, 1)
    assert welcome.network.bridge == "tb-test" and welcome.network.gateway.startswith("10.77.0.")
    container = world.container(int(welcome.host_id))
    second = world.connect(agent_id)
    assignment = await second.assigned()
    assert assignment.full and [r.container for r in assignment.records] == [container.uuid]
    assert second.heard.index(assignment) > second.heard.index(await second.welcome())


async def test_a_change_is_sent_once_with_the_request_that_led_to_it(world: World) -> None:
    agent, host = await world.host()
    container = world.container(host.id, cause="request-1")
    await eventually_async(lambda: agent.records)
    world.change(container, cause="request-2", desired="stopped")
    await eventually_async(lambda: len(agent.records) == 2)
    assert [(r.desired, r.cause) for r in agent.records] == [("running", "request-1"), ("stopped", "request-2")]
    assert [a.full for a in agent.all(Assignment)] == [True, False, False]
    assert [a.number for a in agent.all(Assignment)] == [1, 2, 3]


async def test_what_only_the_host_saw_is_not_sent_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, host = await world.host()
    container = world.container(host.id)
    await eventually_async(lambda: agent.records)
    looks: list[Any] = []
    original = assignments.records_for
    monkeypatch.setattr(assignments, "records_for", lambda *a, **k: looks.append(k["changed"]) or original(*a, **k))
    agent.report(seen(container, "running", docker_id="abc"))
    await eventually_async(lambda: world.row(container).seen_state == "running")
    world.change(container, cause="x", desired="stopped")
    await eventually_async(lambda: len(agent.records) == 2)
    assert looks == [{container.id: "x"}]


async def test_a_change_that_is_none_for_the_host_is_not_sent(world: World) -> None:
    agent, host = await world.host()
    one, other = world.container(host.id), world.container(host.id)
    await eventually_async(lambda: len(agent.records) == 2)
    world.change(one, description="only for people")
    world.change(other, desired="stopped")
    await eventually_async(lambda: len(agent.records) == 3)
    assert agent.records[-1].container == other.uuid


async def test_a_look_reads_what_changed_and_not_the_whole_host(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, host = await world.host()
    containers = [world.container(host.id) for _ in range(20)]
    await eventually_async(lambda: len(agent.records) == 20)
    made: list[int] = []
    original = assignments.record_of
    monkeypatch.setattr(
        assignments, "record_of", lambda read, row, cause="": made.append(row.id) or original(read, row, cause)
    )
    world.change(containers[7], desired="stopped")
    await eventually_async(lambda: len(agent.records) == 21)
    assert made == [containers[7].id]


async def test_a_change_between_two_looks_is_never_lost(world: World) -> None:
    agent, host = await world.host()
    containers = [world.container(host.id) for _ in range(10)]
    for round_ in range(2, 12):
        await asyncio.gather(
            *(asyncio.to_thread(world.change, c, epoch=round_, granted_epoch=round_) for c in containers)
        )

    def newest() -> set[int]:
        by_uuid = {r.container: r.epoch for r in agent.records}
        return {by_uuid.get(c.uuid, 0) for c in containers}

    await eventually_async(lambda: newest() == {11})


async def test_the_slow_look_finds_what_a_lost_wake_up_would_have_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOOK_AT_ALL_S", 0.1)
    sweeping = asyncio.create_task(world.dispatcher._sweep())
    agent, host = await world.host()
    monkeypatch.setattr(world.dispatcher, "_heard", lambda commit: None)
    world.container(host.id)
    await eventually_async(lambda: agent.records)
    sweeping.cancel()


async def test_a_confirmed_removal_is_spoken_of_no_more(world: World) -> None:
    agent, host = await world.host()
    container = world.container(host.id)
    world.change(container, desired="removed", state="purging", removed=1)
    await eventually_async(lambda: agent.records and agent.records[-1].desired == "removed")
    agent.report(seen(container, "removed"))
    await eventually_async(lambda: world.row(container).seen_state == "removed")
    again = world.connect(agent.agent_id)
    assert (await again.assigned()).records == []


async def test_a_report_changes_the_row_and_names_its_cause(world: World) -> None:
    agent, host = await world.host()
    one, other = world.container(host.id), world.container(host.id)
    agent.report(
        seen(one, "running", docker_id="d1", started_at=5, cause="request-7"),
        seen(other, "failed", message="no such image", cause="request-8"),
    )
    await eventually_async(lambda: world.row(other).seen_state == "failed")
    assert (world.row(one).external_id, world.row(one).started_at) == ("d1", 5)
    assert world.row(other).seen_message == "no such image"
    entries = world.read(lambda r: journal.after(r, 0))
    causes = {e["id"]: e["cause"] for e in entries if "seenState" in e["change"] and e["type"] == "container"}
    assert causes == {one.id: "request-7", other.id: "request-8"}


async def test_reports_of_older_runs_and_of_runs_never_granted_are_dropped(world: World) -> None:
    agent, host = await world.host()
    container = world.container(host.id, epoch=4, granted_epoch=4)
    agent.report(seen(container, "running", epoch=4))
    agent.report(seen(container, "exited", epoch=3))
    agent.report(seen(container, "exited", epoch=9))
    agent.report(seen(container, "running", epoch=4, restarts=2))
    await eventually_async(lambda: world.row(container).restarts == 2)
    assert (world.row(container).seen_state, world.row(container).seen_epoch) == ("running", 4)


async def test_a_container_of_another_host_cannot_be_reported_on(world: World) -> None:
    agent, _ = await world.host()
    _, other = await world.host()
    foreign = world.container(other.id)
    agent.report(seen(foreign, "failed"))
    own = world.container(agent_host(world, agent))
    agent.report(seen(own, "running"))
    await eventually_async(lambda: world.row(own).seen_state == "running")
    assert world.row(foreign).seen_state is None


async def test_an_inventory_of_a_thousand_is_taken_in_slices_and_does_not_delay_others(world: World) -> None:
    agent_id = world.register()
    first = world.connect(agent_id)
    host_id = int((await first.welcome()).host_id)

    def fill(tx: Any) -> list[Container]:
        return [
            tx.insert(
                Container,
                account_id=world.project,
                host_id=host_id,
                image_uuid="docker:busybox",
                slot=str(n),
                state="starting",
                desired="running",
                epoch=1,
                granted_epoch=1,
            )
            for n in range(1000)
        ]

    containers = world.store.write(fill)
    longest = 0.0
    again = world.connect(agent_id, inventory=[seen(c, "running") for c in containers])
    while not again.all(Assignment):
        started = time.monotonic()
        await world.dispatcher.write(lambda tx: tx.set_fact("ping", "1"))
        longest = max(longest, time.monotonic() - started)
    assert len((await again.assigned()).records) == 1000
    assert world.row(containers[-1]).seen_state == "running"
    assert longest < 2.0


async def test_what_a_host_of_an_older_database_has_seen_is_not_believed(world: World) -> None:
    agent, host = await world.host()
    container = world.container(host.id)
    agent.report(seen(container, "exited"), incarnation=4)
    agent.say(Engine("later"))
    await eventually_async(lambda: world.read(lambda r: r.get(Host, host.id)).engine_message == "later")
    assert world.row(container).seen_state is None


async def test_a_host_says_whether_docker_answers_and_its_facts(world: World) -> None:
    agent, host = await world.host()
    agent.say(Engine("dockerd is away"))
    await eventually_async(lambda: world.read(lambda r: r.get(Host, host.id)).engine_message == "dockerd is away")
    agent.say(Facts(messages.Host(uuid="u", hostname="n", info={"cpuInfo": {"count": 2}})))
    await eventually_async(lambda: world.read(lambda r: r.get(Host, host.id)).info == {"cpuInfo": {"count": 2}})


# --- ends ---------------------------------------------------------------------------------------------------------


async def test_a_newer_connection_takes_the_place_of_the_older(world: World) -> None:
    agent, host = await world.host()
    newer = world.connect(agent.agent_id)
    await newer.assigned()
    assert (await agent.serving).code == messages.CLOSE_REPLACED
    world.container(host.id)
    await eventually_async(lambda: newer.records)
    assert world.agent_state(agent.agent_id) == "active"


async def test_many_connections_of_one_agent_at_once_leave_one(world: World) -> None:
    agent_id = world.register()
    connections = [world.connect(agent_id) for _ in range(8)]
    await eventually_async(lambda: sum(c.serving.done() for c in connections) == 7)
    left = next(c for c in connections if not c.serving.done())
    host_id = int((await left.welcome()).host_id)
    world.container(host_id)
    await eventually_async(lambda: left.records)
    assert len(world.read(lambda r: r.find(Host))) == 1


async def test_an_agent_that_hangs_up_and_stays_away_is_reconnecting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER_S", 0.3)
    agent, host = await world.host()
    agent.hang_up()
    with pytest.raises(Gone):
        await agent.serving
    await eventually_async(lambda: world.agent_state(agent.agent_id) == "reconnecting")
    assert world.read(lambda r: r.get(Host, host.id)).agent_state == "reconnecting"
    back = world.connect(agent.agent_id)
    await back.assigned()
    assert world.agent_state(agent.agent_id) == "active"
    assert world.read(lambda r: r.get(Host, host.id)).agent_state == "active"


async def test_silence_counts_from_the_last_word_and_not_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER_S", 1.5)
    agent, _ = await world.host()
    agent.say(Heartbeat())
    silent_at = time.monotonic()
    await eventually_async(lambda: world.agent_state(agent.agent_id) == "reconnecting")
    assert time.monotonic() - silent_at < 2.8
    assert (await agent.serving).code == messages.CLOSE_SILENT


async def test_an_agent_that_was_back_in_between_is_not_lost_by_the_earlier_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER_S", 1.0)
    agent, _ = await world.host()
    lost: list[int] = []
    original = sessions.reports.agent_state

    def noted(tx: Any, agent_id: int, *, connected: bool) -> None:
        if not connected:
            lost.append(agent_id)
        original(tx, agent_id, connected=connected)

    monkeypatch.setattr(sessions.reports, "agent_state", noted)
    for _ in range(4):
        agent.hang_up()
        with pytest.raises(Gone):
            await agent.serving
        agent = world.connect(agent.agent_id)
        await agent.assigned()
    beating = asyncio.create_task(beat(agent))
    assert lost == [await lose_another(world)]
    beating.cancel()


async def test_a_connection_that_could_not_be_stored_does_not_lose_the_one_that_could(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER_S", 1.0)
    agent_id = world.register()
    good = world.connect(agent_id)
    await good.assigned()
    beating = asyncio.create_task(beat(good))
    with monkeypatch.context() as patched:
        patched.setattr(sessions.reports, "enter", unreachable)
        failed = world.connect(agent_id)
        with pytest.raises(Unreachable):
            await failed.serving
    # its attempt took the place of the good one, which comes back
    again = world.connect(agent_id)
    await again.assigned()
    beating.cancel()
    beating = asyncio.create_task(beat(again))
    await lose_another(world)
    assert world.agent_state(agent_id) == "active"
    beating.cancel()


async def test_being_lost_is_stored_when_the_database_is_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER_S", 0.1)
    monkeypatch.setattr(absence, "TRY_AGAIN_S", 0.1)
    agent, _ = await world.host()
    tries = 0
    original = sessions.reports.agent_state

    def at_first_unreachable(tx: Any, agent_id: int, *, connected: bool) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Unreachable("the database does not answer")
        original(tx, agent_id, connected=connected)

    monkeypatch.setattr(sessions.reports, "agent_state", at_first_unreachable)
    agent.hang_up()
    await eventually_async(lambda: world.agent_state(agent.agent_id) == "reconnecting")
    with pytest.raises(Gone):
        await agent.serving


def unreachable(tx: Any, **_: Any) -> None:
    raise Unreachable("the database does not answer")


async def lose_another(world: World) -> int:
    """Lose an agent whose wait begins now: waits that began before are over when it returns. Returns its number."""
    agent, _ = await world.host()
    agent.say(Heartbeat())
    agent.hang_up()
    with pytest.raises(Gone):
        await agent.serving
    await eventually_async(lambda: world.agent_state(agent.agent_id) == "reconnecting")
    return agent.agent_id


async def beat(agent: FakeAgent) -> None:
    while True:
        agent.say(Heartbeat())
        await asyncio.sleep(0.05)


async def test_agents_that_do_not_come_back_after_a_restart_are_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER_S", 0.3)
    agent_id = world.register()
    await world.dispatcher.start()
    await eventually_async(lambda: world.agent_state(agent_id) == "reconnecting")


async def test_what_is_said_first_must_be_hello(world: World) -> None:
    agent = world.connect(world.register())
    agent.said = asyncio.Queue()
    agent.say(Heartbeat())
    assert (await agent.serving).code == messages.CLOSE_MALFORMED


@pytest.mark.parametrize(("offered", "agreed"), [(1, 1), (7, 1)])
async def test_the_lower_of_both_protocols_is_agreed_on(world: World, offered: int, agreed: int) -> None:
    agent = world.connect(world.register(), protocol=offered)
    assert (await agent.welcome()).protocol == agreed


async def test_an_agent_that_is_too_old_is_told_so(world: World) -> None:
    end = await world.connect(world.register(), protocol=0).serving
    assert end.code == messages.CLOSE_TOO_OLD and "upgrade" in end.reason


async def test_messages_of_newer_versions_are_ignored(world: World) -> None:
    agent, host = await world.host()
    agent.say(None)
    world.container(host.id)
    await eventually_async(lambda: agent.records)


async def test_the_session_of_a_removed_agent_ends_and_it_is_not_served_again(world: World) -> None:
    agent, _ = await world.host()
    world.store.write(lambda tx: tx.change(tx.require(Agent, agent.agent_id), state="removing"))
    assert (await agent.serving).code == messages.CLOSE_GONE
    assert (await world.connect(agent.agent_id).serving).code == messages.CLOSE_GONE


async def test_a_removed_host_does_not_come_back_by_its_agents_knocking(world: World) -> None:
    agent, host = await world.host()
    world.store.write(lambda tx: tx.change(tx.require(Host, host.id), state="removed", removed=1))
    assert (await world.connect(agent.agent_id).serving).code == messages.CLOSE_GONE
    assert world.read(lambda r: r.find(Host)) == []


@pytest.mark.parametrize("what", [AgentApiKey, Account])
async def test_the_session_of_a_key_or_account_that_is_out_of_use_ends_and_others_stay(
    world: World, what: type[AgentApiKey | Account]
) -> None:
    agent_id, other_id = world.register(), world.register()
    key = world.read(lambda r: r.find(AgentApiKey, account_id=r.get(Agent, agent_id).account_id)[0])
    number = key.id if what is AgentApiKey else key.account_id
    world.proofs = {agent_id: Proof(key.id, key.account_id), other_id: Proof(-1, -1)}
    agent, other = world.connect(agent_id), world.connect(other_id)
    await agent.assigned()
    await other.assigned()
    world.store.write(lambda tx: tx.change(tx.require(what, number), state="inactive"))
    assert (await agent.serving).code == messages.CLOSE_REVOKED
    assert not other.serving.done()


async def test_an_agent_that_does_not_read_delays_nobody(world: World) -> None:
    stuck, stuck_host = await world.host()
    stuck.reads.clear()
    agent, host = await world.host()
    for _ in range(5):
        world.container(stuck_host.id)
        world.container(host.id)
    await eventually_async(lambda: len(agent.records) == 5)
    stuck.reads.set()
    await eventually_async(lambda: len(stuck.records) == 5)


async def test_an_agent_whose_messages_break_disturbs_nobody(world: World) -> None:
    bad, _ = await world.host()
    agent, host = await world.host()
    bad.said.put_nowait(ValueError("malformed"))
    with pytest.raises(ValueError, match="malformed"):
        await bad.serving
    world.container(host.id)
    await eventually_async(lambda: agent.records)


async def test_when_the_database_is_away_the_session_ends_and_the_agent_may_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, host = await world.host()
    container = world.container(host.id)

    with monkeypatch.context() as patched:
        patched.setattr(sessions.reports, "take", unreachable)
        agent.report(seen(container, "running"))
        with pytest.raises(Unreachable):
            await agent.serving
    again = world.connect(agent.agent_id, inventory=[seen(container, "running")])
    await again.assigned()
    assert world.row(container).seen_state == "running"


async def test_stopping_ends_every_session_and_loses_nobody(world: World) -> None:
    agent, _ = await world.host()
    await world.dispatcher.stop()
    assert (await agent.serving).code == messages.CLOSE_RESTART
    assert world.agent_state(agent.agent_id) == "active"
    assert (await world.connect(agent.agent_id).serving).code == messages.CLOSE_RESTART


async def test_an_order_for_a_stream_reaches_its_host(world: World) -> None:
    agent, host = await world.host()
    session = world.dispatcher.session_of(host.id)
    assert session is not None
    session.order(OpenStream("id", "token", "logs", "uuid"))
    await eventually_async(lambda: agent.all(OpenStream))
    assert world.dispatcher.session_of(-1) is None


async def test_every_agent_is_asked_to_look_at_its_host_once_at_a_time(world: World) -> None:
    agents = [(await world.host())[0] for _ in range(2)]
    for _ in range(3):
        world.dispatcher.ask_to_look()
    for agent in agents:
        await eventually_async(lambda agent=agent: agent.all(Look))
        assert agent.all(Look) == [Look()]


def agent_host(world: World, agent: FakeAgent) -> int:
    return world.read(lambda r: r.find(Host, agent_id=agent.agent_id)[0].id)


async def test_the_first_directory_follows_the_welcome(world: World) -> None:
    agent, _ = await world.host()
    directory = await agent.directory()
    assert directory == Directory({}, {})
    assert isinstance(agent.heard[0], Welcome)
