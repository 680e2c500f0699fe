"""A service's containers are brought to its scale, in order, with a reason for every wait."""

from __future__ import annotations

from typing import Any

from tests.rows import a_service, a_stack, one_of
from trailboss.outcome import Again, Begin, Done, Make, Outcome, Set
from trailboss.resources.instance import Container
from trailboss.resources.service import Service
from trailboss.resources.service.reconcile import BATCH, LONGEST_PAUSE_S, View, reconcile

NOW = 1_000_000_000


def look(service: Service, *instances: Container, gone: tuple[Container, ...] = ()) -> Outcome:
    fresh = tuple(f"fresh-{n}" for n in range(BATCH))
    return reconcile(View(service, a_stack(), instances, NOW, fresh, gone))


def made(outcome: Outcome) -> list[dict[str, Any]]:
    return [step.values for step in outcome.steps if isinstance(step, Make)]


def begun(outcome: Outcome) -> list[tuple[str, str]]:
    return [(step.row.values["name"], step.process) for step in outcome.steps if isinstance(step, Begin)]


def leaving(outcome: Outcome) -> list[str]:
    steps = [step for step in outcome.steps if isinstance(step, Begin | Set)]
    return [step.row.values["name"] for step in steps if step.values.get("after_stop") == "remove"]


def because(outcome: Outcome) -> str:
    assert isinstance(outcome, Again)
    return outcome.because


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_a_service_at_its_scale_is_left_alone() -> None:
    service = a_service(scale=2)
    assert look(service, one_of(service, 1), one_of(service, 2)) == Done()


def test_missing_containers_are_made_under_the_smallest_free_numbers() -> None:
    service = a_service(scale=4, state="updating-active")
    outcome = look(service, one_of(service, 2), one_of(service, 5))
    assert [v["name"] for v in made(outcome)] == ["shop_web_1", "shop_web_3"]


def test_an_active_service_with_something_to_do_shows_that_it_is_updating() -> None:
    outcome = look(a_service(scale=1))
    assert isinstance(outcome, Done)
    assert outcome.process == "update"
    assert len(made(outcome)) == 1


def test_scale_down_removes_the_newest_first() -> None:
    service = a_service(scale=1, state="updating-active")
    first = one_of(service, 1, create_index=9)  # made anew under its number after it had gone
    outcome = look(service, first, one_of(service, 2), one_of(service, 3))
    assert sorted(leaving(outcome)) == ["shop_web_1", "shop_web_3"]
    assert made(outcome) == []


def test_scale_zero_removes_all_and_the_service_stays() -> None:
    service = a_service(scale=0, state="updating-active")
    assert leaving(look(service, one_of(service, 1))) == ["shop_web_1"]
    assert look(a_service(scale=0)) == Done()


def test_a_container_that_is_going_is_neither_counted_nor_removed_twice() -> None:
    service = a_service(scale=1, state="updating-active")
    going = one_of(service, 2, state="stopping", after_stop="remove")
    outcome = look(service, one_of(service, 1), going)
    assert leaving(outcome) == []
    assert because(outcome) == "Removing 1 containers"


def test_one_that_is_going_is_replaced_under_its_number_when_it_has_gone() -> None:
    service = a_service(scale=1, state="updating-active")
    outcome = look(service, one_of(service, 1, state="removing"))
    assert made(outcome) == []
    assert because(outcome) == "Waiting for web number 1 to be removed first"
    assert [v["name"] for v in made(look(service))] == ["shop_web_1"]


def test_many_containers_are_made_in_slices_and_the_next_follows_at_once() -> None:
    service = a_service(scale=3 * BATCH, state="activating")
    outcome = look(service)
    assert len(made(outcome)) == BATCH
    assert isinstance(outcome, Again)
    assert outcome.after_s == 0
    assert outcome.because == f"Creating containers: {BATCH} of {3 * BATCH}"


def test_the_create_index_counts_on_and_is_never_given_again() -> None:
    service = a_service(scale=3, state="updating-active", create_index=7)
    outcome = look(service, one_of(service, 1, create_index=2))
    assert [v["create_index"] for v in made(outcome)] == [8, 9]
    assert outcome.values == {"create_index": 9}


def test_the_service_waits_until_all_run_and_says_for_which() -> None:
    service = a_service(scale=2, state="activating")
    slow = one_of(service, 2, state="starting", message="Pulling busybox")
    outcome = look(service, one_of(service, 1), slow)
    assert because(outcome) == "1 of 2 running; shop_web_2 is starting: Pulling busybox"
    assert outcome.steps == ()


def test_looking_twice_changes_nothing_more() -> None:
    service = a_service(scale=1, state="updating-active")
    going = one_of(service, 2, state="stopping", after_stop="remove", desired="stopped")
    assert look(service, one_of(service, 1), going).steps == ()


# --- runs ------------------------------------------------------------------------------------------------------------


def test_a_stopped_container_is_started_again_as_a_new_run_of_the_same_container() -> None:
    service = a_service(scale=1, state="updating-active")
    stopped = one_of(service, 1, state="stopped", epoch=4, started_at=1, finished_at=60_000)
    outcome = look(service, stopped)
    [step] = outcome.steps
    assert isinstance(step, Begin)
    assert (step.row, step.process) == (stopped, "start")
    assert (step.values["epoch"], step.values["desired"]) == (5, "running")
    assert step.values["waiting_until"] is None
    assert step.values["quick_exits"] == 0


def test_a_container_that_ends_at_once_is_started_again_after_growing_pauses() -> None:
    service = a_service(scale=1, state="updating-active")
    pauses = []
    for exits in range(9):
        stopped = one_of(service, 1, state="stopped", started_at=5000, finished_at=6000, quick_exits=exits)
        [step] = look(service, stopped).steps
        assert isinstance(step, Begin)
        assert step.values["quick_exits"] == exits + 1
        pauses.append(((step.values["waiting_until"] or NOW) - NOW) / 1000)
    assert pauses == [0, 1, 2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_the_hosts_clock_does_not_matter_for_the_pause() -> None:
    service = a_service(scale=1, state="updating-active")
    ahead = {"started_at": NOW + 10**9, "finished_at": NOW + 10**9 + 1}
    [step] = look(service, one_of(service, 1, state="stopped", quick_exits=1, **ahead)).steps
    assert isinstance(step, Begin)
    assert step.values["waiting_until"] == NOW + 1000


def test_a_run_that_lasted_forgets_those_that_ended_at_once() -> None:
    service = a_service(scale=1, state="updating-active")
    stopped = one_of(service, 1, state="stopped", started_at=1, finished_at=10_001, quick_exits=7)
    [step] = look(service, stopped).steps
    assert isinstance(step, Begin)
    assert step.values["quick_exits"] == 0


def test_a_stop_whose_end_nobody_saw_is_not_counted_as_a_quick_exit() -> None:
    service = a_service(scale=1, state="updating-active")
    [step] = look(service, one_of(service, 1, state="stopped", started_at=5, finished_at=None)).steps
    assert isinstance(step, Begin)
    assert step.values["quick_exits"] == 0


def test_a_container_that_is_there_to_run_once_stays_stopped() -> None:
    service = a_service(scale=1)
    once = {"labels": {"io.rancher.container.start_once": "true"}}
    assert look(service, one_of(service, 1, state="stopped", **once)) == Done()


def test_one_that_is_there_to_run_once_and_never_ran_is_started() -> None:
    service = a_service(scale=1, state="activating")
    once = {"labels": {"io.rancher.container.start_once": "true"}, "first_running": None}
    assert begun(look(service, one_of(service, 1, state="stopped", **once))) == [("shop_web_1", "start")]


# --- sidekicks -------------------------------------------------------------------------------------------------------


def a_service_with_sidekicks(**values: Any) -> Service:
    """web uses the volumes of data; log sits in the network of web."""
    return a_service(
        **{"state": "activating", "scale": 1, **values},
        launch_config={"dataVolumesFromLaunchConfigs": ["data"]},
        secondary_launch_configs=[
            {"name": "log", "imageUuid": "docker:log:1", "networkLaunchConfig": "web", "networkMode": "container"},
            {"name": "data", "imageUuid": "docker:data:1"},
        ],
    )


def test_sidekicks_are_made_after_those_that_they_need_run() -> None:
    service = a_service_with_sidekicks()
    first = look(service)
    assert [v["name"] for v in made(first)] == ["shop_web_data_1"]
    data = one_of(service, 1, "data", state="starting")
    waiting = look(service, data)
    assert made(waiting) == []
    assert because(waiting).startswith("Waiting for the containers that")
    data = one_of(service, 1, "data")
    [web] = made(look(service, data))
    assert web["name"] == "shop_web_1"
    assert web["data_volumes_from"] == [data.id]
    assert web["deployment_unit_uuid"] == "unit-1"
    primary = one_of(service, 1)
    [log] = made(look(service, data, primary))
    assert (log["name"], log["network_container_id"]) == ("shop_web_log_1", primary.id)


def test_a_sidekick_that_ran_once_is_good_enough_for_those_that_need_it() -> None:
    service = a_service_with_sidekicks()
    once = {"io.rancher.container.start_once": "true"}
    outcome = look(service, one_of(service, 1, "data", state="stopped", labels=once))
    assert [v["name"] for v in made(outcome)] == ["shop_web_1"]


def test_only_the_missing_sidekick_is_made_anew_in_its_unit() -> None:
    service = a_service_with_sidekicks()
    outcome = look(service, one_of(service, 1), one_of(service, 1, "data"))
    assert leaving(outcome) == []
    assert [(v["name"], v["deployment_unit_uuid"]) for v in made(outcome)] == [("shop_web_log_1", "unit-1")]


def test_those_that_depend_on_a_missing_container_are_removed_also_through_others() -> None:
    service = a_service_with_sidekicks()
    outcome = look(service, one_of(service, 1), one_of(service, 1, "log"))
    assert sorted(leaving(outcome)) == ["shop_web_1", "shop_web_log_1"]
    assert [v["name"] for v in made(outcome)] == ["shop_web_data_1"]


def test_a_container_in_the_network_of_a_newer_run_is_stopped_to_be_started_again() -> None:
    service = a_service_with_sidekicks(state="active")
    web = one_of(service, 1, started_at=200)
    log = one_of(service, 1, "log", started_at=100, network_container_id=web.id)
    outcome = look(service, one_of(service, 1, "data"), web, log)
    assert begun(outcome) == [("shop_web_log_1", "stop")]
    log = one_of(service, 1, "log", started_at=300, network_container_id=web.id)
    assert look(service, one_of(service, 1, "data"), web, log) == Done()


def test_a_stopped_sidekick_is_started_only_when_those_that_it_needs_run() -> None:
    service = a_service_with_sidekicks()
    web = one_of(service, 1, state="stopped")
    log = one_of(service, 1, "log", state="stopped", network_container_id=web.id)
    assert begun(look(service, one_of(service, 1, "data"), web, log)) == [("shop_web_1", "start")]


def test_a_whole_unit_goes_when_the_scale_shrinks() -> None:
    service = a_service_with_sidekicks(scale=1, state="updating-active")
    units = [one_of(service, n, s, create_index=3 * n) for n in (1, 2) for s in ("data", "", "log")]
    outcome = look(service, *units)
    assert sorted(leaving(outcome)) == ["shop_web_2", "shop_web_data_2", "shop_web_log_2"]


def test_a_service_with_another_name_still_knows_its_primary() -> None:
    service = a_service_with_sidekicks(name="front")
    units = [one_of(service, 1, "data", name="shop_web_data_1"), one_of(service, 1, name="shop_web_1")]
    [log] = made(look(service, *units))
    assert (log["name"], log["network_container_id"]) == ("shop_front_log_1", units[1].id)


# --- stopping and removing -------------------------------------------------------------------------------------------


def test_deactivating_asks_all_to_stop_and_does_not_wait() -> None:
    service = a_service(scale=2, state="deactivating")
    outcome = look(service, one_of(service, 1), one_of(service, 2, state="stopped"))
    assert begun(outcome) == [("shop_web_1", "stop")]
    assert isinstance(outcome, Done)


def test_deactivating_waits_for_what_cannot_be_stopped_yet_so_that_it_does_not_run_on() -> None:
    service = a_service(scale=2, state="deactivating")
    outcome = look(service, one_of(service, 1, state="creating"), one_of(service, 2))
    assert begun(outcome) == [("shop_web_2", "stop")]
    assert because(outcome) == "Stopping shop_web_1, which is creating"


def test_deactivating_ends_a_restart_halfway() -> None:
    service = a_service(scale=1, state="deactivating")
    [step] = look(service, one_of(service, 1, state="stopping", after_stop="start")).steps
    assert step == Set(step.row, {"desired": "stopped", "after_stop": None})  # type: ignore[union-attr]


def test_an_inactive_service_is_left_alone() -> None:
    service = a_service(scale=3, state="inactive")
    assert look(service) == Done()


def test_removing_removes_all_and_waits_for_them() -> None:
    service = a_service(scale=3, state="removing")
    outcome = look(service, one_of(service, 1), one_of(service, 2, state="stopped"))
    assert begun(outcome) == [("shop_web_1", "stop"), ("shop_web_2", "remove")]
    assert sorted(leaving(outcome)) == ["shop_web_1", "shop_web_2"]
    assert because(outcome) == "Removing 2 containers"
    assert look(service) == Done()


def test_removing_with_purge_leaves_nothing_for_a_minute_even_of_what_was_removed_before() -> None:
    service = a_service(scale=1, state="removing", purge_at_once=True)
    going = one_of(service, 1, state="removing", after_stop="remove")
    gone = one_of(service, 2, state="removed", removed=NOW)
    outcome = look(service, going, gone=(gone,))
    assert {(s.row.values["name"], s.values["purge_at_once"]) for s in outcome.steps if isinstance(s, Set)} == {
        ("shop_web_1", True),
        ("shop_web_2", True),
    }


def test_a_service_without_an_image_makes_no_containers() -> None:
    service = a_service(launch_config={"imageUuid": None}, selector_container="a=b")
    assert look(service) == Done()
