"""`trailboss scale | stop | rm | down`: ask for it, then wait until it is so.

What is so is judged in `waiting.py`. `down` is the opposite of `up`; `rm` does the same, or removes some services only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from trailboss.cli.options import WAIT_S, File, Json, ProjectName, Services, Timeout, Yes, connect

if TYPE_CHECKING:
    from trailboss.cli.stack import Stack
    from trailboss.client import Client
    from trailboss.client.types import Environment, Service


def scale(
    context: typer.Context,
    wanted: Annotated[list[str], typer.Argument(metavar="SERVICE=NUMBER...", help="How many of what.")],
    project_name: ProjectName = None,
    file: File = None,
    timeout: Timeout = WAIT_S,
    as_json: Json = False,
) -> None:
    """Change how many containers services have.

    Waits until exactly so many run.
    """
    from trailboss.cli.waiting import is_scaled

    numbers = parse_scales(wanted)
    with connect(context) as client:
        stack, chosen = _chosen(client, project_name, file, list(numbers))
        by_name = {name: numbers[name.lower()] for name in chosen}
        for name, service in chosen.items():
            client.update(service, scale=by_name[name])
        _follow_and_print(client, stack, lambda s: is_scaled(s, by_name), timeout, as_json)


def parse_scales(texts: list[str]) -> dict[str, int]:
    """Read `web=5 backend=2`; names come out in lower case. Raises a usage error."""
    found = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not (name and equals and number.isdecimal()):
            message = f"{text!r} is not a service and its number of containers, as in web=5"
            raise typer.BadParameter(message, param_hint="SERVICE=NUMBER")
        found[name.lower()] = int(number)
    return found


def stop(
    context: typer.Context,
    services: Services = None,
    project_name: ProjectName = None,
    file: File = None,
    timeout: Timeout = WAIT_S,
    as_json: Json = False,
) -> None:
    """Stop services, and keep their containers.

    `trailboss up` starts them again.
    """
    from trailboss.cli.waiting import is_stopped

    with connect(context) as client:
        stack, chosen = _chosen(client, project_name, file, services)
        for service in chosen.values():
            if service.state not in ("inactive", "deactivating"):
                client.act(service, "deactivate")
        _follow_and_print(client, stack, lambda s: is_stopped(s, chosen), timeout, as_json)


def rm(
    context: typer.Context,
    services: Services = None,
    project_name: ProjectName = None,
    file: File = None,
    yes: Yes = False,
    timeout: Timeout = WAIT_S,
    as_json: Json = False,
) -> None:
    """Remove services, at once and for good.

    Their containers go too. Without names the whole stack goes, as with `trailboss down`.
    """
    from trailboss.cli.waiting import is_without

    if not services:
        down(context, project_name, file, yes, timeout, as_json)
        return
    with connect(context) as client:
        stack, chosen = _chosen(client, project_name, file, services)
        _ask_before_loss(chosen.values(), yes)
        for service in chosen.values():
            client.delete(service, purge=True)
        _follow_and_print(client, stack, lambda s: is_without(s, chosen), timeout, as_json)


def down(
    context: typer.Context,
    project_name: ProjectName = None,
    file: File = None,
    yes: Yes = False,
    timeout: Timeout = WAIT_S,
    as_json: Json = False,
) -> None:
    """Remove a whole stack, at once and for good.

    Its services and containers go too. A stack that is not there is no error.
    """
    from trailboss.cli import stack as read
    from trailboss.cli import waiting
    from trailboss.cli.texts import stack_name

    name = stack_name(project_name, file)
    with connect(context) as client:
        stack = read.find(client, name)
        if stack is not None:
            _ask_before_loss(read.services_of(client, stack), yes)
            client.delete(stack, purge=True)
            _follow(client, stack, lambda s: waiting.is_without(s, None), timeout, as_json)
    if as_json:
        print(json.dumps({"name": name, "state": "removed", "services": []}))
    elif stack is None:
        print(f"stack {name}: there is none")


def _chosen(
    client: Client, project_name: str | None, file: str | None, names: list[str] | None
) -> tuple[Environment, dict[str, Service]]:
    """Return a stack, and the services that were named, or all, by their names. Raises TrailbossError."""
    from trailboss.cli import stack as read
    from trailboss.cli.texts import stack_name

    stack = read.require(client, stack_name(project_name, file))
    services = read.services_of(client, stack)
    return stack, {read.name_of(s): s for s in (read.named(services, names) if names else services)}


def _ask_before_loss(services: Iterable[Service], yes: bool) -> None:
    """Ask before volumes go that only these containers have. Raises a usage error where nobody can be asked."""
    losing = [s.name or s.id for s in services if _own_volumes(s)]
    if yes or not losing:
        return
    question = f"The containers of {', '.join(losing)} have volumes of their own; their data would be lost."
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} Add --yes to go on.", param_hint="--yes")
    typer.confirm(f"{question} Go on?", abort=True, err=True)


def _own_volumes(service: Service) -> bool:
    configs = [*filter(None, [service.launch_config]), *(service.secondary_launch_configs or [])]
    return any(":" not in volume for config in configs for volume in config.data_volumes or [])


def _follow(
    client: Client, stack: Environment, judge: Callable[[Stack | None], str | None], timeout_s: float, as_json: bool
) -> Stack | None:
    """Show a stack until the judge is content; None when the stack is gone."""
    from trailboss.cli.progress import open_display
    from trailboss.cli.stack import read
    from trailboss.cli.waiting import wait

    with open_display(as_json=as_json) as display:
        return wait(lambda: read(client, stack), judge, display, timeout_s)


def _follow_and_print(
    client: Client, stack: Environment, judge: Callable[[Stack | None], str | None], timeout_s: float, as_json: bool
) -> None:
    """Do the same, and print with --json what it came to."""
    from trailboss.cli.stack import as_json as document

    seen = _follow(client, stack, judge, timeout_s, as_json)
    if as_json and seen is not None:
        print(json.dumps(document(seen), indent=2))
