"""Every rule of the wire format names tests that there are."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, page, rows

TESTS = {
    f"{path.name}::{name}"
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async def|def|class) ([Tt]est_?\w+)", path.read_text(), flags=re.MULTILINE)
}


def test_every_rule_names_tests_that_there_are_or_says_that_it_is_not_served() -> None:
    rules = [row for row in rows(page("wire-rules.md")) if len(row) == 2 and row[0] not in ("rule", "---")]
    assert len(rules) > 60
    for rule, named in rules:
        tests = re.findall(r"`(test_\w+\.py::\w+)`", named)
        assert tests or named == "not served by this version", rule
        assert set(tests) - TESTS == set(), rule
