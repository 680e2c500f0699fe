"""`trailboss server` and `trailboss agent`: options to values, and off they go.

Every option of the server has a variable; secrets have only variables. What the values mean is in
`trailboss/server.py` and `trailboss/agent/`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Switch(StrEnum):
    """On or off, as people write it."""

    ON = "on"
    OFF = "off"


def server(
    listen: Annotated[
        str | None,
        typer.Option(envvar="TRAILBOSS_LISTEN", metavar="HOST:PORT", help="Where API, agents and metrics are served."),
    ] = None,
    data: Annotated[
        Path, typer.Option(envvar="TRAILBOSS_DATA", metavar="DIR", help="Database, installation id, first credentials.")
    ] = Path("data"),
    database: Annotated[
        str | None,
        typer.Option(
            envvar="TRAILBOSS_DATABASE",
            metavar="URL",
            help="postgresql+psycopg://...; default: SQLite in DIR.",
        ),
    ] = None,
    access_control: Annotated[
        Switch, typer.Option(envvar="TRAILBOSS_ACCESS_CONTROL", help="off: whoever reaches the port may do everything.")
    ] = Switch.ON,
    simulator: Annotated[
        bool, typer.Option("--simulator", envvar="TRAILBOSS_SIMULATOR", help="Allow hosts without Docker.")
    ] = False,
    network: Annotated[
        str | None, typer.Option(envvar="TRAILBOSS_NETWORK", metavar="CIDR", help="The /16 of containers' addresses.")
    ] = None,
    bridge: Annotated[
        str | None, typer.Option(envvar="TRAILBOSS_BRIDGE", metavar="NAME", help="Kernel name of the bridge on hosts.")
    ] = None,
) -> None:
    """Run the server in the foreground; it logs to standard error, and SIGTERM ends it gracefully."""


def agent() -> None:
    """Run the agent."""
