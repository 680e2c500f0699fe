from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_api import PROJECT, FakeApi, Frame, a_container, error
from trailboss.compose import plan_stack, with_hashes

COMPOSE = """\
web:
  image: trailboss/hello:${TAG}
  links: [db]
db:
  image: trailboss/hello:1
"""


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "Shop"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(COMPOSE)
    (folder / ".env").write_text("# which\nTAG=1\nUNUSED=secret\n")
    return folder


def present(**changes: Any) -> dict[str, dict[str, Any]]:
    """The services of COMPOSE as a server shows them that made them from it."""
    plan = plan_stack(COMPOSE, None, {"TAG": "1"}, stack_name="shop")
    bodies = {s.name: with_hashes(s.body) for s in plan.services}
    return {name: {**body, "state": "active", **changes.get(name, {})} for name, body in bodies.items()}


def test_a_new_stack_is_made_from_the_texts_and_waited_for(api: FakeApi, run: Run, texts: Path) -> None:
    api.exists = False
    (texts / "rancher-compose.yml").write_text("web:\n  scale: 2\n")
    starting = a_container(1, state="starting", transitioningMessage="Starting on host-1")
    api.frames = [
        Frame("activating", "Creating services: web, db"),
        Frame("active", services={"web": {"state": "activating", "containers": [starting]}, "db": {}}),
        Frame("active", services={"web": {"containers": [a_container(1)]}, "db": {}}),
    ]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 0, result.output
    assert api.bodies("POST", "environments") == [
        {
            "name": "shop",
            "dockerCompose": COMPOSE,
            "rancherCompose": "web:\n  scale: 2\n",
            "environment": {"TAG": "1"},
            "startOnCreate": True,
        }
    ]
    assert result.stdout.splitlines() == [
        "stack shop: activating: Creating services: web, db",
        "stack shop: active",
        "service web: activating",
        "shop_web_1: starting: Starting on host-1",
        "service db: active",
        "service web: active",
        "shop_web_1: running",
    ]


def test_json_is_one_document_and_progress_goes_to_standard_error(api: FakeApi, run: Run, texts: Path) -> None:
    api.frames = [Frame(services=present(web={"containers": [a_container(1)]}))]
    result = run("up", "--json", "-f", str(texts / "docker-compose.yml"))
    document = json.loads(result.stdout)
    assert (document["name"], document["state"]) == ("shop", "active")
    assert [s["name"] for s in document["services"]] == ["db", "web"]
    assert "service web: active" in result.stderr


def test_only_the_variables_that_the_texts_ask_for_are_sent(api: FakeApi, run: Run, texts: Path) -> None:
    api.exists, api.frames = False, [Frame(services=present())]
    (texts / "other.env").write_text("TAG=7\nUNUSED=secret\n")
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"), "-e", str(texts / "other.env"), TAG="9")
    assert result.exit_code == 0
    assert api.bodies("POST", "environments")[0]["environment"] == {"TAG": "7"}


def test_the_environment_of_the_process_answers_last(api: FakeApi, run: Run, texts: Path) -> None:
    api.exists, api.frames = False, [Frame(services=present())]
    (texts / ".env").unlink()
    assert run("up", "-d", "-f", str(texts / "docker-compose.yml"), TAG="9").exit_code == 0
    assert api.bodies("POST", "environments")[0]["environment"] == {"TAG": "9"}


def test_a_variable_that_is_not_set_is_warned_about(api: FakeApi, run: Run, texts: Path) -> None:
    api.exists, api.frames = False, [Frame(services=present())]
    (texts / ".env").unlink()
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert "the variable TAG is not set" in result.stderr


def test_a_stack_that_is_as_the_texts_say_is_left_alone(api: FakeApi, run: Run, texts: Path) -> None:
    api.frames = [Frame(services=present())]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 0
    assert "nothing to do" in result.stderr
    assert {a.method for a in api.asked} == {"GET"}


def test_a_changed_launch_config_is_reported_and_nothing_is_changed(api: FakeApi, run: Run, texts: Path) -> None:
    services = present()
    del services["db"]
    api.frames = [Frame(services=services)]
    (texts / "docker-compose.yml").write_text(COMPOSE.replace("hello:${TAG}", "other:${TAG}"))
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 4
    assert "the texts of web have changed: needs upgrade, not served by this version yet" in result.stderr
    assert {a.method for a in api.asked} == {"GET"}


def test_a_missing_service_is_made_linked_and_started(api: FakeApi, run: Run, texts: Path) -> None:
    services = present()
    made = {"id": "1s9", "name": "web", "type": "service", "state": "inactive", "links": {}, "actions": {}}
    made["links"] = {"self": f"{api.url}/services/1s9"}
    made["actions"] = {a: f"{api.url}/services/1s9/?action={a}" for a in ("activate", "setservicelinks")}
    api.answers[f"POST {PROJECT}/services"] = [(201, made)]
    api.answers[f"GET {PROJECT}/services/1s9"] = [made]
    # What the stack shows goes on with each reading of it; before the first one it lacks a service.
    api.frames = [Frame(services={"db": services["db"]}), Frame(services=services)]
    api.reads = 1
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 0, result.output
    body = api.bodies("POST", "services")[0]
    assert (body["name"], body["environmentId"]) == ("web", "1e1")
    assert body["launchConfig"]["labels"]["io.rancher.service.hash"]
    actions = [(a.query["action"], a.body) for a in api.asked if a.path == f"{PROJECT}/services/1s9/" and a.query]
    assert actions == [
        ("setservicelinks", {"serviceLinks": [{"serviceId": "1s1", "name": "db"}]}),
        ("activate", {}),
    ]


def test_a_stopped_service_is_started(api: FakeApi, run: Run, texts: Path) -> None:
    api.frames = [Frame(services=present(web={"state": "inactive"})), Frame(services=present())]
    api.reads = 1
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 0, result.output
    assert [a.query["action"] for a in api.asked if a.method == "POST"] == ["activate"]


def test_the_scale_of_a_service_that_is_there_stays_and_this_is_said(api: FakeApi, run: Run, texts: Path) -> None:
    api.frames = [Frame(services=present(web={"scale": 5}))]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 0
    assert "service web: stays at scale 5; the texts say 1" in result.stderr
    assert {a.method for a in api.asked} == {"GET"}


def test_files_that_the_texts_name_are_read_here(api: FakeApi, run: Run, texts: Path) -> None:
    (texts / "docker-compose.yml").write_text("db:\n  image: trailboss/hello:1\n  env_file: more.env\n")
    (texts / "more.env").write_text("COLOUR=red\n")
    made = {"id": "1s1", "name": "db", "type": "service", "state": "active", "links": {}, "actions": {}}
    api.answers[f"POST {PROJECT}/services"] = [(201, made)]
    api.exists = False
    api.frames = [Frame(), Frame(services={"db": {}})]
    api.reads = 1
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 0, result.output
    assert "dockerCompose" not in api.bodies("POST", "environments")[0]
    assert api.bodies("POST", "services")[0]["launchConfig"]["environment"] == {"COLOUR": "red"}


def test_a_text_that_cannot_be_understood_is_refused_before_anything_is_asked(
    api: FakeApi, run: Run, texts: Path
) -> None:
    (texts / "docker-compose.yml").write_text("web:\n  image: a\n  volumess: [x]\n")
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 1
    assert result.stderr.startswith("error: docker-compose.yml, line 3: ")
    assert {a.method for a in api.asked} == {"GET"}


def test_a_missing_compose_file_is_named(run: Run) -> None:
    result = run("up", "-d", "-f", "nowhere/docker-compose.yml")
    assert result.exit_code == 1
    assert "nowhere/docker-compose.yml cannot be read: No such file or directory" in result.stderr


def test_a_failed_stack_ends_with_its_reason_and_exit_code_4(api: FakeApi, run: Run, texts: Path) -> None:
    api.exists = False
    api.frames = [Frame("activating"), Frame("error", "a loadBalancerService is not served", failed=True)]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 4
    assert result.stderr.endswith("error: stack shop: a loadBalancerService is not served\n")


def test_a_failed_container_ends_with_its_reason(api: FakeApi, run: Run, texts: Path) -> None:
    broken = a_container(1, state="stopped", transitioning="error", transitioningMessage="no such image")
    services = present(web={"state": "activating", "containers": [broken]})
    api.frames = [Frame(services=services)]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 4
    assert "container shop_web_1: no such image" in result.stderr


def test_a_container_that_keeps_ending_is_said_with_its_last_lines_and_exit_code_5(
    api: FakeApi, run: Run, texts: Path
) -> None:
    ending = a_container(1, state="starting", startCount=5, quickExits=5, exitCode=3)
    api.frames = [Frame(services=present(web={"state": "updating-active", "containers": [ending]}))]
    api.streams["/v1/logs/1i1"] = [["02 2026-11-25T08:00:01.0Z no database"]]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 5
    assert result.stderr.splitlines()[-2:] == [
        "| no database",
        "error: container shop_web_1 has ended 5 times in a row soon after its start, the last time with exit code 3",
    ]


def test_when_the_time_is_over_it_says_what_is_still_waited_for(api: FakeApi, run: Run, texts: Path) -> None:
    services = present(web={"state": "activating", "transitioningMessage": "No host has memory free"})
    api.frames = [Frame(services=services)]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"), "--timeout", "0.3")
    assert result.exit_code == 3
    expected = "error: not done after 0.3 s: service web is activating: No host has memory free\n"
    assert result.stderr.endswith(expected)


def test_the_container_that_holds_a_service_up_is_named_with_its_reason(api: FakeApi, run: Run, texts: Path) -> None:
    stuck = a_container(2, state="starting", transitioningMessage="No host has port 80 free")
    api.frames = [Frame(services=present(web={"state": "activating", "containers": [a_container(1), stuck]}))]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"), "--timeout", "0.1")
    assert "service web is activating (shop_web_2 is starting: No host has port 80 free)" in result.stderr


def test_a_reason_that_the_service_gives_itself_is_not_said_twice(api: FakeApi, run: Run, texts: Path) -> None:
    stuck = a_container(2, state="starting", transitioningMessage="No host has port 80 free")
    message = "0 of 1 running; shop_web_2 is starting: No host has port 80 free"
    web = {"state": "activating", "transitioningMessage": message, "containers": [stuck]}
    api.frames = [Frame(services=present(web=web))]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"), "--timeout", "0.1")
    assert result.stderr.endswith(f"service web is activating: {message}\n")


def test_a_server_that_comes_back_while_we_wait_is_asked_again(api: FakeApi, run: Run, texts: Path) -> None:
    api.frames = [Frame(services=present())]
    path = f"GET {PROJECT}/environments/1e1"
    stack = api._stack(api.frames[0])
    api.answers[path] = ["<html>starting", stack]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 0, result.output
    assert "is not a v1 API" in result.stdout
    assert "trying again" in result.stdout


def test_a_stack_that_is_removed_meanwhile_ends_the_waiting(api: FakeApi, run: Run, texts: Path) -> None:
    api.exists = False
    api.frames = [Frame("activating"), Frame(gone=True)]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 4
    assert "the stack was removed meanwhile" in result.stderr


def test_a_stack_that_is_being_removed_is_let_go_first(api: FakeApi, run: Run, texts: Path) -> None:
    removing = {"data": [api._stack(Frame("removing"))]}
    api.answers[f"GET {PROJECT}/environments"] = [removing, {"data": []}]
    api.frames = [Frame("removing", "Removing services: web"), Frame("removed"), Frame(services=present())]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == ["stack shop: removing: Removing services: web", "stack shop: removed"]
    assert len(api.bodies("POST", "environments")) == 1


def test_the_servers_refusal_of_the_stack_is_shown(api: FakeApi, run: Run, texts: Path) -> None:
    api.exists = False
    api.answers[f"POST {PROJECT}/environments"] = [error(422, "NotUnique", "taken", fieldName="name")]
    result = run("up", "-d", "-f", str(texts / "docker-compose.yml"))
    assert result.exit_code == 1
    assert result.stderr.endswith("error: NotUnique name: taken\n")
