"""`trailboss host token | wait | ls`: let a machine join, wait until it has, list those that did."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trailboss.cli.options import Json, Timeout, connect

if TYPE_CHECKING:
    from trailboss.client import Client
    from trailboss.client.types import Host, RegistrationToken

app = typer.Typer(no_args_is_help=True, help="Hosts: let them join, wait for them, list them.")

TOKEN_S = 30.0
JOIN_S = 60.0


class Lines:
    """Shows hosts that are waited for, each change once, on standard error."""

    def __init__(self) -> None:
        self.last = ""

    def show(self, seen: list[Host]) -> None:
        """Print the states of all hosts when one has changed."""
        self.note(", ".join(f"{name_of(h)} is {state_of(h)}" for h in seen) or "no host has joined yet")

    def note(self, sentence: str) -> None:
        """Print a sentence, once while it stays the same."""
        if sentence != self.last:
            print(sentence, file=sys.stderr, flush=True)
        self.last = sentence


@app.command()
def token(context: typer.Context) -> None:
    """Print a new registration token.

    `trailboss agent` takes it from the variable TRAILBOSS_TOKEN.
    """
    from trailboss.cli.waiting import Silent, wait

    with connect(context) as client:
        made = client.registration_tokens.create({})
        ready = wait(lambda: client.refresh(made), _is_made, Silent(), TOKEN_S)
    print(ready.token)


def _is_made(made: RegistrationToken) -> str | None:
    return None if made.state == "active" and made.token else f"the token is {made.state}"


@app.command()
def wait(
    context: typer.Context,
    count: Annotated[int, typer.Option("--count", min=1, metavar="NUMBER", help="How many hosts.")] = 1,
    timeout: Timeout = JOIN_S,
) -> None:
    """Wait until a host is active, and its agent connected."""
    from trailboss.cli import waiting

    def judge(hosts: list[Host]) -> str | None:
        active = [h for h in hosts if state_of(h) == "active"]
        if len(active) >= count:
            return None
        seen = ", ".join(f"{name_of(h)} is {state_of(h)}" for h in hosts) or "no host has joined yet"
        return f"{len(active)} of {count} hosts active: {seen}"

    with connect(context) as client:
        waiting.wait(lambda: hosts_of(client), judge, Lines(), timeout)


@app.command()
def ls(context: typer.Context, as_json: Json = False) -> None:
    """List the hosts of the environment."""
    with connect(context) as client:
        hosts = hosts_of(client)
    if as_json:
        print(json.dumps([row_of(h) for h in hosts], indent=2))
        return
    from rich.text import Text

    from trailboss.cli.progress import colour_of
    from trailboss.cli.tables import a_table, add_row, print_table

    table = a_table("ID", "NAME", "STATE", "LABELS", "MESSAGE")
    for host in hosts:
        row = row_of(host)
        labels = " ".join(f"{k}={v}" for k, v in row["labels"].items())
        state = Text(row["state"], colour_of(row["state"]))
        add_row(table, row["id"], row["name"], state, labels, row["message"] or "")
    print_table(table)


def hosts_of(client: Client) -> list[Host]:
    """Return the hosts that are not removed."""
    from trailboss.cli.stack import is_here

    return [h for h in client.hosts.each(removed_null=True) if is_here(h)]


def row_of(host: Host) -> dict[str, Any]:
    """Return what `--json` prints of a host."""
    return {
        "id": host.id,
        "name": name_of(host),
        "state": state_of(host),
        "labels": host.labels or {},
        "message": host.transitioning_message,
    }


def name_of(host: Host) -> str:
    """Return how people call a host."""
    return host.name or host.id


def state_of(host: Host) -> str:
    """Return a host's state; that of its agent where the host itself is at rest but its agent is not."""
    state, agent = host.state or "", host.agent_state
    return agent if state == "active" and agent else state
