"""scale, stop, rm and down: what is asked of the API, and when it counts as done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_api import PROJECT, FakeApi, Frame, a_container


def web(*states: str, **fields: Any) -> dict[str, dict[str, Any]]:
    containers = [a_container(n, state=state) for n, state in enumerate(states, 1)]
    return {"web": {"scale": len(states), "containers": containers, **fields}}


def test_scale_is_done_when_exactly_so_many_run(api: FakeApi, run: Run) -> None:
    api.frames = [
        Frame(services=web("running")),
        Frame(services=web("running", state="updating-active")),
        Frame(services=web("running", "starting", "running")),
        Frame(services=web("running", "running", "stopping")),
        Frame(services=web("running", "running")),
    ]
    result = run("scale", "-p", "shop", "web=2")
    assert result.exit_code == 0, result.output
    assert api.bodies("PUT", "services/1s1") == [{"scale": 2}]
    assert api.reads == len(api.frames)
    assert "shop_web_3: stopping" in result.stdout
    assert result.stdout.splitlines()[-1] == "shop_web_3: removed"


def test_sidekicks_do_not_count(api: FakeApi, run: Run) -> None:
    both = [
        a_container(2 * n + i, name, deploymentUnitUuid=f"u{n}")
        for n in (1, 2)
        for i, name in enumerate(("web", "web_log"))
    ]
    api.frames = [
        Frame(services={"web": {"scale": 2, "secondaryLaunchConfigs": [{"name": "log"}], "containers": both}})
    ]
    assert run("scale", "-p", "shop", "web=2", "--timeout", "5").exit_code == 0


def test_several_services_are_scaled_at_once(api: FakeApi, run: Run) -> None:
    services = web("running", "running") | {"db": {"scale": 1, "containers": [a_container(9, "db")]}}
    api.frames = [Frame(services=services)]
    result = run("scale", "-p", "shop", "WEB=2", "db=1", "--json")
    assert result.exit_code == 0, result.output
    assert api.bodies("PUT", "services/1s1") == [{"scale": 2}]
    assert api.bodies("PUT", "services/1s2") == [{"scale": 1}]
    assert [s["name"] for s in json.loads(result.stdout)["services"]] == ["web", "db"]


@pytest.mark.parametrize("wrong", ["web", "web=", "=3", "web=-1", "web=many", "web=²"])
def test_a_scale_that_is_none_is_a_usage_error(api: FakeApi, run: Run, wrong: str) -> None:
    result = run("scale", "-p", "shop", "--", wrong)
    assert result.exit_code == 2
    assert "is not a service and its number of containers, as in web=5" in result.stderr
    assert api.asked == []


def test_a_service_that_is_not_there_is_refused_before_anything_changes(api: FakeApi, run: Run) -> None:
    api.frames = [Frame(services=web("running"))]
    result = run("scale", "-p", "shop", "web=2", "nope=1")
    assert result.exit_code == 1
    assert "the stack has no service nope; it has: web" in result.stderr
    assert {a.method for a in api.asked} == {"GET"}


def test_a_scale_that_never_comes_says_why(api: FakeApi, run: Run) -> None:
    because = "No host has port 80 free"
    api.frames = [Frame(services=web("running", state="updating-active", transitioningMessage=because))]
    result = run("scale", "-p", "shop", "web=2", "--timeout", "0.1")
    assert result.exit_code == 3
    assert f"service web is updating-active: {because}" in result.stderr


def test_stop_waits_until_no_container_runs(api: FakeApi, run: Run) -> None:
    api.frames = [
        Frame(services=web("running")),
        Frame(services=web("running", state="inactive")),
        Frame(services=web("stopping", state="inactive")),
        Frame(services=web("stopped", state="inactive")),
    ]
    result = run("stop", "-p", "shop")
    assert result.exit_code == 0, result.output
    assert [a.query["action"] for a in api.asked if a.method == "POST"] == ["deactivate"]
    assert api.reads == len(api.frames)


def test_stopping_what_rests_asks_for_nothing(api: FakeApi, run: Run) -> None:
    api.frames = [Frame(services=web("stopped", state="inactive"))]
    assert run("stop", "-p", "shop", "web").exit_code == 0
    assert {a.method for a in api.asked} == {"GET"}


def test_stop_names_only_the_services_it_was_given(api: FakeApi, run: Run) -> None:
    api.frames = [Frame(services=web("stopped", state="inactive") | {"db": {"containers": [a_container(9, "db")]}})]
    assert run("stop", "-p", "shop", "web").exit_code == 0


def test_down_purges_and_waits_until_the_stack_is_gone(api: FakeApi, run: Run) -> None:
    api.frames = [
        Frame("removing", "Removing services: web", services=web("stopping", state="removing")),
        Frame(gone=True),
    ]
    result = run("down", "-p", "shop")
    assert result.exit_code == 0, result.output
    asked = next(a for a in api.asked if a.method == "DELETE")
    assert (asked.path, asked.query) == (f"{PROJECT}/environments/1e1", {"purge": "true"})
    assert result.stdout.splitlines()[0] == "stack shop: removing: Removing services: web"
    assert "shop_web_1: removed" in result.stdout


def test_a_removed_stack_that_can_still_be_read_counts_as_gone(api: FakeApi, run: Run) -> None:
    api.frames = [Frame("removing"), Frame("removed")]
    assert run("down", "-p", "shop", "--json").exit_code == 0


def test_down_of_what_is_not_there_is_no_error(api: FakeApi, run: Run) -> None:
    result = run("down", "-p", "shop")
    assert (result.exit_code, result.stdout) == (0, "stack shop: there is none\n")
    assert json.loads(run("down", "-p", "shop", "--json").stdout) == {
        "name": "shop",
        "state": "removed",
        "services": [],
    }


def test_rm_without_names_is_down(api: FakeApi, run: Run) -> None:
    api.frames = [Frame("removing"), Frame(gone=True)]
    assert run("rm", "-p", "shop").exit_code == 0
    assert [a.path for a in api.asked if a.method == "DELETE"] == [f"{PROJECT}/environments/1e1"]


def test_rm_removes_only_the_services_it_was_given(api: FakeApi, run: Run) -> None:
    db = {"db": {"containers": [a_container(9, "db")]}}
    api.frames = [Frame(services=db | web("running")), Frame(services=db)]
    api.reads = 1
    result = run("rm", "-p", "shop", "web")
    assert result.exit_code == 0, result.output
    deleted = [(a.path, a.query) for a in api.asked if a.method == "DELETE"]
    assert deleted == [(f"{PROJECT}/services/1s2", {"purge": "true"})]


@pytest.mark.parametrize("command", [("down",), ("rm",), ("rm", "web")])
def test_volumes_of_their_own_are_not_lost_without_a_yes(api: FakeApi, run: Run, command: tuple[str, ...]) -> None:
    config = {"dataVolumes": ["/var/lib/data", "/host:/mounted"]}
    api.frames = [Frame(services=web("running", launchConfig=config)), Frame(gone=True)]
    api.reads = 0
    refused = run(*command, "-p", "shop")
    assert refused.exit_code == 2
    assert "The containers of web have volumes of their own; their data would be lost. Add --yes" in refused.stderr
    assert {a.method for a in api.asked} == {"GET"}
    api.answers[f"GET {PROJECT}/environments/1e1"] = [(404, {"type": "error", "code": "Not Found"})]
    outcome = run(*command, "-p", "shop", "--yes")
    assert outcome.exit_code == 0, outcome.output


def test_folders_of_the_host_are_not_lost_and_not_asked_about(api: FakeApi, run: Run) -> None:
    api.frames = [Frame(services=web("running", launchConfig={"dataVolumes": ["/host:/mounted"]})), Frame(gone=True)]
    assert run("down", "-p", "shop").exit_code == 0
