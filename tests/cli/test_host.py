from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.cli.fake_api import PROJECT, FakeApi

TOKEN = f"{PROJECT}/registrationtokens"


def a_host(number: int, **fields: object) -> dict[str, object]:
    return {
        "id": f"1h{number}",
        "type": "host",
        "name": f"host-{number}",
        "state": "active",
        "agentState": "active",
        **fields,
    }


def test_token_is_all_that_is_printed_once_it_is_made(api: FakeApi, run: Run) -> None:
    made = {"id": "1c9", "type": "registrationToken", "state": "registering", "token": None}
    made["links"] = {"self": f"{api.url}/registrationtokens/1c9"}
    api.answers[f"POST {TOKEN}"] = [(201, made)]
    api.answers[f"GET {TOKEN}/1c9"] = [made, {**made, "state": "active", "token": "T:0:abc"}]
    assert run("host", "token").stdout == "T:0:abc\n"


def test_wait_says_what_hosts_do_until_one_is_active(api: FakeApi, run: Run) -> None:
    answers = [[], [a_host(1, state="registering")], [a_host(1, agentState="reconnecting")], [a_host(1)]]
    api.answers[f"GET {PROJECT}/hosts"] = [{"data": data} for data in answers]
    result = run("host", "wait", "--timeout", "20")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "no host has joined yet",
        "host-1 is registering",
        "host-1 is reconnecting",
        "host-1 is active",
    ]


def test_wait_for_more_hosts_than_come_ends_with_exit_code_3(api: FakeApi, run: Run) -> None:
    api.answers[f"GET {PROJECT}/hosts"] = [{"data": [a_host(1), a_host(2, state="removed")]}]
    result = run("host", "wait", "--count", "2", "--timeout", "0.1")
    assert result.exit_code == 3
    assert "1 of 2 hosts active: host-1 is active" in result.stderr


def test_ls_shows_hosts_with_labels_and_reason(api: FakeApi, run: Run) -> None:
    labelled = a_host(1, labels={"zone": "a"}, transitioningMessage="[no] markup")
    api.answers[f"GET {PROJECT}/hosts"] = [{"data": [labelled]}]
    assert run("host", "ls").stdout.splitlines()[1].split() == ["1h1", "host-1", "active", "zone=a", "[no]", "markup"]
    assert json.loads(run("host", "ls", "--json").stdout) == [
        {"id": "1h1", "name": "host-1", "state": "active", "labels": {"zone": "a"}, "message": "[no] markup"}
    ]
