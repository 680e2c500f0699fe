"""Commands, options, settings, error codes and compose keys: what the code has and what the pages say is the same."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
import typer.main

import trailboss.resources  # noqa: F401  (declares every type)
from tests.docs.pages import ROOT, code_words, page, rows, shell_lines
from trailboss.cli.app import app
from trailboss.compose import launch_config, rancher
from trailboss.errors import REASONS
from trailboss.resources.setting import DEFAULTS
from trailboss.server import Options as ServerOptions

COMMANDS: Any = typer.main.get_command(app)


def test_the_reference_of_the_command_line_is_as_the_commands_are() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "cli_reference.py")]
    made = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert page("cli.md") == made.stdout, "run `just cli-docs`"


def every_option() -> Iterator[tuple[str, str]]:
    """Name of the command and of each of its options."""
    for name, command in [("", COMMANDS), *COMMANDS.commands.items()]:
        for sub, leaf in [*getattr(command, "commands", {}).items()] if name else []:
            yield from ((f"{name} {sub}", option) for p in leaf.params for option in p.opts)
        yield from ((name, option) for p in command.params for option in p.opts if option.startswith("-"))


def test_every_command_and_option_says_what_it_is_for() -> None:
    for name, command in COMMANDS.commands.items():
        for leaf in [command, *getattr(command, "commands", {}).values()]:
            assert leaf.help, f"{name} {leaf.name}"
            for parameter in leaf.params:
                assert parameter.help, f"{name} {leaf.name} {parameter.name}"


def test_every_option_stands_in_the_reference() -> None:
    text = page("cli.md")
    hidden = {"--help", "--install-completion", "--show-completion"}
    options = [(name, option) for name, option in every_option() if option.startswith("-") and option not in hidden]
    assert len(options) > 30
    for name, option in options:
        assert re.search(rf"`{option}[ `]", text), f"{name} {option}"


@pytest.mark.parametrize("path", ["README.md", "docs/quickstart.md", "docs/operations.md"])
def test_the_commands_of_a_page_are_commands_with_these_options(path: str) -> None:
    lines = [line for line in shell_lines((ROOT / path).read_text()) if "trailboss " in line]
    for line in lines:
        words = shlex.split(line[line.index("trailboss ") :])[1:]
        command, known = COMMANDS, {o for p in COMMANDS.params for o in p.opts}
        for word in words:
            if word.startswith("-") and word != "-":
                assert word in known, line
            elif word in getattr(command, "commands", {}):
                command = command.commands[word]
                known |= {o for p in command.params for o in p.opts}
        assert not getattr(command, "commands", {}), f"{line}: no such command"


def test_every_option_of_the_server_is_explained_with_its_variable_and_default() -> None:
    text = page("operations.md")
    for option in fields(ServerOptions):
        variable, default = option.metadata["variable"], option.default
        row = next((r for r in rows(text) if f"`{variable}`" in r), None)
        assert row is not None, variable
        if not option.metadata["secret"]:
            assert row[0].startswith(f"`--{option.name.replace('_', '-')}"), row
        if default not in (None, False):
            assert row[2] == f"`{default}`", row


def test_every_setting_is_explained_with_its_default() -> None:
    found = {row[0].strip("`"): row[1].strip("`") for row in rows(page("operations.md")) if len(row) == 3}
    for name, default in DEFAULTS.items():
        assert found.get(name) == default, name


def test_every_key_of_compose_files_is_listed() -> None:
    words = code_words(page("compose.md"))
    keys = {*launch_config.SUPPORTED, *launch_config.NOT_SUPPORTED, *rancher.SERVICE_KEYS, *rancher.CATALOG_KEYS}
    assert keys - words == set()


CODE = re.compile(r"[A-Z][a-zA-Z]+")


def raised_codes() -> Iterator[tuple[str, str]]:
    """Every code that an ApiError is made with, and the file where; not in client and command line, which pass on."""
    for path in sorted((ROOT / "trailboss").rglob("*.py")):
        if {"cli", "client"} & set(path.relative_to(ROOT).parts):
            continue
        for scope in functions(ast.parse(path.read_text())):
            for call in calls(scope):
                yield from ((code, path.name) for code in codes_of(call, scope))


def functions(tree: ast.Module) -> list[ast.AST]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def calls(scope: ast.AST) -> list[ast.Call]:
    found = [n for n in ast.walk(scope) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    return [call for call in found if call.func.id == "ApiError"]  # type: ignore[attr-defined]


def codes_of(call: ast.Call, scope: ast.AST) -> list[str]:
    """The codes of one call; where it is a variable, whatever the function may give to it."""
    status = call.args[0]
    if len(call.args) < 2:
        return [REASONS[status.value]] if isinstance(status, ast.Constant) else []
    code = call.args[1]
    if isinstance(code, ast.Constant):
        return [code.value]
    assert isinstance(code, ast.Name), ast.unparse(call)
    given = [n.value for n in ast.walk(scope) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == code.id]
    found = [c.value for value in given for c in ast.walk(value) if isinstance(c, ast.Constant)]
    codes = [c for c in found if isinstance(c, str) and CODE.fullmatch(c)]
    assert codes, f"cannot tell which codes {ast.unparse(call)} has"
    return codes


def test_every_error_code_is_explained() -> None:
    raised = dict(raised_codes())
    assert len(raised) > 15
    words = code_words(page("errors.md"))
    assert {f"{code} ({file})" for code, file in raised.items() if code not in words} == set()


def test_every_phrase_of_a_status_is_explained() -> None:
    assert set(REASONS.values()) - code_words(page("errors.md")) == set()
