"""What reconcilers answer is applied as one: steps, state, message, and when to look again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.bench import Bench, containers_reconciled_by, hosts_reconciled_by
from trailboss import states
from trailboss.engine.loop import LONGEST_CHAIN, RETENTION_MS
from trailboss.errors import ApiError, Lost
from trailboss.outcome import Again, Begin, Done, Failed, Hold, Make, Mark, Outcome, Release, Set
from trailboss.resources.environment import Environment
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.register import Register
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap
from trailboss.resources.setting import Setting
from trailboss.store import journal
from trailboss.store.transaction import Tx


def shown(bench: Bench, row: Any) -> tuple[str, str, str | None]:
    """State, transitioning and message as clients see them."""
    now = bench.get(row)
    transitioning, message, _ = states.transitioning(now)
    return now.state, transitioning, message


# --- Done -------------------------------------------------------------------------------------------------------------


def test_done_ends_the_process_and_the_one_that_follows_it_in_one_transaction(bench: Bench) -> None:
    row = bench.insert(Host, state="registering")
    with hosts_reconciled_by(lambda host: Done()) as asked:
        assert bench.engine.run_batch() == 1
    assert asked == ["registering", "activating"]
    assert shown(bench, row) == ("active", "no", None)
    assert bench.next_due_s() is None


def test_a_type_without_a_reconciler_settles_at_once(bench: Bench) -> None:
    row = bench.insert(Register, state="registering", key="k" * 20)
    bench.settle()
    assert shown(bench, row) == ("active", "no", None)


def test_done_without_the_chain_rests_before_the_next_process(bench: Bench) -> None:
    row = bench.insert(Host, state="registering")
    with hosts_reconciled_by(lambda host: Done(chain=False, values={"description": "kept"})):
        bench.settle()
    assert shown(bench, row) == ("inactive", "no", None)
    assert bench.get(row).description == "kept"


def test_done_can_go_on_to_another_process_than_the_usual_one(bench: Bench) -> None:
    row = bench.insert(Container, state="restarting")
    ways: dict[str, Outcome] = {"restarting": Done(then="stop"), "stopping": Done(then="start"), "starting": Done()}
    with containers_reconciled_by(lambda c: ways.get(c.state, Done())) as asked:
        bench.settle()
    assert asked[:3] == ["restarting", "stopping", "starting"]
    assert shown(bench, row)[0] == "running"


def test_done_cannot_go_on_to_what_is_not_legal_there(bench: Bench) -> None:
    row = bench.insert(Container, state="starting")
    with containers_reconciled_by(lambda c: Done(then="purge")):
        bench.settle()
    assert shown(bench, row) == ("starting", "yes", "An internal error; it is being tried again")


def test_done_can_begin_a_process_of_a_row_at_rest(bench: Bench) -> None:
    row = bench.insert(Container, state="running")
    ways = {"running": Done(process="stop", values={"desired": "stopped"}), "stopping": Again("Stopping", after_s=9)}
    with containers_reconciled_by(lambda c: ways[c.state]):
        bench.settle()
    assert shown(bench, row) == ("stopping", "yes", "Stopping")
    assert bench.get(row).desired == "stopped"


def test_an_error_is_carried_over_a_chain_and_past_the_waits_in_it(bench: Bench) -> None:
    row = bench.insert(Container, state="starting")
    ended: list[bool] = []

    def decide(container: Container) -> Outcome:
        if container.state == "starting":
            return Done(then="stop", failed="no such image: nowhere:1")
        if container.state == "stopping":
            return Done(then="remove") if ended else Again("Stopping on host one", after_s=5)
        return Done()

    with containers_reconciled_by(decide):
        bench.settle()
        assert shown(bench, row) == ("stopping", "yes", "no such image: nowhere:1")
        ended.append(True)
        bench.wait(5)
    assert shown(bench, row) == ("removed", "error", "no such image: nowhere:1")


def test_the_next_process_clears_the_error_of_the_last(bench: Bench) -> None:
    row = bench.insert(Container, state="stopped", failed=1, message="no such image")
    bench.store.write(lambda tx: states.begin(tx, tx.require(Container, row.id), "start"))
    assert shown(bench, row) == ("starting", "yes", "Waiting for its turn")


def test_a_row_that_marks_itself_without_end_gives_way_to_others(bench: Bench) -> None:
    row = bench.insert(Host, state="active")
    with hosts_reconciled_by(lambda host: Done(steps=(Mark(Host, host.id),))) as asked:
        bench.engine.run_batch()
    assert len(asked) == LONGEST_CHAIN
    assert bench.next_due_s() is not None or bench.engine._claimed
    assert bench.get(row).state == "active"


# --- Again ------------------------------------------------------------------------------------------------------------


def test_again_shows_its_reason_and_looks_when_it_said(bench: Bench) -> None:
    row = bench.insert(Host, state="activating")
    with hosts_reconciled_by(lambda host: Again("Waiting for rain", after_s=7, progress=30)) as asked:
        bench.settle()
        assert shown(bench, row) == ("activating", "yes", "Waiting for rain")
        assert bench.get(row).values["progress"] == 30
        assert bench.next_due_s() == 7
        bench.wait(6.9)
        assert len(asked) == 1
        bench.wait(0.2)
        assert len(asked) == 2
    with hosts_reconciled_by(lambda host: Done()):
        bench.wait(7)
    assert shown(bench, row) == ("active", "no", None)
    assert bench.get(row).values["progress"] is None


def test_a_mark_ends_the_wait(bench: Bench) -> None:
    row = bench.insert(Host, state="activating")
    with hosts_reconciled_by(lambda host: Again("Waiting", after_s=600)) as asked:
        bench.settle()
        bench.store.write(lambda tx: tx.mark(Host, row.id))
        bench.settle()
    assert len(asked) == 2


def test_again_without_a_time_backs_off_by_itself(bench: Bench) -> None:
    bench.insert(Host, state="activating")
    pauses = []
    with hosts_reconciled_by(lambda host: Again("It fails")):
        bench.settle()
        for _ in range(10):
            pauses.append(bench.next_due_s())
            bench.wait(pauses[-1] or 0)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 64, 120, 120]


def test_a_wait_with_the_same_words_writes_nothing(bench: Bench) -> None:
    bench.insert(Host, state="activating")
    with hosts_reconciled_by(lambda host: Again("Waiting", after_s=1)):
        bench.settle()
        before = bench.store.read(journal.head)
        bench.wait(1)
    assert bench.store.read(journal.head) == before


# --- Failed and errors ------------------------------------------------------------------------------------------------


def test_a_failure_leads_to_the_error_state_of_a_type_that_has_one(bench: Bench) -> None:
    row = bench.insert(Environment, name="shop", state="activating", docker_compose="web: [")
    bench.settle()
    state, transitioning, message = shown(bench, row)
    assert (state, transitioning) == ("error", "error")
    assert message is not None
    assert message.startswith("docker-compose.yml, line 1")
    assert bench.next_due_s() is None


def test_a_failure_of_a_type_without_an_error_state_is_shown_and_tried_again(bench: Bench) -> None:
    row = bench.insert(Host, state="activating")
    with hosts_reconciled_by(lambda host: Failed("The disk is full")):
        bench.settle()
        assert shown(bench, row) == ("activating", "yes", "The disk is full")
        assert bench.next_due_s() == 0.5
    with hosts_reconciled_by(lambda host: Done()):
        bench.wait(1)
    assert bench.get(row).state == "active"


def test_a_step_that_is_refused_as_wrong_is_the_failure_of_a_stack(bench: Bench) -> None:
    text = "web:\n  image: 'not an image'\n"
    row = bench.insert(Environment, name="shop", state="activating", docker_compose=text)
    bench.settle()
    state, transitioning, message = shown(bench, row)
    assert (state, transitioning) == ("error", "error")
    assert message is not None
    assert "is not an image" in message
    assert bench.store.read(lambda read: read.find(Service)) == []


def test_a_bug_in_a_reconciler_is_shown_backs_off_and_harms_no_other(bench: Bench) -> None:
    broken = bench.insert(Host, name="broken", state="activating")
    good = bench.insert(Host, name="good", state="activating")

    def decide(host: Host) -> Outcome:
        if host.name == "broken":
            raise KeyError("on purpose")
        return Done()

    with hosts_reconciled_by(decide):
        bench.settle()
        assert shown(bench, good) == ("active", "no", None)
        assert shown(bench, broken) == ("activating", "yes", "An internal error; it is being tried again")
        assert bench.next_due_s() == 0.5
        bench.wait(0.5)
        assert bench.next_due_s() == 1


def test_the_reason_of_a_refusal_is_shown_to_the_user(bench: Bench) -> None:
    row = bench.insert(Host, state="activating")

    def refuse(host: Host) -> Outcome:
        raise ApiError(409, message="no address is left")

    with hosts_reconciled_by(refuse):
        bench.settle()
    assert shown(bench, row) == ("activating", "yes", "no address is left")


def test_a_lost_race_is_run_again_and_never_shown(bench: Bench) -> None:
    row = bench.insert(Host, state="activating")

    def lose(host: Host) -> Outcome:
        raise Lost

    with hosts_reconciled_by(lose):
        bench.settle()
        assert shown(bench, row) == ("activating", "yes", "Waiting for its turn")
        assert bench.next_due_s() == 0.05
    with hosts_reconciled_by(lambda host: Done()):
        bench.wait(1)
    assert bench.get(row).state == "active"


# --- steps ------------------------------------------------------------------------------------------------------------


def test_steps_make_change_begin_and_mark(bench: Bench) -> None:
    other = bench.insert(Host, name="other", state="activating")
    resting = bench.insert(Environment, name="shop", state="active")
    with hosts_reconciled_by(lambda row: Again("Waiting", after_s=600)):
        bench.settle()
    host = bench.insert(Host, state="activating")
    link = {"account_id": 5, "service_id": 1, "consumed_service_id": 2, "name": "db", "state": "active"}

    def decide(row: Host) -> Outcome:
        if row.id != host.id:
            return Again("Waiting", after_s=600)
        steps = (
            Make(ServiceConsumeMap, link),
            Set(bench.get(other), {"description": "seen"}),
            Begin(bench.get(resting), "remove"),
            Begin(row, "purge"),
        )
        return Done(steps=steps)

    with hosts_reconciled_by(decide) as asked:
        bench.settle()
    assert bench.store.read(lambda read: [m.name for m in read.find(ServiceConsumeMap)]) == ["db"]
    assert bench.get(other).description == "seen"
    assert len(asked) == 2, "the one that was changed is looked at"
    assert bench.get(resting).state == "removed"
    assert bench.get(host).state == "active", "what is not legal is left alone"


def test_what_is_made_goes_through_the_rules_of_its_type_and_is_looked_at(bench: Bench) -> None:
    host = bench.insert(Host, state="activating")
    values = {"account_id": 5, "name": "c", "image_uuid": "docker:busybox", "start_on_create": False, "ports": ["80"]}
    with hosts_reconciled_by(lambda row: Done(steps=(Make(Container, values),))):
        bench.settle()
    [made] = bench.store.read(lambda read: read.find(Container))
    assert (made.state, made.address, made.slot) == ("stopped", "10.42.4.0", made.uuid)
    assert bench.get(host).state == "active"


def test_a_hold_that_somebody_else_has_undoes_the_whole_plan(bench: Bench) -> None:
    first = bench.insert(Host, name="first", state="active")
    second = bench.insert(Host, name="second", state="activating")
    bench.store.write(lambda tx: tx.hold("port/80/tcp", "1", first))
    with hosts_reconciled_by(lambda row: Done(steps=(Set(row, {"description": "no"}), Hold(row, "port/80/tcp", "1")))):
        bench.settle()
    assert (bench.get(second).state, bench.get(second).description) == ("activating", None)
    bench.store.write(lambda tx: tx.mark(Host, first.id))
    with hosts_reconciled_by(lambda row: Done(steps=(Release(row, "port"),) if row.id == first.id else ())):
        bench.wait(1)
    assert bench.store.read(lambda read: read.run("SELECT * FROM hold")) == []


# --- what is gone -----------------------------------------------------------------------------------------------------


@pytest.fixture
def purged_at_once() -> Iterator[None]:
    with containers_reconciled_by(lambda c: Done()):
        yield


@pytest.mark.usefixtures("purged_at_once")
def test_what_is_removed_is_purged_after_a_minute_and_forgotten_after_its_retention(bench: Bench) -> None:
    row = bench.insert(Container, state="removing")
    bench.settle()
    assert shown(bench, row)[0] == "removed"
    removed = bench.get(row)
    assert (removed.removed, removed.remove_time) == (bench.now, bench.now + 60_000)
    bench.wait(59)
    assert shown(bench, row)[0] == "removed"
    bench.wait(1)
    assert shown(bench, row)[0] == "purged"
    bench.wait(RETENTION_MS / 1000 - 61)
    assert bench.get(row) is not None
    bench.wait(62)
    assert bench.get(row) is None
    assert bench.next_due_s() is None


@pytest.mark.usefixtures("purged_at_once")
def test_settings_say_how_long_what_is_removed_can_be_restored(bench: Bench) -> None:
    def set_delays(tx: Tx) -> None:
        tx.insert(Setting, name="object.remove.time.delay.seconds", value="10")
        tx.insert(Setting, name="object.host.remove.time.delay.seconds", value="100")

    bench.store.write(set_delays)
    container, host = bench.insert(Container, state="removing"), bench.insert(Host, state="removing")
    with hosts_reconciled_by(lambda host: Done()):
        bench.settle()
        bench.wait(11)
        assert (shown(bench, container)[0], shown(bench, host)[0]) == ("purged", "removed")
        bench.wait(90)
        assert shown(bench, host)[0] == "purged"


@pytest.mark.usefixtures("purged_at_once")
def test_what_is_removed_to_be_purged_at_once_does_not_wait(bench: Bench) -> None:
    row = bench.insert(Container, state="removing", purge_at_once=True)
    bench.settle()
    assert shown(bench, row)[0] == "purged"


def test_a_type_without_a_purge_is_forgotten_after_its_retention(bench: Bench) -> None:
    row = bench.insert(ServiceConsumeMap, state="removing")
    bench.settle()
    assert bench.get(row).state == "removed"
    bench.wait(RETENTION_MS / 1000 + 61)
    assert bench.get(row) is None
    assert bench.next_due_s() is None


def test_what_is_restored_in_time_is_not_purged(bench: Bench) -> None:
    row = bench.insert(Host, state="removing")
    with hosts_reconciled_by(lambda host: Done()):
        bench.settle()
        bench.store.write(lambda tx: states.begin(tx, tx.require(Host, row.id), "restore"))
        bench.wait(3600)
    assert shown(bench, row)[0] == "inactive"
    assert (bench.get(row).removed, bench.get(row).remove_time) == (None, None)
