"""From what is wanted and what is there to the next step, as tables; and what the server is told of it."""

from __future__ import annotations

import pytest

from tests.agent.builders import FIRST, SECOND, a_run, a_situation, a_wish, seen
from trailboss.agent.converge import (
    Adopt,
    Attach,
    Create,
    Pause,
    Remove,
    Rename,
    Rest,
    Run,
    Seen,
    Start,
    Step,
    Stop,
    Wait,
    Wish,
    next_step,
    observe,
)

CREATED, RUNNING, EXITED = seen("created"), seen("running", FIRST), seen("exited", FIRST)


@pytest.mark.parametrize(
    ("wish", "run", "there", "step"),
    [
        # nothing is wanted
        (None, None, RUNNING, Rest()),
        (None, a_run(), None, Rest()),
        # removal
        (a_wish("removed"), a_run(), RUNNING, Remove()),
        (a_wish("removed"), a_run(), EXITED, Remove()),
        (a_wish("removed"), a_run(), None, Rest()),
        # stop
        (a_wish("stopped"), a_run(), RUNNING, Stop(10)),
        (a_wish("stopped", stop_timeout_s=3), a_run(), RUNNING, Stop(3)),
        (a_wish("stopped"), a_run(), seen("paused", FIRST), Stop(10)),
        (a_wish("stopped"), a_run(), EXITED, Rest()),
        (a_wish("stopped"), None, None, Rest()),
        # the first run
        (a_wish(), None, None, Create(Run(1, 1))),
        (a_wish(), None, CREATED, Start(a_run())),
        (a_wish(), a_run(docker_id=""), None, Create(a_run(docker_id=""))),
        (a_wish(), a_run(docker_id=""), CREATED, Start(a_run())),
        (a_wish(), a_run(), CREATED, Start(a_run())),
        (a_wish(), a_run(), RUNNING, Rest()),
        # it has ended, was removed, or could not be started: the server decides
        (a_wish(), a_run(), EXITED, Rest()),
        (a_wish(), a_run(), None, Rest()),
        (a_wish(), a_run(failed="no"), None, Rest()),
        (a_wish(), a_run(failed="no"), CREATED, Rest()),
        # the next run
        (a_wish(epoch=2), a_run(), EXITED, Start(a_run(2, FIRST))),
        (a_wish(epoch=2), a_run(), RUNNING, Stop(10)),
        (a_wish(epoch=2), a_run(), None, Create(Run(1, 2))),
        (a_wish(epoch=2), a_run(failed="no"), None, Create(Run(1, 2))),
        # a crash between writing the run down and the start; and one after it
        (a_wish(epoch=2), a_run(2, FIRST), EXITED, Start(a_run(2, FIRST))),
        (a_wish(epoch=2), a_run(2, FIRST), seen("running", SECOND), Rest()),
        (a_wish(epoch=2), a_run(2, FIRST), seen("exited", SECOND), Rest()),
        # what people did by hand
        (a_wish(), a_run(), seen("running", FIRST, name="mine"), Rename()),
        (a_wish("removed"), a_run(), seen("exited", FIRST, name="mine"), Rename()),
        (None, a_run(), seen("running", FIRST, name="mine"), Rest()),
        (a_wish(), a_run(), seen("running", FIRST, address=""), Attach()),
        (a_wish(), a_run(), seen("restarting", FIRST, address=""), Rest()),
        (a_wish("stopped"), a_run(), seen("running", FIRST, address=""), Stop(10)),
        (a_wish(epoch=2), a_run(), seen("running", FIRST, address=""), Stop(10)),
        # what was written down is lost: a container that ran is taken for the run it was made for
        (a_wish(), None, RUNNING, Rest()),
        (a_wish(), None, EXITED, Rest()),
        (a_wish(epoch=2), None, RUNNING, Stop(10)),
        # another incarnation: its epochs say nothing about those before
        (a_wish(epoch=1, incarnation=2), a_run(7), RUNNING, Adopt(a_run(1, incarnation=2))),
        (a_wish(epoch=1, incarnation=2), a_run(7), EXITED, Start(a_run(1, FIRST, incarnation=2))),
    ],
)
def test_next_step(wish: Wish | None, run: Run | None, there: Seen | None, step: Step) -> None:
    assert next_step(wish, run, there, a_situation()) == step


@pytest.mark.parametrize("there", [None, CREATED, EXITED])
def test_nothing_is_made_or_started_while_another_holds_the_slot(there: Seen | None) -> None:
    step = next_step(a_wish(epoch=2), a_run() if there else None, there, a_situation(rival="other"))
    assert isinstance(step, Wait)
    assert "other" in step.because


def test_a_rival_does_not_keep_a_container_from_being_stopped() -> None:
    assert isinstance(next_step(a_wish("stopped"), a_run(), RUNNING, a_situation(rival="other")), Stop)


def ended(ran_s: float, **more: object) -> Seen:
    """A container that ended just now."""
    return seen("exited", FIRST, started_at=int(1_000_000 - ran_s * 1000), finished_at=1_000_000, **more)


@pytest.mark.parametrize(
    ("quick", "ran_s", "pause_s"), [(0, 100, 1), (0, 1, 1), (1, 1, 2), (2, 1, 4), (7, 1, 60), (9, 1, 60), (9, 100, 1)]
)
def test_with_the_server_away_pauses_grow_while_runs_are_short(quick: int, ran_s: float, pause_s: int) -> None:
    wish, run, there = a_wish(restart=True), a_run(quick=quick, restarts=3), ended(ran_s)
    until = 1_000_000 + pause_s * 1000
    assert next_step(wish, run, there, a_situation(alone=True, now_ms=until - 1)) == Pause(until)
    step = next_step(wish, run, there, a_situation(alone=True, now_ms=until))
    assert isinstance(step, Start)
    assert (step.run.epoch, step.run.restarts, step.run.before) == (1, 4, FIRST)


def test_alone_a_start_that_failed_is_tried_again() -> None:
    run = a_run(failed="port 80 is already allocated", failed_at=1_000_000)
    step = next_step(a_wish(restart=True), run, EXITED, a_situation(alone=True, now_ms=1_001_000))
    assert isinstance(step, Start)
    assert step.run.failed == ""


def test_alone_only_what_may_be_restarted_is() -> None:
    late = a_situation(alone=True, now_ms=9_000_000)
    assert next_step(a_wish(), a_run(), ended(1), late) == Rest()
    assert next_step(a_wish(restart=True), a_run(), None, late) == Rest()
    assert next_step(a_wish("stopped", restart=True), a_run(), ended(1), late) == Rest()


@pytest.mark.parametrize(
    ("wish", "run", "there", "told"),
    [
        (None, None, None, None),
        (None, a_run(3), RUNNING, ("unknown", 3)),
        (a_wish(), None, None, None),
        (a_wish(), a_run(docker_id=""), None, None),
        (a_wish(), a_run(), CREATED, None),
        (a_wish(), a_run(), RUNNING, ("running", 1)),
        (a_wish(), a_run(), EXITED, ("exited", 1)),
        (a_wish(), a_run(), None, ("removed", 1)),
        (a_wish(), a_run(failed="no"), None, ("failed", 1)),
        (a_wish(), a_run(failed="no"), CREATED, ("failed", 1)),
        # the old run is spoken of until the new one has begun, and never as if it were the new one
        (a_wish(epoch=2), a_run(1), RUNNING, ("running", 1)),
        (a_wish(epoch=2), a_run(1), EXITED, ("exited", 1)),
        (a_wish(epoch=2), a_run(2, FIRST), EXITED, None),
        (a_wish(epoch=2), a_run(2, FIRST), seen("exited", SECOND), ("exited", 2)),
        (a_wish(epoch=3), a_run(2, FIRST), EXITED, None),
        # a run that is to end: what is said carries the number of the wish, whichever was the last that ran
        (a_wish("stopped", epoch=5), a_run(4), EXITED, ("exited", 5)),
        (a_wish("stopped", epoch=5), a_run(4), RUNNING, ("running", 5)),
        (a_wish("stopped", epoch=5), None, None, ("removed", 5)),
        (a_wish("stopped", epoch=5), None, CREATED, ("created", 5)),
        (a_wish("removed", epoch=5), None, None, ("removed", 5)),
        (a_wish("removed", epoch=5), a_run(5), EXITED, ("exited", 5)),
    ],
)
def test_what_is_told(wish: Wish | None, run: Run | None, there: Seen | None, told: tuple[str, int] | None) -> None:
    observation = observe(wish, run, there)
    assert (observation and (observation.state, observation.epoch)) == told


def test_the_end_of_a_run_is_told_with_its_circumstances() -> None:
    there = seen("exited", FIRST, exit_code=137, oom_killed=True, finished_at=9, started_at=5, ports=(("80/tcp", 1),))
    observation = observe(a_wish(cause="r1"), a_run(restarts=2), there)
    assert observation is not None
    assert (observation.exit_code, observation.oom_killed, observation.restarts) == (137, True, 2)
    assert (observation.started_at, observation.finished_at, observation.ports) == (5, 9, {})
    assert observation.cause == "r1"
