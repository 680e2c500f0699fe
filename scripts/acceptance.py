"""Print which types do what is expected of them, `docs/acceptance.md`, from the tests: `just acceptance` writes it.

In: the tests in `tests/acceptance/`, one file and one test for each type: its docstring is the sentence, and a mark
says until when it is not true. They are read, not run. Out: Markdown; a test compares the file with what this prints.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "tests" / "acceptance"
HEAD = """\
# Which types do what they are for

<!-- Written by `just acceptance` from the tests themselves: change tests/acceptance/ or scripts/acceptance.py. -->

For each type of the v1 API that this project is to serve there is one sentence that a person can see to be true or not,
and a test of it: a server and agents as processes of their own, real Docker Engines, and an unmodified client,
`gdapi-python`. `scripts/test` runs them all.

**{true} of {all} are true.** The others are tested as well, and are known to fail, each until the issue that turns it
true. A sentence that becomes true fails `scripts/test` until its mark is taken away, and one that is true must stay so.

| type | is accepted when | state |
|---|---|---|"""


@dataclass(frozen=True)
class Sentence:
    """One row. waits: "" if it is true, else until when it is not, and what is missing."""

    type: str
    test: str
    text: str
    waits: str


def main() -> None:
    """Print the page."""
    found = list(sentences())
    print(HEAD.format(true=sum(not s.waits for s in found), all=len(found)))
    for s in found:
        print(f"| [`{s.type}`](../tests/acceptance/{s.test}) | {_cell(s.text)} | {_cell(s.waits or 'true')} |")


def sentences() -> Iterator[Sentence]:
    """Read the tests. Raises ValueError for a file that has not exactly one, or one without a sentence."""
    for path in sorted(FOLDER.glob("test_*.py")):
        module = importlib.import_module(f"tests.acceptance.{path.stem}")
        tests = [value for name, value in vars(module).items() if name.startswith("test_")]
        if len(tests) != 1 or not tests[0].__doc__:
            raise ValueError(f"{path}: one test with one sentence is expected")
        marks = getattr(tests[0], "pytestmark", [])
        waits = [mark.kwargs["reason"] for mark in marks if mark.name == "xfail"]
        yield Sentence(_camel(path.stem.removeprefix("test_")), path.name, tests[0].__doc__, "".join(waits))


def _camel(snake: str) -> str:
    """`api_key` -> `apiKey`."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), snake)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
