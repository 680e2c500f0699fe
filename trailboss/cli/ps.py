"""`trailboss ps`: what runs where, as a table or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from trailboss.cli.options import File, Json, ProjectName, connect

if TYPE_CHECKING:
    from rich.table import Table

    from trailboss.cli.stack import Port, Stack


def ps(
    context: typer.Context,
    project_name: ProjectName = None,
    file: File = None,
    services: Annotated[bool, typer.Option("--services", help="Show services instead of containers.")] = False,
    as_json: Json = False,
) -> None:
    """List containers, or services.

    Those of one stack, or without -p and -f of all. What stands behind a service, as in 2/3, is how many run of how
    many there shall be; a container and its sidekicks count as one. JSON is a list of containers with stack, service,
    name, state, image, host, ports and message.
    """
    from trailboss.cli import stack as read
    from trailboss.cli.texts import stack_name

    with connect(context) as client:
        if project_name or file:
            found = [read.require(client, stack_name(project_name, file))]
        else:
            found = [s for s in client.environments.each(removed_null=True) if read.is_here(s)]
        stacks = [stack for s in found if (stack := read.read(client, s)) is not None]
    if as_json:
        print(json.dumps(service_rows(stacks) if services else container_rows(stacks), indent=2))
        return
    from trailboss.cli.tables import print_table

    print_table(service_table(stacks) if services else container_table(stacks))


def container_rows(stacks: list[Stack]) -> list[dict[str, object]]:
    """Return the containers as JSON objects."""
    from trailboss.cli.stack import as_json

    return [{**as_json(c), "stack": s.name} for s in stacks for c in s.containers]


def service_rows(stacks: list[Stack]) -> list[dict[str, object]]:
    """Return the services as JSON objects, each with its containers."""
    from trailboss.cli.stack import as_json

    return [{**as_json(service), "stack": s.name} for s in stacks for service in s.services]


def container_table(stacks: list[Stack]) -> Table:
    """Return a row for each service, followed by those of its containers."""
    from rich.text import Text

    from trailboss.cli.progress import state_text
    from trailboss.cli.tables import a_table, add_row

    table = a_table("NAME", "STATE", "IMAGE", "HOST", "PORTS", "MESSAGE")
    for stack in stacks:
        for service in stack.services:
            scale = "-" if service.scale is None else service.scale
            counted = f"{stack.name}/{service.name} {service.running}/{scale}"
            add_row(table, Text(counted, "bold"), state_text(service), "", "", "", service.message or "")
            for one in service.containers:
                where = ", ".join(port_text(p) for p in one.ports)
                cells = (state_text(one), one.image, one.host or "-", where, one.message or "")
                add_row(table, f"  {one.name}", *cells)
    return table


def service_table(stacks: list[Stack]) -> Table:
    """Return a row for each service."""
    from trailboss.cli.progress import state_text
    from trailboss.cli.tables import a_table, add_row

    table = a_table("STACK", "SERVICE", "STATE", "RUNNING", "SCALE", "MESSAGE")
    for stack in stacks:
        for one in stack.services:
            scale = "-" if one.scale is None else str(one.scale)
            add_row(table, stack.name, one.name, state_text(one), str(one.running), scale, one.message or "")
    return table


def port_text(port: Port) -> str:
    """Return a port as people read it: `10.0.0.4:32768->8080/tcp`, or `8080/tcp` when it is not published."""
    if port.public is None:
        return f"{port.private}/{port.protocol}"
    return f"{port.address or ''}:{port.public}->{port.private}/{port.protocol}"
