"""`trailboss server` and `trailboss agent`: run in the foreground until SIGTERM or Ctrl-C.

Their options are not written here: they are made from the fields of the two `Options` classes, which declare name,
variable, default and help. What is not given stays None, and `Options.read` takes it from the environment. Fields that
are secret have no option, because every user of a machine can read command lines.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import Annotated, Any

import typer

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
    kind = bool if isinstance(field.default, bool) else Path if "Path" in str(field.type) else str
    default = "" if field.default in (None, False) else f" [default: {field.default}]"
    text = f"{field.metadata['help']} [env var: {field.metadata['variable']}]{default}"
    name = "--" + field.name.replace("_", "-")
    return Annotated[kind | None, typer.Option(name, metavar=field.metadata["metavar"], help=text)]


server = command_from(ServerOptions, _run_server)
