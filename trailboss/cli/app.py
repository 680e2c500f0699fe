"""The list of commands, the options before the command, and the one place that turns errors into exit codes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from trailboss import __version__
from trailboss.cli import admin, api, audit, change, events, host, logs, ps, serve, simulate, up
from trailboss.cli.exits import error_line, exit_code
from trailboss.cli.options import (
    ACCESS_KEY,
    SECRET_KEY,
    URL,
    Connection,
    EnvFile,
    RancherFile,
    ServerCa,
    ServerFingerprint,
)
from trailboss.errors import TrailbossError

if TYPE_CHECKING:
    from typer._click.core import Context


class Commands(TyperGroup):
    """The commands; what goes wrong in one ends as one line and a code."""

    def invoke(self, ctx: Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except TrailbossError as error:
            print(error_line(error), file=sys.stderr)
            raise typer.Exit(exit_code(error)) from error


app = typer.Typer(
    cls=Commands,
    name="trailboss",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run containers across many Docker hosts.",
)
app.command("server")(serve.server)
app.command()(serve.agent)
app.command()(up.up)
app.command()(ps.ps)
app.command()(logs.logs)
app.command()(change.scale)
app.command()(change.stop)
app.command()(change.rm)
app.command()(change.down)
app.command()(events.events)
app.command()(api.api)
app.command()(audit.audit)
app.add_typer(host.app, name="host")
app.add_typer(simulate.app, name="simulate")
app.add_typer(admin.app, name="admin")


def _version(asked: bool) -> None:
    if asked:
        print(f"trailboss {__version__}")
        raise typer.Exit


@app.callback()
def before(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(envvar=URL, metavar="URL", help="The API: http://HOST:PORT, or with /v1/projects/ID.")
    ] = None,
    access_key: Annotated[
        str | None, typer.Option(envvar=ACCESS_KEY, metavar="KEY", help="Access key of an API key.")
    ] = None,
    secret_key: Annotated[
        str | None, typer.Option(envvar=SECRET_KEY, metavar="SECRET", help="Its secret; better by the variable.")
    ] = None,
    project_name: Annotated[
        str | None,
        typer.Option("--project-name", "-p", envvar="COMPOSE_PROJECT_NAME", metavar="NAME", help="Name of the stack."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", envvar="COMPOSE_FILE", metavar="FILE", help="Compose file.")
    ] = None,
    rancher_file: RancherFile = None,
    env_file: EnvFile = None,
    fingerprint: ServerFingerprint = None,
    authority: ServerCa = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Take the options that stand before the command; they are the defaults of the command's own."""
    source = context.get_parameter_source("secret_key")
    if source is not None and source.name == "COMMANDLINE":
        warning = "warning: every user of this machine can read --secret-key; set RANCHER_SECRET_KEY instead"
        print(warning, file=sys.stderr)
    context.obj = Connection(url, access_key, secret_key, fingerprint, authority)
    given = {"project_name": project_name, "file": file, "rancher_file": rancher_file, "env_file": env_file}
    defaults = {name: value for name, value in given.items() if value is not None}
    context.default_map = dict.fromkeys(context.command.commands, defaults)  # type: ignore[attr-defined]


def main() -> None:
    """Run the command line of this process."""
    app()
