"""When `up` takes a stack for up: all runs, and what has just been started has not ended at once.

A `Steady` is a judge for `waiting.wait`. It remembers since when each container has been as it is (its state and the
count of its starts), by the clock of this command. What ran before the command is not waited for. A container that has
ended early is given time to come to itself, as one that waits for its database does; if it ends early again and again,
that is an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from trailboss.cli.stack import Container, Stack
from trailboss.cli.waiting import is_up
from trailboss.errors import KeepsEnding

STEADY_S = 2.0
"""How long a container must have been as it is, since it was started."""
STEADY_AGAIN_S = 10.0
"""The same for one whose last run ended early: a run shorter than this is an early end (resources/service)."""
MOST_EARLY_ENDS = 5
"""In a row, with pauses of 0, 1, 2 and 4 s between them, as the server makes them."""


class Steady:
    """before: containers, as they were before anything was asked. names: the services that are to be up."""

    def __init__(
        self, before: Iterable[Container], names: Collection[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._names, self._clock = names, clock
        running = [c for c in before if c.state == "running" and not c.quick_exits]
        self._since = {c.id: (_run(c), float("-inf")) for c in running}

    def __call__(self, stack: Stack | None) -> str | None:
        """Judge a stack. Raises Permanent as `is_up` does, and KeepsEnding."""
        now = self._clock()
        missing = is_up(stack, self._names)
        assert stack is not None  # is_up refuses a stack that is gone
        containers = [c for s in stack.services if s.name in self._names for c in s.containers]
        for container in containers:
            _refuse_early_ends(container)
            if self._since.get(container.id, ("",))[0] != _run(container):
                self._since[container.id] = (_run(container), now)
        fresh = [c for c in containers if now - self._since[c.id][1] < _needed_s(c)]
        return missing or (f"{fresh[0].name} has just been started" if fresh else None)


def _run(container: Container) -> str:
    return f"{container.starts} {container.state}"


def _needed_s(container: Container) -> float:
    return STEADY_AGAIN_S if container.quick_exits else STEADY_S


def _refuse_early_ends(container: Container) -> None:
    if container.state == "running" or container.quick_exits < MOST_EARLY_ENDS:
        return
    once = (
        "" if container.exit_code else "; a container that shall run once has the label io.rancher.container.start_once"
    )
    raise KeepsEnding(
        f"container {container.name} has ended {container.quick_exits} times in a row soon after its start, "
        f"the last time with exit code {container.exit_code}{once}",
        container.id,
    )
