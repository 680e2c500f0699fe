"""The page of the acceptance tests is as they are; they are all there, and each can fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.contract.check import SEED
from tests.docs.pages import ROOT, page, rows

FILES = sorted((ROOT / "tests" / "acceptance").glob("test_*.py"))


def test_the_page_is_as_the_tests_are() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "acceptance.py")]
    made = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert page("acceptance.md") == made.stdout, "run `just acceptance`"


def test_every_type_has_its_sentence() -> None:
    listed = [row[0] for row in rows(page("acceptance.md"))[2:]]
    assert sorted(re.sub(r"\[`(\w+)`\].*", r"\1", cell) for cell in listed) == sorted(SEED)


def test_the_readme_has_the_count_of_the_page() -> None:
    count = re.search(r"\*\*(\d+ of \d+)", page("acceptance.md"))
    assert count and f"{count[1]} are true" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_acceptance_test_is_run_and_asserts(path: object) -> None:
    text = (ROOT / str(path)).read_text()
    assert "pytestmark = pytest.mark.docker" in text
    assert re.search(r"^    +assert |it\.settled\(|eventually\(", text, re.MULTILINE)
    assert not re.search(r"pytest\.(fail|skip|xfail|mark\.(skip|xfail))|NotImplemented", text)
