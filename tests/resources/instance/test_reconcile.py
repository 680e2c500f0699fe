"""From what is wanted of a container and what its host saw, the next state; and why not yet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rows import a_container, a_host, a_port
from trailboss.outcome import Again, Done, Hold, Mark, Outcome, Set
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.instance.placement import Placement
from trailboss.resources.instance.reconcile import PAUSE_S, TRIES, View, reconcile
from trailboss.resources.port import Port
from trailboss.scheduler import Cluster, HostView, Request

NOW = 1_000_000


def look(row: Container, host: Host | None = None, **view: Any) -> Outcome:
    return reconcile(View(row, host, now=NOW, **view))


def starting(**values: Any) -> Container:
    """A container whose second run is asked for; its host has not been told yet."""
    fresh = {"epoch": 2, "granted_epoch": 1, "seen_epoch": 1, "seen_state": "exited"}
    return a_container(**{"state": "starting", **fresh, **values})


def a_placement(row: Container, *hosts: Host, ports: tuple[Port, ...] = ()) -> Placement:
    views = [HostView(id=h.id, name=h.name, state=h.state, compute_free=h.compute_free) for h in hosts]
    return Placement(Cluster(views), Request(uuid=row.uuid, name=row.name), {h.id: h for h in hosts}.__getitem__, True)


# --- creating and placing ---------------------------------------------------------------------------------------------


def test_a_new_container_goes_on_to_its_first_run() -> None:
    outcome = look(a_container(state="creating", epoch=0))
    assert outcome == Done(values={"desired": "running", "epoch": 1, "is_new": True})


def test_a_new_container_that_is_not_to_start_rests() -> None:
    assert look(a_container(state="creating", start_on_create=False)) == Done(chain=False)


def test_a_container_without_a_host_is_placed_and_reserves_what_it_needs() -> None:
    row = starting(host_id=None, epoch=1, granted_epoch=0)
    ports = (a_port(row, 8080, 80), a_port(row, 9090))
    host = a_host(compute_free=10)
    outcome = look(row, placement=a_placement(row, host), ports=ports)
    assert isinstance(outcome, Again)
    assert outcome.because == "Starting on one"
    assert outcome.values == {"host_id": host.id, "granted_epoch": 1, "allocation_state": "active"}
    hold, take = outcome.steps
    assert hold == Hold(row, "port/80/tcp", str(host.id))
    assert isinstance(take, Set)
    assert (take.row, take.values, take.look) == (host, {"compute_free": 9}, False)


def test_a_container_on_its_own_that_has_no_place_is_given_up_with_the_reason() -> None:
    row = starting(host_id=None, is_new=True)
    outcome = look(row, placement=a_placement(row))
    assert isinstance(outcome, Done)
    assert outcome.then == "stop"
    assert outcome.failed is not None
    assert outcome.failed.startswith("Failed to find a placement: ")
    assert outcome.values == {"desired": "stopped", "after_stop": "remove"}


def test_a_container_that_was_started_by_hand_and_has_no_place_is_left_stopped() -> None:
    row = starting(host_id=None, is_new=False)
    outcome = look(row, placement=a_placement(row))
    assert outcome.values["after_stop"] is None


def test_a_services_container_waits_for_a_place() -> None:
    row = starting(host_id=None, service_id=9)
    outcome = look(row, placement=a_placement(row, a_host(state="inactive")))
    assert isinstance(outcome, Again)
    assert outcome.because.startswith("Waiting for a place: ")
    assert outcome.after_s == 5


# --- starting ---------------------------------------------------------------------------------------------------------


def test_a_run_is_granted_when_its_place_is_known() -> None:
    row = starting()
    port = a_port(row, 8080, 80)
    outcome = look(row, a_host(id=3), ports=(port,))
    assert isinstance(outcome, Again)
    assert outcome.values == {"granted_epoch": 2}
    assert outcome.steps == (Hold(row, "port/80/tcp", "3"),)


def test_what_the_host_says_of_the_run_is_what_the_user_reads() -> None:
    row = starting(seen_epoch=2, seen_state="pulling", seen_message="Pulling busybox", seen_progress=40)
    outcome = look(row, a_host())
    assert isinstance(outcome, Again)
    assert (outcome.because, outcome.progress) == ("Pulling busybox", 40)


@pytest.mark.parametrize("seen", ["running", "exited"])
def test_a_run_that_its_host_has_seen_is_running_and_looked_at_once_more(seen: str) -> None:
    row = starting(seen_epoch=2, seen_state=seen, first_running=None, start_count=None, address="10.42.4.1")
    outcome = look(row, a_host())
    assert isinstance(outcome, Done)
    assert outcome.steps == (Mark(Container, row.id),)
    assert outcome.values["first_running"] == NOW
    assert outcome.values["start_count"] == 1
    assert outcome.values["primary_ip_address"] == "10.42.4.1"
    assert (outcome.values["failed"], outcome.values["message"]) == (0, None)


def test_a_report_of_an_older_run_starts_nothing() -> None:
    row = starting(seen_epoch=1, seen_state="running")
    assert isinstance(look(row, a_host()), Again)


def test_a_host_that_does_not_answer_is_waited_for_without_end() -> None:
    outcome = look(starting(), a_host(agent_state="reconnecting"))
    assert isinstance(outcome, Again)
    assert outcome.because == "Waiting for host one, which does not answer"
    assert outcome.after_s == PAUSE_S


def test_docker_that_does_not_answer_is_waited_for_with_its_words() -> None:
    outcome = look(starting(), a_host(engine_message="cannot connect"))
    assert isinstance(outcome, Again)
    assert outcome.because == "Waiting for Docker on host one: cannot connect"


def test_a_container_placed_where_docker_does_not_answer_says_so_at_once() -> None:
    row = starting(host_id=None)
    outcome = look(row, placement=a_placement(row, a_host(engine_message="cannot connect")))
    assert isinstance(outcome, Again)
    assert outcome.because == "Waiting for Docker on host one: cannot connect"


def test_a_port_that_another_container_holds_is_named_with_it() -> None:
    held = {"80/tcp": "lb"}
    single = look(starting(), a_host(), holders=held)
    assert isinstance(single, Done)
    assert single.failed == "Failed to find a placement: port 80/tcp is held by lb on host one"
    waiting = look(starting(service_id=9), a_host(), holders=held)
    assert isinstance(waiting, Again)
    assert waiting.because == "Waiting for a place: port 80/tcp is held by lb on host one"
    assert "granted_epoch" not in waiting.values


def test_a_start_that_failed_is_tried_again_as_a_newer_run_after_growing_pauses() -> None:
    pauses = []
    for failures in range(8):
        row = starting(
            seen_epoch=2, seen_state="failed", seen_message="no such image", start_failures=failures, service_id=9
        )
        outcome = look(row, a_host())
        assert isinstance(outcome, Again)
        assert outcome.because.startswith(f"no such image (attempt {failures + 1}; next in ")
        assert outcome.values["epoch"] == 3
        pauses.append((outcome.values["waiting_until"] - NOW) / 1000)
    assert pauses == [0.5, 2, 4, 8, 16, 32, 60, 60]


def test_the_pause_is_kept_and_its_reason_shown() -> None:
    failed = starting(seen_epoch=2, seen_state="failed", seen_message="no such image", start_failures=1, service_id=9)
    waiting = look(failed, a_host())
    assert isinstance(waiting, Again)
    # meanwhile the host says that nothing is left of the failed run
    row = Container(failed.values | waiting.values | {"seen_state": "removed", "seen_message": None})
    outcome = look(row, a_host())
    assert isinstance(outcome, Again)
    assert outcome.because == "no such image (attempt 2; next in 2 s)"
    assert outcome.after_s == 2
    assert "granted_epoch" not in outcome.values


def test_a_pause_after_runs_that_ended_at_once_says_so() -> None:
    row = starting(quick_exits=3, exit_code=1, waiting_until=NOW + 2000)
    outcome = look(row, a_host())
    assert isinstance(outcome, Again)
    assert outcome.because == "It ended at once with exit code 1 (3 times; next in 2 s)"


@pytest.mark.parametrize(("is_new", "after"), [(True, "remove"), (False, None)])
def test_a_container_on_its_own_is_given_up_after_a_few_tries(is_new: bool, after: str | None) -> None:
    row = starting(seen_epoch=2, seen_state="failed", seen_message="bad", start_failures=TRIES - 1, is_new=is_new)
    outcome = look(row, a_host())
    assert outcome == Done(then="stop", failed="bad", values={"desired": "stopped", "after_stop": after})


def test_a_services_container_is_never_given_up() -> None:
    row = starting(seen_epoch=2, seen_state="failed", start_failures=100, service_id=9)
    assert isinstance(look(row, a_host()), Again)


# --- running ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", ["running", "created", None])
def test_a_running_container_is_left_alone(seen: str | None) -> None:
    assert look(a_container(seen_state=seen), a_host()) == Done()


@pytest.mark.parametrize(("seen", "after"), [("exited", None), ("failed", None), ("removed", "remove")])
def test_a_container_whose_run_has_ended_is_stopped_and_one_that_is_gone_is_removed(
    seen: str, after: str | None
) -> None:
    outcome = look(a_container(seen_state=seen), a_host())
    assert outcome == Done(process="stop", values={"desired": "stopped", "after_stop": after})


def test_the_end_of_an_older_run_says_nothing_of_this_one() -> None:
    assert look(a_container(epoch=2, granted_epoch=2, seen_state="exited"), a_host()) == Done()


def test_a_host_that_does_not_answer_destroys_nothing() -> None:
    assert look(a_container(), a_host(agent_state="reconnecting")) == Done()


# --- stopping and what follows ----------------------------------------------------------------------------------------


def stopping(**values: Any) -> Container:
    return a_container(**{"state": "stopping", "desired": "stopped", **values})


def test_a_stop_waits_for_the_host_to_say_that_it_has_ended() -> None:
    outcome = look(stopping(), a_host())
    assert isinstance(outcome, Again)
    assert outcome.because == "Stopping on one"
    assert look(stopping(seen_state="exited"), a_host()) == Done()


def test_a_stop_does_not_wait_for_a_host_that_does_not_answer() -> None:
    assert look(stopping(), a_host(agent_state="reconnecting")) == Done()


def test_a_stop_waits_for_docker() -> None:
    outcome = look(stopping(), a_host(engine_message="gone"))
    assert isinstance(outcome, Again)
    assert outcome.because == "Waiting for Docker on host one: gone"


def test_a_stop_of_what_never_ran_has_nothing_to_wait_for() -> None:
    assert look(stopping(granted_epoch=0, seen_epoch=0, seen_state=None), a_host()) == Done()


def test_a_stop_of_a_run_that_was_granted_waits_though_an_older_one_has_ended() -> None:
    assert isinstance(look(stopping(epoch=2, granted_epoch=2, seen_epoch=1, seen_state="exited"), a_host()), Again)


def test_after_a_stop_comes_the_removal_or_the_next_run_that_was_asked_for() -> None:
    assert look(stopping(seen_state="exited", after_stop="remove"), a_host()).values == {"after_stop": None}
    again = look(stopping(seen_state="exited", after_stop="start", epoch=4, granted_epoch=1), a_host())
    assert isinstance(again, Done)
    assert again.then == "start"
    assert (again.values["epoch"], again.values["desired"]) == (5, "running")


def test_a_restart_is_a_stop_at_first() -> None:
    assert look(a_container(state="restarting", after_stop="start")) == Done(then="stop")


def test_a_restored_container_stands_on_its_own() -> None:
    row = a_container(state="restoring", service_id=9, slot="service-uuid//1", purge_at_once=True)
    outcome = look(row)
    assert outcome.steps == (Hold(row, "slot", row.uuid),), "its service is gone"
    assert outcome.values["service_id"] is None
    assert outcome.values["slot"] == row.uuid
    assert outcome.values["purge_at_once"] is False


def test_a_purge_asks_the_host_and_waits_for_its_answer() -> None:
    purging = {"state": "purging", "desired": "stopped"}
    asked = look(a_container(**purging, seen_state="exited"), a_host())
    assert isinstance(asked, Again)
    assert (asked.because, asked.values) == ("Deleting the container on one", {"desired": "removed"})
    lost = look(a_container(**purging), a_host(agent_state="reconnecting"))
    assert isinstance(lost, Again)
    assert "does not answer" in lost.because
    assert look(a_container(**purging, seen_state="removed"), a_host()) == Done(values={"desired": "removed"})


@pytest.mark.parametrize("host", [None, a_host(removed=5), a_host()])
def test_a_purge_has_nobody_to_ask_when_the_host_is_gone_or_never_knew(host: Host | None) -> None:
    row = a_container(state="purging", granted_epoch=0 if host and not host.removed else 1)
    assert look(row, host) == Done(values={"desired": "removed"})


@pytest.mark.parametrize("state", ["updating-running", "updating-stopped", "migrating", "removing", "stopped"])
def test_what_needs_nobody_ends_at_once(state: str) -> None:
    assert look(a_container(state=state), a_host()) == Done()
