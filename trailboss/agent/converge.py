"""What comes next for one container: from what is wanted of it and what is there, one step. Pure.

In: the `Wish` (the server's record), the `Run` (what this agent wrote down before it last started the container) and
what was `Seen` of it in Docker. Out: one `Step`, which `steps.py` takes before it is looked and asked again; and the
`Observation` that the server is told. Whoever dies in between is restarted, looks, and asks the same question.

How a run is told from the one before it, also after a crash: a container's labels cannot change, so the number of a
run cannot be a label. Before each start a `Run` is written to disk, with the moment at which the container had been
started last (`before`). If Docker shows another moment, that run has begun; if it shows the same, it has not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from trailboss.wire.messages import Observation, Record

NEVER = "0001-01-01T00:00:00Z"
"""Docker's StartedAt of a container that was never started."""
ALIVE = ("running", "paused", "restarting")
QUICK_S = 10.0
"""A run that ends sooner makes the pause before the next one longer."""
LONGEST_PAUSE_S = 60.0

Number = tuple[int, int]
"""(incarnation, epoch): orders the runs of a container, and the records of a slot."""


class Wish(msgspec.Struct, frozen=True):
    """A record, with the incarnation in which the server said it."""

    incarnation: int
    record: Record

    @property
    def number(self) -> Number:
        """The run that is wanted."""
        return self.incarnation, self.record.epoch


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest run that was begun, as it is written down before the start.

    docker_id: "" until the container has been made. before: StartedAt of the run before it. failed, failed_at: why and
    when (ms) it could not be started; it is not tried again while the server answers. restarts: how often the agent
    began it anew while the server was away, quick: how many of these in a row ended at once.
    """

    incarnation: int
    epoch: int
    docker_id: str = ""
    before: str = NEVER
    failed: str = ""
    failed_at: int = 0
    restarts: int = 0
    quick: int = 0

    @property
    def number(self) -> Number:
        """What orders it."""
        return self.incarnation, self.epoch


@dataclass(frozen=True, slots=True)
class Seen:
    """What Docker shows of one container of ours. status: as in Docker's State. Moments as Docker writes them, and
    in ms. made_for: the run that it was created for, from its labels. name: what it is called now, if somebody has
    renamed it."""

    container: str
    slot: str
    hash: str
    made_for: Number
    docker_id: str
    status: str
    started: str = NEVER
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    address: str = ""
    ports: tuple[tuple[str, int | None], ...] = ()
    image_id: str = ""
    name: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether a process of it runs (or Docker itself is about to start it again)."""
        return self.status in ALIVE


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until something changes."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until another container has let go."""

    because: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing to do until a moment (ms)."""

    until: int


@dataclass(frozen=True, slots=True)
class Adopt:
    """Write down that the present run is the wanted one, without touching the container."""

    run: Run


@dataclass(frozen=True, slots=True)
class Create:
    """Make the container; `run` is written down meanwhile."""

    run: Run


@dataclass(frozen=True, slots=True)
class Start:
    """Write down `run`, then start the container."""

    run: Run


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask the container to end; kill it when it has not by then."""

    timeout_s: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove the container by force, with its anonymous volumes."""


@dataclass(frozen=True, slots=True)
class Rename:
    """Give the container its name back: it is known by it."""


@dataclass(frozen=True, slots=True)
class Attach:
    """Put the container on the managed network again."""


Step = Rest | Wait | Pause | Adopt | Create | Start | Stop | Remove | Rename | Attach


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known beside the container itself. alone: the server does not answer. rival: another container that
    runs in the same slot, "" if none does."""

    now_ms: int
    alone: bool = False
    rival: str = ""


def current_run(run: Run | None, seen: Seen | None) -> Run | None:
    """Return the newest run; where nothing was written down (lost state), the one the container was made for."""
    if run is None and seen is not None and seen.started != NEVER:
        return Run(*seen.made_for, docker_id=seen.docker_id)
    return run


def has_begun(run: Run, seen: Seen) -> bool:
    """Say whether the container was started for this run."""
    return seen.started != NEVER and (seen.docker_id != run.docker_id or seen.started != run.before)


def next_step(wish: Wish | None, run: Run | None, seen: Seen | None, situation: Situation) -> Step:
    """Return the one step that brings a container nearer to what is wanted of it."""
    run = current_run(run, seen)
    if wish is None:
        return Rest()
    if seen is not None and seen.name not in ("", seen.container):
        return Rename()
    match wish.record.desired:
        case "removed":
            return Remove() if seen is not None else Rest()
        case "stopped":
            return Stop(wish.record.stop_timeout_s) if seen is not None and seen.is_alive else Rest()
        case _:
            pass
    if run is None or run.number < wish.number:
        return _begin(wish, run, seen, situation)
    return _keep(wish, run, seen, situation)


def _begin(wish: Wish, run: Run | None, seen: Seen | None, situation: Situation) -> Step:
    """The wanted run has not begun."""
    if seen is not None and seen.is_alive:
        if run is not None and run.incarnation < wish.incarnation:
            # Epochs of different incarnations (a restored database) say nothing about each other: what runs is kept.
            return Adopt(msgspec.structs.replace(run, incarnation=wish.incarnation, epoch=wish.record.epoch))
        return Stop(wish.record.stop_timeout_s)
    fresh = Run(*wish.number)
    if seen is None:
        return _unless_taken(situation, Create(fresh))
    return _unless_taken(situation, Start(_anew(fresh, seen)))


def _keep(wish: Wish, run: Run, seen: Seen | None, situation: Situation) -> Step:
    """The wanted run was begun, or at least written down."""
    if seen is not None and seen.is_alive:
        return Attach() if _is_detached(wish, seen) else Rest()
    if seen is None:
        # Without an id the container was never made; with one, somebody has removed it, and the server decides.
        return Rest() if run.docker_id or run.failed else _unless_taken(situation, Create(run))
    if not run.failed and not has_begun(run, seen):
        return _unless_taken(situation, Start(_anew(run, seen)))
    if situation.alone and wish.record.restart:
        return _restart(run, seen, situation)
    return Rest()


def _is_detached(wish: Wish, seen: Seen) -> bool:
    """Say whether somebody has taken a running container off the managed network."""
    specification = wish.record.specification
    if seen.status != "running" or specification is None or specification.network != "managed":
        return False
    return seen.address != specification.address


def _restart(run: Run, seen: Seen, situation: Situation) -> Step:
    """With the server away, begin an ended run anew: after 1 s, then 2, 4 ... 60 s while it keeps ending at once."""
    ended_at = run.failed_at if run.failed else seen.finished_at
    was_quick = bool(run.failed) or seen.finished_at - seen.started_at < QUICK_S * 1000
    quick = run.quick + 1 if was_quick else 0
    until = ended_at + int(min(2.0 ** max(0, quick - 1), LONGEST_PAUSE_S) * 1000)
    if situation.now_ms < until:
        return Pause(until)
    again = msgspec.structs.replace(run, failed="", failed_at=0, restarts=run.restarts + 1, quick=quick)
    return _unless_taken(situation, Start(_anew(again, seen)))


def _anew(run: Run, seen: Seen) -> Run:
    """Return the run as it is written down right before this container is started for it."""
    return msgspec.structs.replace(run, docker_id=seen.docker_id, before=seen.started)


def _unless_taken(situation: Situation, step: Step) -> Step:
    """Never two containers in one slot: the other one is ended by its own record."""
    if situation.rival:
        return Wait(f"Waiting for container {situation.rival} to end, which has the same place")
    return step


def observe(wish: Wish | None, run: Run | None, seen: Seen | None) -> Observation | None:
    """Return what the server is told of a container; None while there is nothing to tell."""
    run = current_run(run, seen)
    if wish is None:
        return _observation(seen.container, seen.slot, run, seen, state="unknown") if seen is not None else None
    record = wish.record
    common: dict[str, Any] = {"container": record.container, "slot": record.slot, "cause": record.cause}
    if record.desired != "running":
        # Nothing of the run that is to end is left, whichever run was the last: that is said with the wish's number.
        number = max(wish.number, run.number) if run else wish.number
        run = msgspec.structs.replace(run, incarnation=number[0], epoch=number[1]) if run else Run(*number)
        if seen is None:
            return Observation(epoch=run.epoch, state="removed", **common)
    elif run is None:
        return None
    elif run.failed and run.number == wish.number:
        docker_id = seen.docker_id if seen else ""
        return Observation(epoch=run.epoch, state="failed", message=run.failed, docker_id=docker_id, **common)
    elif seen is None:
        return Observation(epoch=run.epoch, state="removed", **common) if run.docker_id else None
    elif not seen.is_alive and not has_begun(run, seen):
        return None  # what is seen is the end of the run before; of this one there is nothing to tell yet
    assert seen is not None
    return _observation(record.container, record.slot, run, seen, cause=record.cause)


def _observation(container: str, slot: str, run: Run | None, seen: Seen, **more: Any) -> Observation:
    alive = seen.is_alive
    ended = not alive and seen.started != NEVER
    values: dict[str, Any] = {
        "state": "running" if alive else "exited" if ended else "created",
        "epoch": run.epoch if run else seen.made_for[1],
        "message": seen.error if ended else "",
        "docker_id": seen.docker_id,
        "exit_code": seen.exit_code if ended else None,
        "oom_killed": seen.oom_killed and ended,
        "address": seen.address,
        "ports": dict(seen.ports) if alive else {},
        "image_id": seen.image_id,
        "restarts": run.restarts if run else 0,
        "started_at": seen.started_at,
        "finished_at": seen.finished_at if ended else 0,
    }
    return Observation(container=container, slot=slot, **values | more)
