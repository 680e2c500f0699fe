"""`trailboss logs`: the output of several containers at once, each line with the name of its container.

The API's action `logs` gives a websocket URL and a token for each container; a frame is text, lines of
`<2-digit stream> <timestamp> <line>`. While following, containers that come up later are joined, and a stream that
breaks is opened again, which is said once: lines up to the last one seen are left out, by their timestamps. Without
following, logs that cannot be had to their end make the command fail.
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
from trailboss.errors import TrailbossError, Unreachable

if TYPE_CHECKING:
    from trailboss.cli.stack import Container
    from trailboss.client import Client
    from trailboss.client.types import Environment

LINES = 100
LINES_AGAIN = 1000
"""How many of the past are asked for when a stream is opened again: what was written meanwhile must be among them."""
LOOK_S = 2.0
"""How often, while following, to look for containers that have come up."""
READABLE = ("running", "stopped", "stopping", "starting")
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

    While following, containers that come up later are joined, streams that break are opened again, and it ends when the
    stack is removed. Else the exit code is 1 if the logs of a container cannot be had to their end.
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
    troubles: dict[str, str] = field(default_factory=dict)
    """What is wrong with a container's stream, by the container's name; forgotten when it goes on."""
    paint: Callable[[str], str] = field(default_factory=lambda: _painter())

    async def run(self) -> None:
        while (containers := await self._containers()) is not None:
            for container in containers:
                reader = self.readers.get(container.id)
                may_begin = reader is None or (self.request.follow and reader.done() and container.state == "running")
                if is_readable(container) and may_begin:
                    self.readers[container.id] = asyncio.create_task(self._read(container, again=reader is not None))
            if not self.request.follow:
                await asyncio.gather(*self.readers.values())
                break
            await asyncio.sleep(LOOK_S)
        if containers is None:
            print(f"stack {self.stack.name} was removed", file=sys.stderr)
        if self.troubles and not self.request.follow:
            raise TrailbossError(f"the logs of {', '.join(self.troubles)} are not complete")

    async def _containers(self) -> list[Container] | None:
        """Return the containers that are wanted; None when the stack is gone."""
        from trailboss.cli.stack import read

        try:
            stack = await asyncio.to_thread(read, self.client, self.stack)
        except Unreachable as error:
            if not self.request.follow:
                raise
            print(f"{error}; trying again", file=sys.stderr)
            return []
        wanted = self.request.services
        return None if stack is None else [c for c in stack.containers if not wanted or c.service in wanted]

    async def _read(self, container: Container, *, again: bool) -> None:
        """Print one container's lines until its stream ends."""
        prefix = self.paint(container.name.removeprefix(f"{self.stack.name}_"))
        lines = max(self.request.lines, LINES_AGAIN) if again else self.request.lines
        try:
            async for line in lines_of(self.client, container.id, lines, follow=self.request.follow):
                self.troubles.pop(container.name, None)
                stream, at, text = _parts(line)
                if at and at <= self.last.get((container.id, stream), ""):
                    continue
                self.last[container.id, stream] = at
                shown = f"{at} {text}" if self.request.timestamps and at else text
                print(f"{prefix} | {shown}", flush=True)
        except TrailbossError as error:
            # One container may be gone, or its host away, while the others go on.
            if self.troubles.get(container.name) != error.message:
                what_next = "; trying again" if self.request.follow else ""
                print(f"{prefix} | {error.message}{what_next}", file=sys.stderr, flush=True)
            self.troubles[container.name] = error.message


def is_readable(container: Container) -> bool:
    """Say whether there can be lines of a container: in `starting` only between two of its runs."""
    return container.state in READABLE and (container.state != "starting" or container.starts > 0)


async def lines_of(client: Client, id: str, lines: int, *, follow: bool) -> AsyncIterator[str]:
    """Yield lines of a container as its host sends them. lines: how many of the past."""
    from trailboss.cli.streams import texts

    url = await asyncio.to_thread(_url_of, client, id, lines, follow)
    async for text in texts(url, client.session):
        for line in text.splitlines():
            yield line


def _url_of(client: Client, id: str, lines: int, follow: bool) -> str:
    """Ask for the stream of a container; return where it is, with the token that opens it once."""
    from trailboss.client.types import ContainerLogs, HostAccess

    access = client.act(client.containers.get(id), "logs", ContainerLogs(follow=follow, lines=lines))
    assert isinstance(access, HostAccess)
    return f"{access.url}?token={access.token}"


def last_lines(client: Client, id: str, lines: int) -> list[str]:
    """Return the last lines of a container, without their times. Raises TrailbossError if they cannot be had."""

    async def gather() -> list[str]:
        return [_parts(line)[2] async for line in lines_of(client, id, lines, follow=False)]

    return asyncio.run(gather())


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
