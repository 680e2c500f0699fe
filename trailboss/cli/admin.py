"""`trailboss admin`: recover a lost administrator, on the server's machine while it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trailboss.cli.serve import read_options
from trailboss.server import Options

app = typer.Typer(no_args_is_help=True, help="On the server's machine: recover a lost administrator.")

Data = Annotated[Path | None, typer.Option(metavar="DIR", help="Data folder of the server. [env var: TRAILBOSS_DATA]")]
Database = Annotated[
    str | None, typer.Option(metavar="URL", help="Its database, if elsewhere. [env var: TRAILBOSS_DATABASE]")
]


@app.command()
def key(data: Data = None, database: Database = None) -> None:
    """Make an API key of the administrator, and print it.

    Stop the server before.
    """
    from trailboss.server.recovery import new_key

    access, secret = new_key(read_options(Options, {"data": data, "database": database}))
    print(f"RANCHER_ACCESS_KEY={access}\nRANCHER_SECRET_KEY={secret}")


@app.command()
def password(
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="Login name; one that is not there is made.")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Set the password of an administrator, and put passwords that are kept here in force.

    It is asked for, or read from standard input. Stop the server before.
    """
    from trailboss.server.recovery import set_password

    given = typer.prompt("New password", hide_input=True, err=True)
    set_password(read_options(Options, {"data": data, "database": database}), login, given)


@app.command("set-up-code")
def set_up_code(data: Data = None, database: Database = None) -> None:
    """Make a code with which logins are set up, and print it.

    It counts once, within a day. Stop the server before.
    """
    from trailboss.server.recovery import new_set_up_code

    print(new_set_up_code(read_options(Options, {"data": data, "database": database})))
