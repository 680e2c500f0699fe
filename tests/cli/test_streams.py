"""logs and events: what comes over websockets, and what happens when it breaks off."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_api import PROJECT, FakeApi, Frame, a_container
from tests.waiting import eventually
from trailboss.cli.events import lines_of
from trailboss.client import Change, Client

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def at(second: int, text: str) -> str:
    return f"01 2026-11-25T08:00:{second:02}.000000000Z {text}"


@contextmanager
def running(api: FakeApi, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run a command that does not end by itself; what it prints gathers in the list."""
    keys = {"RANCHER_URL": api.url, "RANCHER_ACCESS_KEY": "A", "RANCHER_SECRET_KEY": "S", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "trailboss", *arguments]
    process = subprocess.Popen(
        command,
        env=os.environ | keys,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell lets what it runs in the background ignore it, and so would the command
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        reader.join()


@pytest.fixture
def shop(api: FakeApi) -> FakeApi:
    two = {"web": {"containers": [a_container(1)]}, "db": {"containers": [a_container(2, "db")]}}
    api.frames = [Frame(services=two)]
    api.streams = {
        "/v1/logs/1i1": [[at(1, "one"), at(2, "two\n") + at(3, "three\n")]],
        "/v1/logs/1i2": [[at(1, "ready")]],
    }
    return api


def test_each_line_carries_the_name_of_its_container(shop: FakeApi, run: Run) -> None:
    lines = run("logs", "-p", "shop").stdout.splitlines()
    assert [line for line in lines if line.startswith("web_1")] == ["web_1 | one", "web_1 | two", "web_1 | three"]
    assert "db_2  | ready" in lines or "db_2 | ready" in lines


def test_output_and_errors_that_overtake_one_another_are_both_shown(shop: FakeApi, run: Run) -> None:
    shop.streams["/v1/logs/1i2"] = [[at(2, "an error").replace("01", "02", 1), at(1, "a line"), "no form at all"]]
    assert run("logs", "-p", "shop", "db").stdout.splitlines() == [
        "db_2 | an error",
        "db_2 | a line",
        "db_2 | no form at all",
    ]


def test_only_the_services_that_were_named_are_shown(shop: FakeApi, run: Run) -> None:
    assert run("logs", "-p", "shop", "db", "--timestamps").stdout == "db_2 | 2026-11-25T08:00:01.000000000Z ready\n"


def test_how_many_lines_is_asked_of_the_server_and_the_token_opens_the_stream(shop: FakeApi, run: Run) -> None:
    run("logs", "-p", "shop", "db", "--lines", "7")
    assert [a.body for a in shop.asked if a.path == f"{PROJECT}/containers/1i2/"][-1] == {"follow": False, "lines": 7}
    stream = next(a for a in shop.asked if a.path == "/v1/logs/1i2")
    assert stream.query == {"token": "t-1i2"}


def test_a_stream_that_is_refused_is_said_without_its_token(shop: FakeApi, run: Run) -> None:
    del shop.streams["/v1/logs/1i2"]
    result = run("logs", "-p", "shop")
    assert "web_1 | one" in result.stdout
    assert "/v1/logs/1i2 refused the stream" in result.stderr
    assert "t-1i2" not in result.output


def test_logs_that_break_off_are_said_and_are_no_success(shop: FakeApi, run: Run) -> None:
    shop.closes["/v1/logs/1i2"] = [(1013, "the container's host went away before the end")]
    result = run("logs", "-p", "shop")
    assert result.exit_code == 1
    assert "web_1 | three" in result.stdout
    assert "db_2  | the container's host went away before the end" in result.stderr.replace("db_2 |", "db_2  |")
    assert result.stderr.endswith("error: the logs of shop_db_2 are not complete\n")


def test_a_stream_that_is_closed_without_a_word_is_said(shop: FakeApi, run: Run) -> None:
    shop.closes["/v1/logs/1i2"] = [(1012, "")]
    result = run("logs", "-p", "shop", "db")
    assert "/v1/logs/1i2 was closed with code 1012" in result.stderr


def test_a_stream_that_is_closed_again_and_again_is_said_once_while_following(shop: FakeApi) -> None:
    path = "/v1/logs/1i1"
    shop.streams[path] = [[at(1, "one")], [""], [""], [at(4, "four")]]
    shop.closes[path] = [(1013, "the host went away")] * 3
    with running(shop, "logs", "-f", "-p", "shop", "web") as (_, lines):
        eventually(lambda: any("four" in line for line in lines), within=60, what="the line after the breaks")
        assert [line.strip() for line in lines] == [
            "web_1 | one",
            "web_1 | the host went away; trying again",
            "web_1 | four",
        ]
    asked = [a.body["lines"] for a in shop.asked if a.path == f"{PROJECT}/containers/1i1/"]
    assert asked[:2] == [100, 1000], "what was written meanwhile is among the lines that are asked for again"


def test_following_ends_when_the_stack_is_removed(shop: FakeApi) -> None:
    shop.frames = [*shop.frames * 2, Frame(gone=True)]
    with running(shop, "logs", "-f", "-p", "shop") as (process, lines):
        assert process.wait(60) == 0
        eventually(lambda: "stack shop was removed" in "".join(lines))


def test_the_lines_of_the_run_before_are_shown_while_the_next_one_is_waited_for(shop: FakeApi, run: Run) -> None:
    waiting = [a_container(1, state="starting", startCount=3), a_container(2, state="starting", startCount=0)]
    shop.frames = [Frame(services={"web": {"containers": waiting}})]
    assert run("logs", "-p", "shop").stdout.splitlines() == ["web_1 | one", "web_1 | two", "web_1 | three"]


def test_an_unknown_service_is_refused(shop: FakeApi, run: Run) -> None:
    result = run("logs", "-p", "shop", "nope")
    assert result.exit_code == 1
    assert "the stack has no service nope; it has: web, db" in result.stderr


def test_following_goes_on_after_a_break_without_repeating_lines(shop: FakeApi) -> None:
    shop.streams["/v1/logs/1i1"].append([at(2, "two"), at(3, "three"), at(4, "four")])
    shop.closes["/v1/logs/1i1"] = [(1012, "the server ends")]
    with running(shop, "logs", "-f", "-p", "shop", "web") as (_, lines):
        eventually(lambda: any("four" in line for line in lines), within=60, what="the fourth line")
        said = "the server ends; trying again"
        assert [line.split("| ")[1].strip() for line in lines] == ["one", "two", "three", said, "four"]


def test_following_joins_containers_that_come_up_later(shop: FakeApi) -> None:
    later = {"web": {"containers": [a_container(1), a_container(3)]}}
    shop.frames = [shop.frames[0], Frame(services=later)]
    shop.streams["/v1/logs/1i3"] = [[at(9, "I am new")]]
    with running(shop, "logs", "-f", "-p", "shop", "web") as (_, lines):
        eventually(lambda: any("web_3 | I am new" in line for line in lines), within=60, what="the new container")


def test_interrupting_ends_without_a_trace(shop: FakeApi) -> None:
    shop.streams["/v1/logs/1i1"] = []
    with running(shop, "logs", "-f", "-p", "shop", "web") as (process, lines):
        eventually(lambda: shop.connections, within=60, what="the stream is open")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert not any("Traceback" in line for line in lines)


def an_event(number: int, **resource: object) -> dict[str, object]:
    return {
        "name": "resource.change",
        "time": 1448300000000,
        "cursor": f"1:{number}",
        "resourceType": resource.get("type"),
        "resourceId": resource.get("id"),
        "data": {"resource": resource} if resource else None,
    }


def a_ping(number: int) -> str:
    return json.dumps({"name": "ping", "cursor": f"1:{number}"})


def changes_of(api: FakeApi, *events: dict[str, object]) -> Iterator[Change]:
    api.streams[f"{PROJECT}/subscribe"] = [[a_ping(0), *map(json.dumps, events)]]
    with Client(api.url) as client, client.subscribe() as changes:
        yield from itertools.islice(changes, len(events))


def test_a_change_is_one_line_of_time_type_name_state_and_reason(api: FakeApi) -> None:
    event = an_event(1, id="1i7", type="container", name="shop_web_1", state="starting", transitioningMessage="Pulling")
    (change,) = changes_of(api, event)
    (line,) = lines_of(change, as_json=False)
    assert line.split()[1:] == ["container", "shop_web_1", "starting", "Pulling"]
    (document,) = lines_of(change, as_json=True)
    assert json.loads(document) == event


def test_a_change_of_something_we_may_not_see_is_no_line(api: FakeApi) -> None:
    (change,) = changes_of(api, an_event(1))
    assert list(lines_of(change, as_json=False)) == []


def test_missing_changes_are_told(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    lost = {"name": "resync", "cursor": "2:1", "data": {"reason": "expired", "message": "list again"}}
    (change,) = changes_of(api, lost)
    assert list(lines_of(change, as_json=False)) == []
    assert capsys.readouterr().err == "some changes are not shown: list again\n"


def test_events_go_on_where_they_were_after_the_connection_was_lost(api: FakeApi) -> None:
    first = an_event(1, id="1i1", type="container", state="a")
    second = an_event(2, id="1i2", type="container", state="b")
    api.streams[f"{PROJECT}/subscribe"] = [[a_ping(0), json.dumps(first)], [a_ping(1), json.dumps(second)]]
    with running(api, "events") as (_, lines):
        eventually(lambda: any("1i2 b" in line for line in lines), within=60, what="the event after the break")
    shown = [line.strip() for line in lines]
    assert f"listening to changes in {api.url}" in shown
    assert any("the server ended the stream; trying again in 0.5 s" in line for line in shown)
    asked = [a for a in api.asked if a.path == f"{PROJECT}/subscribe"]
    assert (asked[0].query, asked[0].keys) == ({"eventNames": "resource.change", "cursor": "now"}, ("A", "S"))
    assert asked[1].query["cursor"] == "1:1"


def test_a_server_that_is_not_there_at_first_is_not_waited_for(api: FakeApi, run: Run) -> None:
    result = run("events", RANCHER_URL="http://127.0.0.1:1/v1/projects/1a5")
    assert result.exit_code == 1
    assert "does not answer" in result.stderr


def test_events_that_are_refused_end_the_command(api: FakeApi, run: Run) -> None:
    result = run("events")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: Unauthorized: ")
