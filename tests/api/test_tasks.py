"""Who sees and executes tasks. What running them does: `tests/server/test_tasks.py`."""

from __future__ import annotations

import pytest

from tests.serving import Api, Installation, OpenApi
from trailboss.resources import task


@pytest.fixture
def ping(installation: Installation, admin: Api) -> str:
    """The id of a task."""
    installation.store.write(task.ensure)
    (found,) = admin.get("tasks", name="agent.ping")["data"]
    return str(found["id"])


def test_executing_a_task_answers_with_it_and_begins_a_run(admin: Api, ping: str) -> None:
    shown = admin.get(f"tasks/{ping}")
    assert shown["name"] == "agent.ping"
    assert list(shown["actions"]) == ["execute"]
    for _ in range(2):
        answer = admin.ask("POST", shown["actions"]["execute"])
        assert (answer.status_code, answer.json()) == (200, shown)
    runs = admin.get(f"tasks/{ping}/taskinstances")["data"]
    assert [run["name"] for run in runs] == ["agent.ping", "agent.ping"]
    assert [(run["taskId"], run["endTime"], run["exception"]) for run in runs] == [(ping, None, None)] * 2
    assert admin.get(runs[0]["links"]["task"])["id"] == ping
    assert admin.get("tasks", name="other")["data"] == []
    assert [t["name"] for t in admin.get("tasks")["data"]] == list(task.NAMES)


@pytest.mark.parametrize("kind", ["admin", "superadmin"])
def test_tasks_and_their_runs_are_made_and_changed_by_nobody(
    installation: Installation, open_api: OpenApi, ping: str, kind: str
) -> None:
    caller = open_api(installation.add_account(kind)[1])
    caller.ask("POST", f"tasks/{ping}/?action=execute")
    for method, path in (("POST", ""), ("PUT", "/1t1"), ("DELETE", "/1t1")):
        assert caller.refused(method, f"tasks{path}", json={"name": "x"})[0] == 405
        assert caller.refused(method, f"taskinstances{path}", json={"name": "x"})[0] == 405


def test_nobody_but_administrators_sees_tasks(
    installation: Installation, open_api: OpenApi, api: Api, ping: str
) -> None:
    for caller in (api, open_api(installation.add_account("user")[1])):
        assert caller.refused("GET", "tasks")[0] == 404
        assert caller.refused("POST", f"tasks/{ping}/?action=execute")[0] == 404
    reader = open_api(installation.add_account("readAdmin")[1])
    assert reader.get(f"tasks/{ping}")["actions"] == {}
    assert reader.refused("POST", f"tasks/{ping}/?action=execute")[0] == 422
