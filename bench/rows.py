"""What a benchmark returns: rows, each with its peer of the same run and, where there is one, its goal.

In: figures. Out: a table on a terminal, or a JSON list for machines. The benchmarks are the modules beside
this one; `__main__.py` runs them.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

_COMPARISONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_PIPE_WIDTH = 140


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. quick: small and short, to see that it works; its figures mean little."""

    quick: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ratio: value / peer_value. goal: "<= 1.2", said of the ratio, or of the value without a
    peer."""

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float | None
    ratio: float | None
    goal: str
    met: bool | None


def row(name: str, value: float, unit: str, *, peer: tuple[str, float] | None = None, goal: str = "") -> Row:
    """Make a row: work out ratio and met. peer: its name and its value in the same unit. ValueError if goal
    is odd."""
    ratio = value / peer[1] if peer and peer[1] else None
    met = is_met(ratio if peer else value, goal) if goal else None
    return Row(name, value, unit, peer[0] if peer else "", peer[1] if peer else None, ratio, goal, met)


def is_met(figure: float | None, goal: str) -> bool:
    """Tell whether a figure meets a goal such as ">= 0.8"; a figure that could not be measured meets none."""
    comparison, _, limit = goal.partition(" ")
    if comparison not in _COMPARISONS:
        raise ValueError(f"goal {goal!r} does not start with one of {', '.join(_COMPARISONS)}")
    return figure is not None and bool(_COMPARISONS[comparison](figure, float(limit)))


def as_json(rows: Iterable[Row]) -> str:
    """Return the rows as a JSON list of objects, one per row."""
    return json.dumps([asdict(one) for one in rows], indent=2)


def print_table(title: str, rows: Iterable[Row], console: Console | None = None) -> None:
    """Print the rows for people."""
    table = Table("benchmark", "value", "unit", "against", "its value", "ratio", "goal", "met", title=title)
    for index in (1, 4, 5):
        table.columns[index].justify = "right"
    for one in rows:
        met = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[one.met]
        figures = (_figure(one.value), one.unit, one.peer, _figure(one.peer_value), _figure(one.ratio))
        table.add_row(one.name, *figures, one.goal, met)
    if console is None:
        console = Console()
        # In a pipe rich takes 80 columns, too few for a row on one line.
        console = console if console.is_terminal else Console(width=_PIPE_WIDTH)
    console.print(table)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
