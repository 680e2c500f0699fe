"""`trailboss server` and `trailboss agent`: run in the foreground until SIGTERM or Ctrl-C.

The options of the server are not written here: they are made from the fields of its `Options`, which declare name,
variable, default and help. What is not given stays None, and `Options.read` takes it from the environment. Secrets have
variables but no options, because every user of a machine can read command lines.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import Annotated, Any

import typer

import trailboss
from trailboss.cli.options import ServerCa, ServerFingerprint, trust_variables
from trailboss.errors import Permanent
from trailboss.server import Options as ServerOptions


def _run_server(**given: Any) -> None:
    """Run the server, in the foreground.

    It logs to standard error, and SIGTERM ends it gracefully.
    """
    from trailboss.server import run

    run(read_options(ServerOptions, given))


def read_options(options: type[Any], given: dict[str, Any]) -> Any:
    """Return the options as they were given, and else set in the environment. Ends the command for a bad one."""
    try:
        return options.read(**given)
    except Permanent as error:
        raise typer.BadParameter(error.message) from error


def command_from(options: type[Any], function: Callable[..., None]) -> Callable[..., None]:
    """Give a function that takes any keywords the parameters of a class of options, so that Typer offers them."""
    open_fields = [f for f in fields(options) if not f.metadata["secret"]]
    parameters = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(f))
        for f in open_fields
    ]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    return function


def _annotation(field: Field[Any]) -> Any:
    kind = type(field.default) if isinstance(field.default, int) else Path if "Path" in str(field.type) else str
    default = "" if field.default in (None, False) else f" [default: {field.default}]"
    text = f"{field.metadata['help']} [env var: {field.metadata['variable']}]{default}"
    name = "--" + field.name.replace("_", "-")
    return Annotated[kind | None, typer.Option(name, metavar=field.metadata["metavar"], help=text)]


server = command_from(ServerOptions, _run_server)


def agent(
    server_url: Annotated[str, typer.Option("--server", metavar="URL", help="The server: http://HOST:PORT.")],
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of this agent alone: its keys and its last good state.")
    ] = Path("/var/lib/trailboss-agent"),
    docker: Annotated[
        str, typer.Option(envvar="DOCKER_HOST", metavar="URL", help="The Docker Engine of this host, a unix socket.")
    ] = "unix:///var/run/docker.sock",
    address: Annotated[
        str, typer.Option(envvar="CATTLE_AGENT_IP", metavar="IP", help="Where others reach this host; else found out.")
    ] = "",
    fingerprint: ServerFingerprint = None,
    authority: ServerCa = None,
) -> None:
    """Run the agent of this host, in the foreground.

    For its first start it needs a registration token (`trailboss host token`) in the variable TRAILBOSS_TOKEN. Labels
    of the host are taken from TRAILBOSS_HOST_LABELS (`zone=a&disk=ssd`). SIGTERM ends it; containers run on.
    """
    from trailboss.agent.run import options

    try:
        environment = os.environ | trust_variables(fingerprint, authority)
        options(server_url, data, docker, address, environment)
    except Permanent as error:
        raise typer.BadParameter(error.message) from error
    # a fresh interpreter: what reads command lines would hold a fifth of the agent's memory, on every host
    program = [sys.executable, "-P", "-m", "trailboss.agent", server_url, str(data), docker, address]
    os.execve(sys.executable, program, environment | {"PYTHONPATH": str(Path(trailboss.__file__).parents[1])})
