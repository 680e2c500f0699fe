"""When `up` takes a stack for up, by a clock that the test turns."""

from __future__ import annotations

from typing import Any

import pytest

from trailboss.cli.stack import Container, Service, Stack
from trailboss.cli.steady import MOST_EARLY_ENDS, STEADY_AGAIN_S, STEADY_S, Steady
from trailboss.errors import KeepsEnding


def one(state: str = "running", **fields: Any) -> Container:
    given = {"starts": 1, "quick_exits": 0, "exit_code": None} | fields
    return Container("1i1", "shop_web_1", "web", state, "sim:x", None, (), None, False, **given)


def a_stack(container: Container, *, moving: bool = False) -> Stack:
    state = "updating-active" if moving else "active"
    service = Service("1s1", "web", state, 1, 1, 1, None, moving, False, (container,))
    return Stack("1e1", "shop", "active", None, False, (service,))


class Watch:
    """A judge and its clock."""

    def __init__(self, *before: Container) -> None:
        self.now = 100.0
        self.judge = Steady(before, ["web"], lambda: self.now)

    def after(self, seconds: float, container: Container, **more: Any) -> str | None:
        self.now += seconds
        return self.judge(a_stack(container, **more))


def test_a_new_container_must_have_run_for_a_moment() -> None:
    watch = Watch()
    assert watch.after(0, one()) == "shop_web_1 has just been started"
    assert watch.after(STEADY_S - 0.1, one()) is not None
    assert watch.after(0.1, one()) is None


def test_what_ran_before_is_not_waited_for() -> None:
    assert Watch(one()).after(0, one()) is None


def test_what_ran_before_is_waited_for_if_it_is_started_again() -> None:
    watch = Watch(one())
    assert watch.after(0, one(starts=2)) is not None
    assert watch.after(STEADY_S, one(starts=2)) is None


def test_a_container_that_ended_early_must_run_for_longer() -> None:
    watch = Watch()
    watch.after(0, one())
    again = one(starts=2, quick_exits=1, exit_code=1)
    assert watch.after(1, one("stopped"), moving=True) == "service web is updating-active"
    assert watch.after(1, again) is not None
    assert watch.after(STEADY_AGAIN_S - 1, again) is not None
    assert watch.after(1, again) is None


def test_a_container_that_ended_early_before_the_command_is_no_exception() -> None:
    often = one(starts=9, quick_exits=8, exit_code=1)
    watch = Watch(often)
    assert watch.after(0, often) is not None
    assert watch.after(STEADY_AGAIN_S, often) is None


def test_one_that_ends_early_again_and_again_is_an_error_that_says_how_it_ended() -> None:
    watch = Watch()
    waiting = one("starting", starts=4, quick_exits=MOST_EARLY_ENDS - 1, exit_code=3)
    assert watch.after(0, waiting, moving=True) is not None
    with pytest.raises(KeepsEnding, match=r"shop_web_1 has ended 5 times in a row .* exit code 3$") as error:
        watch.after(1, one("starting", starts=5, quick_exits=MOST_EARLY_ENDS, exit_code=3), moving=True)
    assert error.value.container == "1i1"


def test_one_that_does_its_work_and_ends_is_told_of_the_label_for_that() -> None:
    with pytest.raises(KeepsEnding, match=r"exit code 0; .*start_once"):
        Watch().after(0, one("starting", quick_exits=MOST_EARLY_ENDS, exit_code=0), moving=True)


def test_a_container_that_was_to_run_once_is_up_when_it_stays_stopped() -> None:
    watch = Watch()
    assert watch.after(0, one()) is not None
    assert watch.after(1, one("stopped", exit_code=0)) is not None
    assert watch.after(STEADY_S, one("stopped", exit_code=0)) is None
