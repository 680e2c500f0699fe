"""Tables that are printed once: folded to fit on a terminal, one line per row in a pipe."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 100_000
"""Columns of a pipe: whoever reads it there has no edge at which to fold."""


def a_table(*columns: str) -> Table:
    """Return an empty table without lines around it."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def add_row(table: Table, *cells: str | Text) -> None:
    """Add a row. What a message says is shown as it is: brackets in it are no markup."""
    table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))


def print_table(table: Table) -> None:
    """Print a table to standard output."""
    console = Console()
    if console.is_terminal:
        console.print(table)
        return
    wide = Console(width=PIPE_WIDTH)
    with wide.capture() as captured:
        wide.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
