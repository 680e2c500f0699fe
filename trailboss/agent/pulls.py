"""Pulls of images: one at a time per image and credentials, shared by the containers that wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from trailboss.agent.converge import Number
from trailboss.agent.docker import Docker
from trailboss.wire.messages import RegistryAuth

AT_ONCE = 3
PROGRESS_STEP = 5
"""Percent between two words about progress: the server writes down every word."""


@dataclass
class Pull:
    """One pull that is under way. waiting: who is told of its progress."""

    task: asyncio.Task[None]
    waiting: list[Callable[[int], None]] = field(default_factory=list)
    told: int = 0


class Pulls:
    """All pulls of the host, and for which runs of which containers they are wanted or done."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._running: dict[tuple[str, str], Pull] = {}
        self._wanted: dict[str, Number] = {}
        self._fresh: dict[str, Number] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    def is_wanted(self, container: str, number: Number, *, always: bool) -> bool:
        """Say whether the image has to be pulled first for this run. always: not only when it is missing."""
        return not self.is_fresh(container, number) and (always or self._wanted.get(container) == number)

    def want(self, container: str, number: Number) -> None:
        """Say that the image is missing for this run."""
        self._wanted[container] = number

    def is_fresh(self, container: str, number: Number) -> bool:
        """Say whether the image was pulled for this run."""
        return self._fresh.get(container) == number

    def forget(self, container: str) -> None:
        """Forget a container."""
        self._wanted.pop(container, None)
        self._fresh.pop(container, None)

    async def pull(
        self, container: str, number: Number, image: str, auth: RegistryAuth | None, tell: Callable[[int], None]
    ) -> None:
        """Pull an image, or wait for whoever does. It is given up with the last one that waits. Raises Refused."""
        key = (image, auth.username if auth else "")
        pull = self._running.get(key)
        if pull is None:
            pull = self._running[key] = Pull(asyncio.create_task(self._run(key, image, auth)))
        pull.waiting.append(tell)
        try:
            await asyncio.shield(pull.task)
        finally:
            pull.waiting.remove(tell)
            if not pull.waiting:
                pull.task.cancel()
        self._fresh[container] = number

    async def _run(self, key: tuple[str, str], image: str, auth: RegistryAuth | None) -> None:
        def progress(percent: int) -> None:
            pull = self._running[key]
            if percent >= pull.told + PROGRESS_STEP:
                pull.told = percent
                for tell in pull.waiting:
                    tell(percent)

        try:
            async with self._turn:
                await self._docker.pull(image, auth, progress)
        finally:
            del self._running[key]

    def close(self) -> None:
        """Give all pulls up."""
        for pull in self._running.values():
            pull.task.cancel()
