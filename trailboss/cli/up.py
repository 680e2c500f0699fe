"""`trailboss up`: compose texts in, a running stack out; run again, it adds only what is missing.

A stack that is not there is made from the texts by the server itself. One that is there is compared with the texts
by the same pure code (`trailboss.compose`) and completed service by service: `deploy.py`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from trailboss.cli.options import WAIT_S, EnvFile, File, Json, ProjectName, RancherFile, Timeout, connect
from trailboss.errors import KeepsEnding, TrailbossError

if TYPE_CHECKING:
    from trailboss.cli.stack import Container, Stack
    from trailboss.cli.steady import Steady
    from trailboss.cli.texts import Texts
    from trailboss.client import Client
    from trailboss.client.types import Environment
    from trailboss.compose import StackPlan

LAST_LINES = 10
"""Of a container that keeps ending."""


def up(
    context: typer.Context,
    detach: Annotated[bool, typer.Option("-d", "--detach", help="End when all runs; else the logs follow.")] = False,
    file: File = None,
    rancher_file: RancherFile = None,
    project_name: ProjectName = None,
    env_file: EnvFile = None,
    timeout: Timeout = WAIT_S,
    as_json: Json = False,
) -> None:
    """Deploy a stack from compose texts.

    Waits until all runs, and what was started has run for 2 s; one that ended within 10 s of a start, for 10 s. If one
    ends so five times in a row, its last lines are shown, and the exit code is 5.

    A stack that is there gets what it lacks; scales of services that are there stay as they are (`trailboss scale`
    changes them). With --json it ends when the stack is up, as with -d.
    """
    from trailboss.cli.stack import as_json as document
    from trailboss.cli.steady import Steady
    from trailboss.cli.texts import read_texts

    texts = read_texts(file, rancher_file, project_name, env_file)
    with connect(context) as client:
        _let_go(client, texts.name, timeout, as_json)
        stack, plan, before = _ask_for_it(client, texts)
        names = [s.name for s in plan.services]
        seen = _follow(client, stack, Steady(before, names), timeout, as_json)
        if as_json:
            print(json.dumps(document(seen), indent=2))
        elif not detach:
            from trailboss.cli.logs import Request, follow_all

            print("All runs. The logs follow; Ctrl-C ends them, and the containers run on.", file=sys.stderr)
            follow_all(client, stack, Request(services=names, follow=True))


def _let_go(client: Client, name: str, timeout_s: float, as_json: bool) -> None:
    """Wait for the end of a stack of this name that is being removed: only then can there be a new one."""
    from trailboss.cli.progress import open_display
    from trailboss.cli.stack import find, read
    from trailboss.cli.waiting import is_without, wait

    stack = find(client, name)
    if stack is not None and stack.state == "removing":
        with open_display(as_json=as_json) as display:
            wait(lambda: read(client, stack), lambda s: is_without(s, None), display, timeout_s)


def _ask_for_it(client: Client, texts: Texts) -> tuple[Environment, StackPlan, list[Container]]:
    """Make the stack, or what it lacks; return it with the plan of what it is to hold, and the containers that were
    there before. Nothing is waited for."""
    from trailboss.cli import deploy
    from trailboss.cli.stack import find, read_service, services_of
    from trailboss.cli.texts import Answers, Files
    from trailboss.client import types
    from trailboss.compose import plan_stack

    stack = find(client, texts.name)
    answers = Answers(texts.env, _given_before(stack), os.environ)
    files = Files(texts.folder)
    plan = plan_stack(texts.docker_compose, texts.rancher_compose, answers, stack_name=texts.name, files=files)
    for sentence in plan.warnings:
        print(f"warning: {sentence}", file=sys.stderr)
    if stack is not None:
        before = [c for s in services_of(client, stack) for c in read_service(client, s).containers]
        return deploy.complete(client, stack, plan), plan, before
    if files.used:
        # The server has no files, so what the texts name is put together here.
        stack = client.environments.create(types.Environment(name=texts.name, environment=answers.used))
        return deploy.complete(client, stack, plan), plan, []
    wanted = types.Environment(
        name=texts.name,
        docker_compose=texts.docker_compose,
        rancher_compose=texts.rancher_compose,
        environment=answers.used,
        start_on_create=True,
    )
    return client.environments.create(wanted), plan, []


def _given_before(stack: Environment | None) -> dict[str, str]:
    """Return the answers that a stack was made with."""
    given = (stack.environment if stack is not None else None) or {}
    return {name: value for name, value in given.items() if value is not None}


def _follow(client: Client, stack: Environment, judge: Steady, timeout_s: float, as_json: bool) -> Stack:
    from trailboss.cli.progress import open_display
    from trailboss.cli.stack import read
    from trailboss.cli.waiting import wait

    try:
        with open_display(as_json=as_json) as display:
            seen = wait(lambda: read(client, stack), judge, display, timeout_s)
    except KeepsEnding as error:
        _show_last_lines(client, error.container)
        raise
    assert seen is not None  # the judge refuses a stack that is gone
    return seen


def _show_last_lines(client: Client, container: str) -> None:
    """Print what a container wrote last, to say why it ended; what cannot be had is left out."""
    from trailboss.cli.logs import last_lines

    with suppress(TrailbossError):
        for line in last_lines(client, container, LAST_LINES):
            print(f"| {line}", file=sys.stderr)
