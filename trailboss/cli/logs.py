"""`trailboss logs`: the output of several containers at once, each line with the name of its container.

The API's action `logs` gives a websocket URL and a token for each container; a frame is text, lines of
`<2-digit stream> <timestamp> <line>`. While following, containers that come up later are joined, and a stream that
breaks is opened again: lines up to the last one seen are left out, by their timestamps.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from trailboss.cli.options import FileByLongName, ProjectName, Services, connect
from trailboss.errors import ApiError, Unreachable

if TYPE_CHECKING:
    from trailboss.cli.stack import Container
    from trailboss.client import Client
    from trailboss.client.types import Environment

LINES = 100
LOOK_S = 2.0
"""How often, while following, to look for containers that have come up."""
READABLE = ("running", "stopped", "stopping")
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red")
LINE = re.compile(r"(?:(\d\d) )?(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Request:
    """What is to be shown. services: names; empty means all. lines: how many of the past, per container."""

    services: list[str]
    follow: bool
    lines: int = LINES
    timestamps: bool = False


def logs(
    context: typer.Context,
    services: Services = None,
    project_name: ProjectName = None,
    file: FileByLongName = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "--tail", min=0, metavar="NUMBER", help="How many of the past, per container.")
    ] = LINES,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Show when each line was written.")] = False,
) -> None:
    """Show what containers have written.

    While following, containers that come up later are joined, and streams that break are opened again.
    """
    from trailboss.cli import stack as read
    from trailboss.cli.texts import stack_name

    with connect(context) as client:
        stack = read.require(client, stack_name(project_name, file))
        if services:
            services = [read.name_of(s) for s in read.named(read.services_of(client, stack), services)]
        follow_all(client, stack, Request(services or [], follow, lines, timestamps))


def follow_all(client: Client, stack: Environment, request: Request) -> None:
    """Print the lines of all containers until they end; while following, until interrupted."""
    asyncio.run(_Follower(client, stack, request).run())


@dataclass
class _Follower:
    client: Client
    stack: Environment
    request: Request
    last: dict[tuple[str, str], str] = field(default_factory=dict)
    """Timestamp of the newest line that was printed, by container and stream: only within one of its streams (output,
    errors) a container's lines are in the order of their times."""
    readers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    paint: Callable[[str], str] = field(default_factory=lambda: _painter())

    async def run(self) -> None:
        while True:
            for container in await self._containers():
                reader = self.readers.get(container.id)
                may_begin = reader is None or (self.request.follow and reader.done() and container.state == "running")
                if container.state in READABLE and may_begin:
                    self.readers[container.id] = asyncio.create_task(self._read(container))
            if not self.request.follow:
                await asyncio.gather(*self.readers.values())
                return
            await asyncio.sleep(LOOK_S)

    async def _containers(self) -> list[Container]:
        from trailboss.cli.stack import read

        try:
            stack = await asyncio.to_thread(read, self.client, self.stack)
        except Unreachable as error:
            if not self.request.follow:
                raise
            print(f"{error}; trying again", file=sys.stderr)
            return []
        wanted = self.request.services
        return [c for c in (stack.containers if stack else ()) if not wanted or c.service in wanted]

    async def _read(self, container: Container) -> None:
        """Print one container's lines until its stream ends."""
        prefix = self.paint(container.name.removeprefix(f"{self.stack.name}_"))
        try:
            async for line in self._lines(container):
                stream, at, text = _parts(line)
                if at and at <= self.last.get((container.id, stream), ""):
                    continue
                self.last[container.id, stream] = at
                shown = f"{at} {text}" if self.request.timestamps and at else text
                print(f"{prefix} | {shown}", flush=True)
        except (ApiError, Unreachable) as error:
            # One container may be gone, or its host away, while the others go on.
            print(f"{prefix} | {error.message}", file=sys.stderr, flush=True)

    async def _lines(self, container: Container) -> AsyncIterator[str]:
        from trailboss.cli.streams import texts

        url = await asyncio.to_thread(self._url_of, container)
        async for text in texts(url, self.client.session):
            for line in text.splitlines():
                yield line

    def _url_of(self, container: Container) -> str:
        """Ask for the stream of a container; return where it is, with the token that opens it once."""
        from trailboss.client.types import ContainerLogs, HostAccess

        row = self.client.containers.get(container.id)
        given = ContainerLogs(follow=self.request.follow, lines=self.request.lines)
        access = self.client.act(row, "logs", given)
        assert isinstance(access, HostAccess)
        return f"{access.url}?token={access.token}"


def _parts(line: str) -> tuple[str, str, str]:
    """Return stream, timestamp and text of a line; one that is written otherwise is all text."""
    found = LINE.match(line)
    return (found[1] or "", found[2], found[3]) if found else ("", "", line)


def _painter() -> Callable[[str], str]:
    """Return a function that pads names to one width and gives each a colour, on a terminal."""
    is_terminal = sys.stdout.isatty()
    colours: dict[str, str] = {}
    width = 0

    def paint(name: str) -> str:
        nonlocal width
        width = max(width, len(name))
        if not is_terminal:
            return name.ljust(width)
        colour = colours.setdefault(name, COLOURS[len(colours) % len(COLOURS)])
        return typer.style(name.ljust(width), fg=colour)

    return paint
