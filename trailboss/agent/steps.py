"""Taking steps: one by one what `converge.py` found to be next. May be cut short anywhere, by a crash or by a newer
record; the next look shows how far it came.

In: a container and its step. Out: Docker has done it, or it is known why not: a run that cannot be started has
`failed`, which is written down and told; trouble with other steps is raised, and tried again by `crew.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine

import msgspec
import structlog

from trailboss import rules
from trailboss.agent import leftovers, network
from trailboss.agent.converge import Attach, Create, Remove, Rename, Run, Seen, Start, Step, Stop, Wish
from trailboss.agent.creation import create_body
from trailboss.agent.docker import Docker, Refused
from trailboss.agent.pulls import Pulls
from trailboss.agent.sight import Sight, Word
from trailboss.agent.state import State
from trailboss.errors import Permanent

log = structlog.get_logger()

STARTS = 8
"""Containers made and started at the same time: Docker gains nothing from more, and its other answers get slower."""
STOPS = 64
"""Stops mostly wait for the containers."""
REMOVALS = 8


class Steps:
    """The hands of all workers: they share the engine, so they take turns here."""

    def __init__(self, docker: Docker, state: State, sight: Sight) -> None:
        self._docker, self._state, self._sight = docker, state, sight
        self._pulls = Pulls(docker)
        self._starts, self._stops = asyncio.Semaphore(STARTS), asyncio.Semaphore(STOPS)
        self._removals = asyncio.Semaphore(REMOVALS)

    async def bring_up(self, container: str, step: Create | Start, renewed: asyncio.Event) -> None:
        """Go one step towards a running container: pull its image, or make and start it. renewed: see `_long`."""
        wish = self._state.wishes[container]
        try:
            if isinstance(step, Create) and self._wants_image(container, wish):
                await self._long(container, step, self._pull(container, wish), renewed)
            else:
                await self._make_and_start(container)
        except Permanent as refused:
            await self._fail(container, step.run, refused.message)

    def _wants_image(self, container: str, wish: Wish) -> bool:
        specification = wish.record.specification
        always = specification is not None and specification.pull == "always"
        return self._pulls.is_wanted(container, wish.number, always=always)

    async def _pull(self, container: str, wish: Wish) -> None:
        specification = wish.record.specification
        assert specification is not None, "what is created has a specification"
        image = specification.image

        def tell(percent: int) -> None:
            self._sight.say(container, Word("pulling", f"Pulling {image}", percent))

        tell(0)
        log.info("pulling an image", container=container, image=image, cause=wish.record.cause)
        await self._pulls.pull(container, wish.number, image, self._state.auth.get(container), tell)
        self._state.auth.pop(container, None)

    async def _make_and_start(self, container: str) -> None:
        """Make and start a container, in its turn. When that comes, the right step may be another one."""
        slot = self._state.wishes[container].record.slot
        self._sight.claim(slot, container)
        try:
            async with self._starts:
                step = self._sight.next_step(container)
                if isinstance(step, Create):
                    await self._create(container, step.run)
                    step = self._sight.next_step(container)
                if isinstance(step, Start):
                    await self._start(container, step.run)
        finally:
            self._sight.release(slot)

    async def _create(self, container: str, run: Run) -> None:
        wish, told = self._state.wishes[container], self._state.told
        if wrong := rules.broken_record(wish.record):
            raise Permanent("; ".join(wrong))
        assert told.network is not None, "the server says which network before it says which containers"
        # Both must be there before the start, and neither needs the other: so the disk is not waited for.
        saved = asyncio.create_task(self._state.begin(container, run))
        try:
            docker_id = await self._docker.create(container, create_body(wish, told.installation, told.network))
        except Refused as refused:
            await self._not_made(container, wish, refused)
            return
        finally:
            await saved
        log.info("a container was made", container=container, docker_id=docker_id[:12], cause=wish.record.cause)
        self._state.note(container, msgspec.structs.replace(run, docker_id=docker_id))
        record = wish.record
        self._sight.put(container, Seen(container, record.slot, record.hash, wish.number, docker_id, "created"))

    async def _not_made(self, container: str, wish: Wish, refused: Refused) -> None:
        """Two reasons are none: the image is not here yet, or an earlier try of ours came through."""
        if refused.status == 404 and not self._pulls.is_fresh(container, wish.number):
            self._pulls.want(container, wish.number)
            return
        if refused.status != 409:
            raise refused
        await self._sight.look(container)
        if container not in self._sight.seen:
            raise Permanent(f"the name {container} is taken by a container that is not of this installation")

    async def _start(self, container: str, run: Run) -> None:
        wish, seen = self._state.wishes[container], self._sight.seen[container]
        if seen.hash != wish.record.hash:
            log.warning("a container was made from another specification", container=container, hash=wish.record.hash)
        await self._state.begin(container, run)
        try:
            await self._start_afresh(container, seen.docker_id)
        finally:
            await self._sight.look(container)
        log.info("a container was started", container=container, epoch=run.epoch, cause=wish.record.cause)

    async def _start_afresh(self, container: str, docker_id: str) -> None:
        """Start a container, if need be after clearing away a start that a killed engine has lost, or after making the
        network anew that somebody has removed."""
        try:
            await self._docker.start(container)
        except Refused as refused:
            if network.is_gone(refused.message) and self._is_managed(container):
                await self._attach(container)
            elif leftovers.is_in_the_way(refused.message):
                await asyncio.to_thread(leftovers.clear, docker_id, refused.message)
                await asyncio.sleep(leftovers.SETTLE_S)
            else:
                raise
            await self._docker.start(container)

    async def _fail(self, container: str, run: Run, message: str) -> None:
        """Write down that a run cannot be started; the server decides whether there is another."""
        run = max(run, self._state.runs.get(container, run), key=lambda r: r.number)
        log.warning("a container cannot be started", container=container, epoch=run.epoch, because=message)
        await self._state.begin(
            container, msgspec.structs.replace(run, failed=message, failed_at=int(time.time() * 1000))
        )
        self._sight.say(container, None)

    async def repair(self, container: str, step: Rename | Attach) -> None:
        """Undo what somebody has done to a container by hand. Raises Permanent."""
        log.warning("a container was changed by hand and is put right", container=container, step=type(step).__name__)
        if isinstance(step, Attach):
            await self._attach(container)
        else:
            await self._docker.rename(self._sight.seen[container].docker_id, container)

    async def _attach(self, container: str) -> None:
        """Put a container on the managed network, which is made anew if it is gone. Raises Permanent."""
        told, specification = self._state.told, self._state.wishes[container].record.specification
        assert told.network is not None and specification is not None, "it was started on it before"
        await network.ensure(self._docker, told.network, told.installation)
        await self._docker.attach(container, told.network.name, specification.address)

    def _is_managed(self, container: str) -> bool:
        specification = self._state.wishes[container].record.specification
        return specification is not None and specification.network == "managed"

    async def stop(self, container: str, step: Stop, renewed: asyncio.Event) -> None:
        """End a container. renewed: see `_long`."""
        log.info("stopping a container", container=container, cause=self._cause(container))
        await self._long(container, step, self._stop(container, step.timeout_s), renewed)

    async def _stop(self, container: str, timeout_s: int) -> None:
        async with self._stops:
            await self._docker.stop(container, timeout_s)

    async def remove(self, container: str, step: Remove) -> None:
        """Remove a container."""
        log.info("removing a container", container=container, cause=self._cause(container))
        async with self._removals:
            await self._docker.remove(container)

    async def _long(
        self, container: str, step: Step, work: Coroutine[None, None, None], renewed: asyncio.Event
    ) -> None:
        """Do what may take long. renewed is set when the container's record changes: if that asks for another kind of
        step, the work is given up."""
        doing = asyncio.create_task(work)
        try:
            while not doing.done():
                change = asyncio.create_task(renewed.wait())
                await asyncio.wait({doing, change}, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
                renewed.clear()
                if not doing.done() and type(self._sight.next_step(container)) is not type(step):
                    return
            doing.result()
        finally:
            doing.cancel()

    def _cause(self, container: str) -> str:
        wish = self._state.wishes.get(container)
        return wish.record.cause if wish else ""

    def forget(self, container: str) -> None:
        """Keep nothing of a container that is gone."""
        self._pulls.forget(container)

    def close(self) -> None:
        """Give up what is not needed any more."""
        self._pulls.close()
