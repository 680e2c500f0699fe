"""Options that several commands share, declared once; and how a command reaches the API.

Options before the command (`trailboss -p shop ps`, as with rancher-compose) are the defaults of those after it.
Secrets are best left to the environment, because every user of a machine can read command lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from trailboss.client import Client

URL = ["RANCHER_URL", "CATTLE_URL"]
ACCESS_KEY = ["RANCHER_ACCESS_KEY", "CATTLE_ACCESS_KEY"]
SECRET_KEY = ["RANCHER_SECRET_KEY", "CATTLE_SECRET_KEY"]

ProjectName = Annotated[
    str | None,
    typer.Option("--project-name", "-p", metavar="NAME", help="Name of the stack; default: the compose file's folder."),
]
File = Annotated[
    str | None,
    typer.Option("--file", "-f", metavar="FILE", help="Compose file, - for standard input; docker-compose.yml."),
]
FileByLongName = Annotated[
    str | None, typer.Option("--file", metavar="FILE", help="Compose file, - for standard input.")
]
"""For `logs`, where -f means --follow."""
RancherFile = Annotated[
    str | None,
    typer.Option("--rancher-file", "-r", metavar="FILE", help="Scales and more; rancher-compose.yml beside it."),
]
EnvFile = Annotated[
    str | None,
    typer.Option("--env-file", "-e", metavar="FILE", help="Lines KEY=VALUE for ${KEY} in the texts; .env beside it."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output; progress goes to standard error.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0, metavar="SECONDS", help="Give up waiting after this.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, even where data would be lost.")]
Services = Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Only these; default: all.")]

FINGERPRINT, AUTHORITY = "TRAILBOSS_SERVER_FINGERPRINT", "TRAILBOSS_SERVER_CA"
ServerFingerprint = Annotated[
    str | None,
    typer.Option(
        "--server-fingerprint",
        envvar=FINGERPRINT,
        metavar="SHA256",
        help="Of the one certificate the server may show.",
    ),
]
ServerCa = Annotated[
    Path | None,
    typer.Option("--server-ca", envvar=AUTHORITY, metavar="FILE", help="Who vouches for the server, PEM."),
]


def trust_variables(fingerprint: str | None, authority: Path | None) -> dict[str, str]:
    """Return the variables that say the same as these options."""
    given = {FINGERPRINT: fingerprint, AUTHORITY: authority}
    return {name: str(value) for name, value in given.items() if value is not None}


WAIT_S = 300.0


@dataclass(frozen=True)
class Connection:
    """Where the API is, with which keys, and how it is known."""

    url: str | None
    access_key: str | None
    secret_key: str | None
    fingerprint: str | None = None
    authority: Path | None = None


def connect(context: typer.Context, *, enter: bool = True) -> Client:
    """Return a client, in its environment unless told not to `enter` it. Ends the command when no URL is known."""
    from trailboss.client import Client
    from trailboss.client.tls import context_for

    connection = context.find_object(Connection)
    if connection is None or not connection.url:
        raise typer.BadParameter(
            "no server is named: set RANCHER_URL, RANCHER_ACCESS_KEY and RANCHER_SECRET_KEY, "
            "for example by `set -a; . data/first-credentials.env`",
            param_hint="--url",
        )
    context_ = context_for(connection.url, connection.fingerprint, connection.authority)
    client = Client(connection.url, connection.access_key, connection.secret_key, tls=context_)
    if enter:
        client.enter_environment()
    return client
