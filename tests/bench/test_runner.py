from __future__ import annotations

import importlib.util
import io
import json

import pytest
from rich.console import Console

from bench.__main__ import NAMES, main
from bench.rows import as_json, is_met, print_table, row


@pytest.mark.parametrize(
    ("figure", "goal", "met"),
    [
        (0.8, ">= 0.8", True),
        (0.79, ">= 0.8", False),
        (1.2, "<= 1.2", True),
        (3, "< 3", False),
        (None, "< 3", False),
    ],
)
def test_a_goal_is_compared_with_the_figure(figure: float | None, goal: str, met: bool) -> None:
    assert is_met(figure, goal) is met


def test_a_goal_is_said_of_the_ratio_when_there_is_a_peer_and_else_of_the_value() -> None:
    against = row("starts", 90.0, "1/s", peer=("docker", 100.0), goal=">= 0.8")
    assert (against.ratio, against.met) == (0.9, True)
    alone = row("starts", 90.0, "1/s", goal=">= 100")
    assert (alone.ratio, alone.met) == (None, False)
    assert row("starts", 90.0, "1/s").met is None


def test_an_odd_goal_is_refused() -> None:
    with pytest.raises(ValueError, match="does not start with"):
        row("starts", 1.0, "1/s", goal="about 3")


def test_rows_print_as_json_and_as_a_table() -> None:
    rows = [row("starts", 90.0, "1/s", peer=("docker", 100.0), goal=">= 0.95"), row("memory", 1234.5, "MiB")]
    assert json.loads(as_json(rows))[0] == {
        "name": "starts",
        "value": 90.0,
        "unit": "1/s",
        "peer": "docker",
        "peer_value": 100.0,
        "ratio": 0.9,
        "goal": ">= 0.95",
        "met": False,
    }
    text = io.StringIO()
    print_table("all", rows, Console(file=text, width=140))
    lines = {line.split("│")[1].strip(): line for line in text.getvalue().splitlines() if "│" in line}
    assert ">= 0.95" in lines["starts"] and " no " in lines["starts"]
    assert "1,234" in lines["memory"]


def test_an_unknown_benchmark_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert "there is no benchmark 'nonsense'" in capsys.readouterr().err


def test_a_benchmark_that_does_not_exist_yet_says_so_and_ends_with_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main([NAMES[0]]) == 2
    assert f"the benchmark '{NAMES[0]}' does not exist yet" in capsys.readouterr().err


def test_the_scheduler_benchmark_runs_from_end_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    # 1 is a missed goal, which a busy machine may bring about: here only the rows matter.
    assert main(["scheduler", "--quick", "--json"]) in (0, 1)
    rows = json.loads(capsys.readouterr().out)
    assert [one["goal"] for one in rows] == ["", "", ">= 0.8", ">= 2000", ""]
    assert all(one["value"] > 0 for one in rows)
