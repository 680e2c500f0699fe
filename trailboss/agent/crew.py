"""Who works when: one worker per container that has something to do. It looks, asks for the next step, takes it, and
looks again. A slow pull or stop of one container delays no other; a worker without work is gone.

In: names of containers to look at, from assignments, Docker's events and slow resyncs; never what happened to them.
What is right to do is not decided here (`converge.py`), and not done here (`steps.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from trailboss.agent import leftovers
from trailboss.agent.converge import Adopt, Attach, Create, Pause, Remove, Rename, Start, Step, Stop, Wait
from trailboss.agent.docker import Docker
from trailboss.agent.sight import Sight, Word
from trailboss.agent.state import State
from trailboss.agent.steps import Steps
from trailboss.errors import NotStored, Permanent, Unreachable

log = structlog.get_logger()

LOOKS = 8
AGAIN_S = 2.0
"""Pause after Docker did not answer; when it is known to be back, nobody waits for the end of the pause."""
LONGEST_PAUSE_S = 30.0


@dataclass
class Job:
    """A worker's own notes. look: Docker has to be asked first. renewed: set when the record has changed."""

    look: bool = True
    again: bool = True
    renewed: asyncio.Event = field(default_factory=asyncio.Event)


class Crew:
    """All workers of the host. changed: called with the name of a container of which there may be news."""

    def __init__(self, docker: Docker, state: State, changed: Callable[[str], None]) -> None:
        self._docker, self._state = docker, state
        self.sight = Sight(docker, state, changed, self._wake_slot)
        self._steps = Steps(docker, state, self.sight)
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: dict[str, int] = {}
        self._looks = asyncio.Semaphore(LOOKS)

    def wake(self, container: str, *, renewed: bool = False) -> None:
        """Let a container be looked at. renewed: its record changed, so that what is being done may be in vain."""
        if self.sight.is_open:  # otherwise, what there is to do is found when Docker answers again
            self._employ(container, Job(), renewed=renewed)

    def _employ(self, container: str, job: Job, *, renewed: bool = False) -> None:
        """Give a container's worker something to do; a new worker begins with `job`."""
        if container not in self._jobs:
            self._jobs[container] = job
            task = asyncio.create_task(self._work(container, job), name=f"container {container}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        job = self._jobs[container]
        job.look = job.again = True
        if renewed:
            job.renewed.set()

    def wake_all(self, containers: Iterable[str]) -> None:
        """Wake the containers whose records changed."""
        for container in containers:
            self.wake(container, renewed=True)

    def _wake_slot(self, slot: str) -> None:
        """Wake the containers that may have waited for another one of their slot."""
        for container, wish in self._state.wishes.items():
            if wish.record.slot == slot and self._jobs.get(container) is None:
                self.wake(container)

    async def open(self) -> None:
        """Docker answers: look at everything, then begin to work. Raises Unreachable."""
        listed = await self._docker.owned(self._state.told.installation)
        known = self.sight.known() | {line.container for line in listed}
        await asyncio.gather(*(self._look(container) for container in known))
        await self._end_leftovers()
        await self._state.keep_runs(known)
        self.sight.is_open = True
        for container in self.sight.known():
            self._employ(container, Job(look=False))

    async def _end_leftovers(self) -> None:
        """End processes of containers that, by Docker, do not run (`leftovers.py`). Docker itself may be starting one
        at this moment; so only those are ended for which this still holds a while later."""
        if not await self._leftovers():
            return
        await asyncio.sleep(leftovers.SETTLE_S)
        await asyncio.gather(*(self._look(container) for container in list(self.sight.seen)))
        await asyncio.to_thread(leftovers.kill, await self._leftovers())
        await asyncio.sleep(leftovers.SETTLE_S)  # containerd cleans up after them

    async def _leftovers(self) -> dict[int, str]:
        dead = [seen.docker_id for seen in self.sight.seen.values() if not seen.is_alive]
        return await asyncio.to_thread(leftovers.processes_of, dead)

    def shut(self) -> None:
        """Docker does not answer: no worker begins anything until it does."""
        self.sight.is_open = False

    async def _look(self, container: str) -> None:
        async with self._looks:
            await self.sight.look(container)

    async def take_stock(self) -> None:
        """Look at what is not as it was seen last, in case that an event was lost. Raises Unreachable."""
        listed = await self._docker.owned(self._state.told.installation)
        for container in self.sight.differs({line.container: line for line in listed}):
            self.wake(container)

    def set_alone(self, alone: bool) -> None:
        """Say whether the server is away: then the agent itself restarts what has ended and may be restarted."""
        self.sight.alone = alone
        if alone:
            for container, wish in self._state.wishes.items():
                if wish.record.restart and wish.record.desired == "running":
                    self.wake(container)

    async def close(self) -> None:
        """Stop working; containers are left as they are."""
        self.shut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._steps.close()

    async def _work(self, container: str, job: Job) -> None:
        """The outermost loop of one worker."""
        try:
            while job.again:
                job.again = False
                await self._advance(container, job)
        except Unreachable:
            self._later(container, AGAIN_S)
        except (Permanent, NotStored) as refused:
            log.warning("a step is refused", container=container, because=refused.message)
            self._excuse(container, refused.message)
        except Exception as error:
            log.exception("a container's worker failed", container=container)
            self._excuse(container, f"The agent failed: {error}")
        finally:
            del self._jobs[container]
            self._forget(container)

    async def _advance(self, container: str, job: Job) -> None:
        """Take steps until there is nothing left to do, or something else has to happen first."""
        while True:
            if job.look:
                job.look = False
                await self._look(container)
            job.renewed.clear()
            step = self.sight.next_step(container)
            self.sight.say(container, Word("creating", step.because) if isinstance(step, Wait) else None)
            if not await self._take(container, step, job):
                return
            self._failures.pop(container, None)

    async def _take(self, container: str, step: Step, job: Job) -> bool:
        """Take a step; say whether there may be another one."""
        match step:
            case Adopt():
                await self._state.begin(container, step.run)
            case Create() | Start():
                job.look = False  # bringing up looks by itself; what happens meanwhile asks for another look
                await self._steps.bring_up(container, step, job.renewed)
            case Stop():
                await self._steps.stop(container, step, job.renewed)
                job.look = True
            case Remove():
                await self._steps.remove(container, step)
                job.look = True
            case Rename() | Attach():
                await self._steps.repair(container, step)
                job.look = True
            case Pause():
                self._later(container, step.until / 1000 - time.time())
                return False
            case _:
                return False
        return True

    def _excuse(self, container: str, message: str) -> None:
        """Say what went wrong, and try again after a pause that grows."""
        failures = self._failures[container] = self._failures.get(container, 0) + 1
        self.sight.say(container, Word("creating", message))
        self._later(container, min(2.0 ** (failures - 1), LONGEST_PAUSE_S))

    def _later(self, container: str, after_s: float) -> None:
        asyncio.get_running_loop().call_later(max(0.05, after_s), self.wake, container)

    def _forget(self, container: str) -> None:
        """Keep nothing of a container that neither is there nor has a record that wants it."""
        wish = self._state.wishes.get(container)
        if container not in self.sight.seen and (wish is None or wish.record.desired == "removed"):
            self.sight.forget(container)
            self._steps.forget(container)
            self._failures.pop(container, None)
            self._state.runs.pop(container, None)
