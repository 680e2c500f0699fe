"""Print the reference of the command line, `docs/cli.md`, from the commands themselves: `just cli-docs` writes it.

In: the Typer app. Out: Markdown. What stands around it (exit codes, variables) is in `HEAD` here; a test compares the
file with what this prints.
"""

from __future__ import annotations

from typing import Any

import typer.main

from trailboss.cli.app import app

HEAD = """\
# The command line

<!-- Written by `just cli-docs` from the commands themselves: change trailboss/cli/ or scripts/cli_reference.py. -->

`trailboss` is a client of the v1 API, and starts server and agent. After `scripts/up` it is `.venv/bin/trailboss`;
`python -m trailboss` is the same.

## Where it goes

| variable | or | meaning |
|---|---|---|
| `RANCHER_URL` | `CATTLE_URL` | `http://HOST:PORT`, the same with `/v1`, or with an environment: `/v1/projects/1a5` |
| `RANCHER_ACCESS_KEY` | `CATTLE_ACCESS_KEY` | access key of an API key |
| `RANCHER_SECRET_KEY` | `CATTLE_SECRET_KEY` | its secret |

Where the URL names no environment, the only one that the key reaches is taken. There are options of the same names,
before the command; a secret on the command line is warned about. Requests to this machine never go through a proxy.

The stack is named by `--project-name`, else by `COMPOSE_PROJECT_NAME`, else after the folder of the compose file.
Names become lower case, with dashes for everything but letters and digits, as in rancher-compose. `-p`, `-f`, `-r` and
`-e` may also stand before the command.

## What it prints

On a terminal, what is waited for is drawn as a table that moves; in a pipe, each change is one plain line. With
`--json` standard output is one JSON document (for `events`, one object per line), and progress goes to standard error.
An error is one line on standard error: `error: CODE field: message` for a refusal of the API ([codes](errors.md)),
else `error: message`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | refused by the API, unreachable, or a text that cannot be understood |
| 2 | the command line itself is wrong |
| 3 | waited for as long as `--timeout` says; the message tells what is still missing, and why |
| 4 | failed, or will not come to be without a change; the message is the resource's own reason |
| 5 | a container ends again and again, soon after its start (`up`); its last lines are shown |
| 130 | ended by Ctrl-C |

## What `up` does

1. It reads `docker-compose.yml` and, beside it, `rancher-compose.yml` and `.env`. `${V}` comes from the env file, else
   from what the stack was made with, else from the environment of the process; only variables that the texts use are
   sent. Mistakes are reported with file and line before anything is changed.
2. A stack that is not there is made from the texts by the server. Where the texts name further files (`env_file`,
   `extends`), which the server does not have, the command makes the services itself.
3. A stack that is there gets the services that it lacks, and what rests is started. Scales stay as they are, and it
   says where they differ from the texts. A service whose texts have changed needs an upgrade, which this version does
   not serve: then nothing is changed, and the exit code is 4.
4. It waits until the stack is up; without `-d` the logs follow then. A service is up when all its containers run, and
   those that were started meanwhile have run for 2 s. A container that ends within 10 s of a start is started again,
   after pauses of 0, 1, 2, 4 ... s, so one may wait for its database by ending; it must have run for 10 s then. One
   that ends so five times in a row is not waited for: the command shows its last lines and its exit code, and ends
   with 5. What ran before costs no time, and a container that is to run once (`io.rancher.container.start_once`) is
   up when it has ended.

## Commands
"""


def main() -> None:
    """Print the page."""
    command: Any = typer.main.get_command(app)
    print(HEAD)
    print(options_table("### Before the command", command))
    for name, sub in command.commands.items():
        for title, leaf in [(f"{name} {n}", c) for n, c in getattr(sub, "commands", {}).items()] or [(name, sub)]:
            print(section(title, leaf))


def section(title: str, command: Any) -> str:
    """Return the part of one command."""
    arguments = " ".join(p.metavar for p in command.params if p.param_type_name == "argument")
    usage = f"trailboss {title} [OPTIONS] {arguments}".rstrip()
    # Docstrings are wrapped and indented for readers of the code.
    paragraphs = [" ".join(part.split()) for part in command.help.split("\n\n")]
    return options_table(f"### {title}\n\n`{usage}`\n\n" + "\n\n".join(paragraphs), command)


def options_table(head: str, command: Any) -> str:
    """Return the options of a command as a table below a head."""
    rows = [option_row(p) for p in command.params if p.param_type_name == "option"]
    shown = [row for row in rows if row]
    table = "\n".join(["| option | meaning |", "|---|---|", *shown])
    return f"{head}\n\n{table}\n" if shown else f"{head}\n"


def option_row(option: Any) -> str:
    """Return the row of one option; none for those of every command line (`--help`, completion)."""
    names = sorted(option.opts, key=lambda name: name.startswith("--"))
    if {"--help", "--install-completion", "--show-completion"} & set(names):
        return ""
    takes = "" if option.is_flag else f" {option.metavar}".replace("|", "\\|")
    variables = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
    text = option.help + (f" Or {', '.join(f'`{v}`' for v in variables)}." if variables else "")
    if option.default not in (None, False, ""):
        value = f"{option.default:g}" if isinstance(option.default, int | float) else f"`{option.default}`"
        text += f" Default: {value}."
    return f"| {', '.join(f'`{name}{takes}`' for name in names)} | {text} |"


if __name__ == "__main__":
    main()
