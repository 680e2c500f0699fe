"""Variables in values: 24-compose section 3.4, and the forms with defaults of later versions."""

from __future__ import annotations

import pytest

from tests.compose.texts import config, error, plan

VARIABLES = {"A": "1", "EMPTY": "", "NAME": "x y"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"),
        ("${A}", "1"),
        ("a${A}b$A-c", "a1b1-c"),
        ("$$A", "$A"),
        ("$$$A", "$1"),
        ("${NAME}", "x y"),
        ("${A:-2}", "1"),
        ("${EMPTY:-2}", "2"),
        ("${EMPTY-2}", ""),
        ("${MISSING-2}", "2"),
        ("${MISSING:-${A}${A}}", "11"),
        ("${MISSING:-a b$$}", "a b$"),
        ("${A:?needed}", "1"),
        ("${EMPTY?needed}", ""),
        ("plain", "plain"),
    ],
)
def test_variables_are_replaced(text: str, expected: str) -> None:
    assert config(f'labels: {{v: "{text}"}}', **VARIABLES)["labels"] == {"v": expected}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${}", "bad `${...}`"),
        ("${a-b", "without its `}`"),
        ("$1", "must be followed by"),
        ("x$", "must be followed by"),
        ("${A b}", "bad `${...}`"),
        ("${MISSING:?say which}", "the variable MISSING is required (say which)"),
        ("${EMPTY:?}", "the variable EMPTY is required"),
    ],
)
def test_a_bad_form_names_the_place_and_the_text(text: str, words: str) -> None:
    found = error(f'web:\n  image: busybox\n  hostname: "{text}"\n', **VARIABLES)
    assert (found.line, found.key) == (3, "web.hostname")
    assert words in found.message
    assert repr(text) in found.message


def test_a_variable_that_is_not_set_is_blank_and_said_once() -> None:
    found = plan("web:\n  image: busybox:$TAG\n  labels: {a: $TAG}\n")
    assert found.services[0].body["launchConfig"]["labels"] == {"a": ""}
    assert (
        found.warnings[0] == "docker-compose.yml, line 2: web.image: the variable TAG is not set; it is read as blank"
    )
    assert len(found.warnings) == 2


def test_a_default_that_is_not_taken_says_nothing_of_the_variables_in_it() -> None:
    assert plan("web:\n  image: busybox\n  hostname: ${A:-$MISSING}\n", A="1").warnings == ()


def test_keys_are_never_replaced_and_values_of_variables_not_again() -> None:
    assert config("labels: {$A: $B}", A="1", B="$A")["labels"] == {"$A": "$A"}


def test_a_variable_can_stand_for_a_boolean_a_number_or_the_scale() -> None:
    found = config("privileged: ${P}\nmem_limit: ${M}\ncpu_shares: ${C}", P="true", M="1g", C="5")
    assert found == {"privileged": True, "memory": 1 << 30, "cpuShares": 5}
    assert plan("web:\n  image: a\n", "web:\n  scale: $S\n", S="3").services[0].body["scale"] == 3


def test_the_catalogs_questions_may_hold_a_dollar() -> None:
    text = ".catalog:\n  uuid: shop-1\n  questions:\n    - {variable: A, label: 'costs $5'}\n"
    assert plan("web:\n  image: a\n", text).external_id == "shop-1"
