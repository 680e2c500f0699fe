from __future__ import annotations

from typing import Any

import pytest

from trailboss.simulator.host import VANISH_MS, SimulatedHost
from trailboss.simulator.markers import START
from trailboss.wire.messages import Assignment, FromAgent, Host, Look, Observation, Port, Record, Report, Specification


def a_host(**values: Any) -> SimulatedHost:
    return SimulatedHost(Host("uuid", "sim-1", kind="sim"), **({"incarnation": 1} | values))


def a_record(epoch: int = 1, desired: Any = "running", container: str = "c1", **values: Any) -> Record:
    slot = values.pop("slot", "slot-1")
    return Record(container, slot, epoch, desired, specification=Specification("nginx", **values))


def an_assignment(*records: Record, full: bool = False, incarnation: int = 1) -> Assignment:
    return Assignment(incarnation, 1, list(records), full=full)


def seen(messages: list[FromAgent]) -> list[tuple[str, int, str]]:
    reports = [m for m in messages if isinstance(m, Report)]
    return [(o.container, o.epoch, o.state) for report in reports for o in report.observations]


def test_a_container_that_is_wanted_runs_at_once() -> None:
    host = a_host()
    assert seen(host.take(an_assignment(a_record()), now=5)) == [("c1", 1, "running")]
    assert host.hello().inventory[0].docker_id and host.hello().inventory[0].started_at == 5


def test_with_latency_a_start_shows_its_progress_and_takes_its_time() -> None:
    host = a_host(latency_ms=500, jitter_ms=100, random=lambda: 0.5)
    assert seen(host.take(an_assignment(a_record()), now=0)) == [("c1", 1, "creating")]
    assert host.next_due() == 550
    assert host.due(549) == []
    assert seen(host.due(550)) == [("c1", 1, "running")]
    assert host.next_due() is None


def test_a_slow_container_takes_that_much_longer() -> None:
    host = a_host(latency_ms=500)
    host.take(an_assignment(a_record(labels={"simSlow": "1500"})), now=0)
    assert host.next_due() == 2000


def test_a_record_of_an_older_run_of_its_slot_is_refused() -> None:
    host = a_host()
    host.take(an_assignment(a_record(epoch=3)), now=0)
    assert host.take(an_assignment(a_record(epoch=2, desired="stopped")), now=1) == []
    assert host.take(an_assignment(a_record(epoch=2, container="other")), now=1) == []
    assert [o.state for o in host.hello().inventory] == ["running"]


def test_an_older_container_can_still_be_removed_after_its_slot_was_filled_again() -> None:
    host = a_host()
    host.take(an_assignment(a_record(epoch=1), a_record(epoch=1, desired="stopped")), now=0)
    host.take(an_assignment(a_record(epoch=2, container="c2")), now=1)
    gone = host.take(an_assignment(Record("c1", "slot-1", 1, "removed")), now=2)
    assert seen(gone) == [("c1", 1, "removed")]
    assert [o.container for o in host.hello().inventory] == ["c2"]


def test_a_higher_incarnation_wins_over_higher_numbers() -> None:
    host = a_host()
    host.take(an_assignment(a_record(epoch=9)), now=0)
    assert host.take(an_assignment(a_record(epoch=10), incarnation=0), now=1) == []
    assert seen(host.take(an_assignment(a_record(epoch=2), incarnation=2, full=True), now=1)) == [("c1", 2, "running")]
    assert host.hello().incarnation == 2


def test_a_container_of_which_no_record_speaks_is_reported_and_kept() -> None:
    host = a_host()
    host.take(an_assignment(a_record()), now=0)
    assert seen(host.take(an_assignment(full=True), now=1)) == [("c1", 1, "unknown")]
    assert [o.state for o in host.hello().inventory] == ["unknown"]


def test_a_removal_is_confirmed_as_often_as_it_is_asked_for() -> None:
    host = a_host()
    host.take(an_assignment(a_record()), now=0)
    removal = an_assignment(Record("c1", "slot-1", 1, "removed"), full=True)
    for _ in range(2):
        assert seen(host.take(removal, now=1)) == [("c1", 1, "removed")]
    assert host.containers == {}


def test_a_stop_of_what_never_ran_is_confirmed_too() -> None:
    host = a_host()
    assert seen(host.take(an_assignment(a_record(desired="stopped")), now=0)) == [("c1", 1, "removed")]


def test_a_wish_that_changed_while_the_step_was_in_hand_is_followed() -> None:
    host = a_host(latency_ms=500)
    host.take(an_assignment(a_record()), now=0)
    host.take(an_assignment(a_record(desired="stopped")), now=100)
    assert seen(host.due(600)) == [("c1", 1, "removed")]


def test_a_start_waits_for_the_port_that_is_given_back_in_the_same_message() -> None:
    port = [Port(80, 8080)]
    host = a_host(latency_ms=500)
    host.take(an_assignment(a_record(labels={"simSlow": "1000"}, ports=port)), now=0)
    host.due(1500)
    ending = a_record(desired="stopped", labels={"simSlow": "1000"}, ports=port)
    beginning = a_record(container="c2", slot="slot-2", ports=port)
    another = a_record(container="c3", slot="slot-3")
    host.take(an_assignment(beginning, another, ending), now=2000)
    assert seen(host.due(2500)) == [("c3", 1, "running")]
    assert seen(host.due(3500)) == [("c1", 1, "exited"), ("c2", 1, "running")]


def test_the_marker_of_failure_fails_each_start_with_its_message() -> None:
    host = a_host()
    for epoch in (1, 2):
        answer = host.take(an_assignment(a_record(epoch=epoch, labels={f"{START}::fail": "true"})), now=0)
        assert isinstance(answer[0], Report)
        assert answer[0].observations[0].message == f"Failing [{START}]"
        assert seen(answer) == [("c1", epoch, "failed")]


@pytest.mark.parametrize(
    ("values", "lifetime_ms"),
    [
        ({"labels": {"simForgetImmediately": "true"}}, VANISH_MS),
        ({"environment": {"X": "simForgetImmediately"}}, VANISH_MS),
        ({"command": ["simShutdownAfter", "7"]}, 7000),
    ],
)
def test_markers_let_a_container_vanish_after_its_start(values: dict[str, Any], lifetime_ms: int) -> None:
    host = a_host()
    host.take(an_assignment(a_record(**values)), now=0)
    assert host.next_due() == lifetime_ms
    assert seen(host.due(lifetime_ms)) == [("c1", 1, "removed")]


def test_a_look_finds_what_docker_has_lost_and_nothing_else() -> None:
    host = a_host()
    lost = a_record(container="lost", slot="a", labels={"simForgetImmediately": "true"})
    short = a_record(container="short", slot="b", command=["simShutdownAfter", "7"])
    host.take(an_assignment(lost, short), now=0)
    host.pause()
    assert host.take(Look(), now=1) == []
    assert seen(host.resume(now=2)) == [("lost", 1, "removed")]
    assert seen(host.take(Look(), now=3)) == []
    assert host.next_due() == 7000


def test_a_container_that_vanished_unnoticed_is_reported_on_the_next_connection() -> None:
    host = a_host()
    host.take(an_assignment(a_record()), now=0)
    host.vanish("c1")
    assert host.hello().inventory == []
    assert seen(host.take(an_assignment(a_record(), full=True), now=1)) == [("c1", 1, "removed")]


def test_a_killed_container_is_reported_and_without_a_server_runs_again() -> None:
    host = a_host()
    host.take(Assignment(1, 1, [Record("c1", "s", 1, "running", restart=True)]), now=0)
    assert host.kill("c1", now=5, is_alone=True) == []
    assert [(o.state, o.restarts, o.started_at) for o in host.hello().inventory] == [("running", 1, 5)]
    assert seen(host.kill("c1", now=6)) == [("c1", 1, "exited")]
    assert host.kill("c1", now=7) == []


def test_a_paused_host_is_silent_and_then_answers_all_that_came() -> None:
    host = a_host()
    host.take(an_assignment(a_record()), now=0)
    host.pause()
    assert host.kill("c1", now=1) == []
    assert host.take(an_assignment(a_record(container="c2", slot="slot-2")), now=2) == []
    assert host.due(3) == [] and host.next_due() is None
    assert seen(host.resume(now=4)) == [("c1", 1, "exited"), ("c2", 1, "running")]


def test_a_crash_of_the_agent_loses_only_what_was_in_hand() -> None:
    host = a_host(latency_ms=500)
    host.take(an_assignment(a_record()), now=0)
    host.due(500)
    host.take(an_assignment(a_record(desired="stopped")), now=600)
    host.crash(now=700)
    assert [o.state for o in host.hello().inventory] == ["running"]
    assert seen(host.due(1200)) == [("c1", 1, "exited")]


def test_a_rebuilt_host_starts_nothing_again() -> None:
    host = a_host(incarnation=0)
    host.remember([Observation("c1", "slot-1", 4, "running", docker_id="abc", started_at=1)])
    assert host.take(an_assignment(a_record(epoch=4), full=True), now=9) == []
    known = host.hello().inventory[0]
    assert (known.state, known.docker_id, known.started_at) == ("running", "abc", 1)


def test_a_container_that_vanished_while_it_was_being_stopped_is_reported_when_the_stop_ends() -> None:
    host = a_host(latency_ms=500)
    host.take(an_assignment(a_record()), now=0)
    host.due(500)
    host.take(an_assignment(a_record(desired="stopped")), now=600)
    host.vanish("c1")
    assert host.take(an_assignment(a_record(desired="stopped"), full=True), now=700) == []
    assert seen(host.due(1100)) == [("c1", 1, "removed")]
