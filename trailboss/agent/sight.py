"""What is known of all containers of this host: what Docker showed, what is being said of them, who has which slot.

In: looks at Docker. Out: the next step of a container and what the server is told of it, both by `converge.py` from
the records and runs in `state.py`. Steps are taken in `steps.py`; who works when is `crew.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from trailboss.agent import converge
from trailboss.agent.converge import Seen, Situation, Step, Wish
from trailboss.agent.docker import Docker, Foreign, Listed
from trailboss.agent.state import State
from trailboss.wire.messages import Observation
from trailboss.wire.messages import State as Stage

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Word:
    """What is said of a container beside what was seen of it."""

    stage: Stage
    message: str
    progress: int | None = None


class Sight:
    """changed: called with a container of which there may be news. freed: called with a slot that somebody left."""

    def __init__(
        self, docker: Docker, state: State, changed: Callable[[str], None], freed: Callable[[str], None]
    ) -> None:
        self._docker, self._state, self._changed, self._freed = docker, state, changed, freed
        self.seen: dict[str, Seen] = {}
        self.alone = False
        self.is_open = False
        """Whether Docker answers and everything was looked at; before, what is not seen may be there all the same."""
        self._words: dict[str, Word] = {}
        self._claims: dict[str, str] = {}

    def known(self) -> set[str]:
        """Names of all containers that have a record or are there."""
        return {*self._state.wishes, *self.seen}

    async def look(self, container: str) -> None:
        """Ask Docker for one container. Raises Unreachable."""
        before = self.seen.get(container)
        seen = await self._find(container)
        self.put(container, seen)
        if before is not None and before.is_alive and not (seen is not None and seen.is_alive):
            log.info("a container has ended", container=container, exit_code=seen.exit_code if seen else None)
            self._freed(before.slot)

    async def _find(self, container: str) -> Seen | None:
        """Find a container by its name, else by the id that Docker gave it: somebody may have renamed it."""
        run = self._state.runs.get(container)
        keys = [container] if run is None or not run.docker_id else [container, run.docker_id]
        for key in keys:
            try:
                seen = await self._docker.inspect(key, self._state.told.installation)
            except Foreign:
                continue
            if seen is not None and seen.container == container:
                return seen
        return None

    def put(self, container: str, seen: Seen | None) -> None:
        """Store what is there now."""
        if seen is None:
            self.seen.pop(container, None)
        else:
            self.seen[container] = seen
        self._changed(container)

    def differs(self, listed: dict[str, Listed]) -> set[str]:
        """Return the containers that are not as they were seen last, by a list of all."""
        known = {name: Listed(name, seen.docker_id, seen.status, seen.address) for name, seen in self.seen.items()}
        return {name for name in {*listed, *known} if listed.get(name) != known.get(name)}

    def next_step(self, container: str) -> Step:
        """Return what is to be done for a container now."""
        wish = self._state.wishes.get(container)
        situation = Situation(int(time.time() * 1000), self.alone, self._rival(container, wish))
        return converge.next_step(wish, self._state.runs.get(container), self.seen.get(container), situation)

    def _rival(self, container: str, wish: Wish | None) -> str:
        """Name another container that runs in the same slot, is being started, or has the newer claim to it."""
        if wish is None:
            return ""
        slot = wish.record.slot
        claimant = self._claims.get(slot, container)
        if claimant != container:
            return claimant
        for name, seen in self.seen.items():
            if name != container and seen.is_alive and self._slot_of(name, seen) == slot:
                return name
        for name, other in self._state.wishes.items():
            if other.record.slot == slot and other.record.desired == "running" and other.number > wish.number:
                return name
        return ""

    def _slot_of(self, container: str, seen: Seen) -> str:
        """The slot of its record; the label only without one: a restored container stands in a slot of its own, though
        Docker's label still names the place that another has taken."""
        wish = self._state.wishes.get(container)
        return wish.record.slot if wish else seen.slot

    def claim(self, slot: str, container: str) -> None:
        """A container of the slot is about to be started; none other may be until it is released."""
        self._claims[slot] = container

    def release(self, slot: str) -> None:
        """The start is over."""
        self._claims.pop(slot, None)
        self._freed(slot)

    def say(self, container: str, word: Word | None) -> None:
        """Set or clear what is said of a container beside what was seen of it."""
        if word is None:
            self._words.pop(container, None)
        else:
            self._words[container] = word
        self._changed(container)

    def observe(self, container: str) -> Observation | None:
        """Return what the server is to be told of a container; None while there is nothing to tell."""
        if not self.is_open:
            return None
        wish, word = self._state.wishes.get(container), self._words.get(container)
        seen = converge.observe(wish, self._state.runs.get(container), self.seen.get(container))
        if word is None or wish is None:
            return seen
        if wish.record.desired != "running":
            return msgspec.structs.replace(seen, message=word.message) if seen else None
        if seen is not None and seen.epoch >= wish.record.epoch:
            return seen
        record = wish.record
        return Observation(
            container, record.slot, record.epoch, word.stage, word.message, progress=word.progress, cause=record.cause
        )

    def forget(self, container: str) -> None:
        """Keep nothing of a container that is gone."""
        self._words.pop(container, None)
        self.seen.pop(container, None)
