"""Show how a stack comes along: a live table on a terminal, plain lines in a pipe, each change once.

Values of `stack.py` go in, text goes to a stream. What the last line says when a command fails is not here but in
`exits.py`. Tables that are printed once are in `ps.py`.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trailboss.cli.stack import Container, Service, Stack
from trailboss.cli.tables import add_row

COLOURS = {
    "running": "green",
    "active": "green",
    "error": "red",
    "stopped": "dim",
    "inactive": "dim",
    "removed": "dim",
    "removing": "magenta",
    "stopping": "magenta",
}
MOVING = "yellow"
ROWS_KEPT_FREE = 6
"""Lines of a terminal that the table of containers leaves for its head, the count of the rest, and the prompt."""


class PlainDisplay:
    """One line for each thing that is new, has changed or is gone."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.lines: dict[str, str] = {}
        self.noted = ""

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put right: every line is out already."""

    def show(self, seen: Stack | None) -> None:
        """Print what differs from the last time."""
        now = lines_of(seen) if seen is not None else {}
        for key, line in now.items():
            if self.lines.get(key) != line:
                print(line, file=self.stream, flush=True)
        for key in self.lines:
            if key not in now:
                print(f"{key}: removed", file=self.stream, flush=True)
        self.lines, self.noted = now, ""

    def note(self, sentence: str) -> None:
        """Print a sentence, once while it stays the same."""
        if sentence != self.noted:
            print(sentence, file=self.stream, flush=True)
        self.noted = sentence


def lines_of(stack: Stack) -> dict[str, str]:
    """Return a line for the stack, each service and each container, by what it speaks of."""
    found = {f"stack {stack.name}": _line(f"stack {stack.name}", stack.state, None, stack.message)}
    for service in stack.services:
        found[f"service {service.name}"] = _line(f"service {service.name}", service.state, None, service.message)
        for one in service.containers:
            found[one.name] = _line(one.name, one.state, one.host, one.message)
    return found


def _line(name: str, state: str, host: str | None, message: str | None) -> str:
    return f"{name}: {state}" + (f" on {host}" if host else "") + (f": {message}" if message else "")


class LiveDisplay:
    """A table that is drawn anew in place; it stays on the screen as it was last."""

    def __init__(self, stream: TextIO) -> None:
        self.console = Console(file=stream)
        self.live = Live(console=self.console, auto_refresh=True, refresh_per_second=8)

    def __enter__(self) -> LiveDisplay:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def show(self, seen: Stack | None) -> None:
        """Draw the stack as it is now."""
        drawn = drawing(seen, self.console.height - ROWS_KEPT_FREE) if seen is not None else Text("removed", "dim")
        self.live.update(drawn)

    def note(self, sentence: str) -> None:
        """Print a sentence above the table."""
        self.live.console.print(sentence, style="yellow", highlight=False, markup=False)


def drawing(stack: Stack, rows: int) -> Group:
    """Return the picture of a stack in at most so many lines for containers; those not at rest come first."""
    head = Text.assemble((stack.name, "bold"), " ", (stack.state, colour_of(stack.state)))
    if stack.message:
        head.append(f"  {stack.message}", MOVING)
    for service in stack.services:
        head.append("\n").append_text(service_text(service))
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    rows = max(rows - len(stack.services), 3)
    busy_first = sorted(stack.containers, key=lambda c: c.state == "running")
    shown = {c.id for c in busy_first[:rows]}
    for one in stack.containers:
        if one.id in shown:
            add_row(table, "  " + one.name, state_text(one), one.host or "", one.message or "")
    hidden = len(stack.containers) - len(shown)
    return Group(head, table, *([Text(f"  and {hidden} more", "dim")] if hidden else []))


def service_text(service: Service) -> Text:
    """Return one line about a service: name, running of scale, state, reason."""
    counted = f"{service.running}/{service.scale}" if service.scale is not None else str(service.running)
    line = Text.assemble("  ", service.name, f" {counted} ", state_text(service))
    return line.append(f"  {service.message}", "red" if service.failed else MOVING) if service.message else line


def state_text(thing: Container | Service) -> Text:
    """Return the coloured state of a container or service."""
    return Text(thing.state, "red" if thing.failed else colour_of(thing.state))


def colour_of(state: str) -> str:
    """Return the colour of a state; what is on its way has one of its own."""
    return COLOURS.get(state, MOVING)


def open_display(*, as_json: bool) -> AbstractContextManager[PlainDisplay | LiveDisplay]:
    """Return the display for where output goes. as_json: standard output is kept for the document."""
    stream = sys.stderr if as_json else sys.stdout
    return LiveDisplay(stream) if stream.isatty() else PlainDisplay(stream)
