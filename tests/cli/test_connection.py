"""How commands reach the API: where they go, with which keys, and how refusals reach the user."""

from __future__ import annotations

import socket

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_api import PROJECT, FakeApi, Frame, error


def test_a_proxy_of_the_environment_does_not_come_between_us_and_loopback(api: FakeApi, run: Run) -> None:
    assert run("ps", "--json", HTTP_PROXY="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1").exit_code == 0


def test_keys_are_sent_and_the_secret_stays_out_of_the_output(api: FakeApi, run: Run) -> None:
    result = run("ps", "--json")
    assert api.asked[0].keys == ("A", "S")
    assert result.stderr == ""


def test_the_older_names_of_the_variables_work_too(api: FakeApi, run: Run) -> None:
    keys = {"RANCHER_URL": "", "RANCHER_ACCESS_KEY": "", "RANCHER_SECRET_KEY": ""}
    older = {"CATTLE_URL": api.url, "CATTLE_ACCESS_KEY": "B", "CATTLE_SECRET_KEY": "T"}
    assert run("ps", "--json", **keys, **older).exit_code == 0
    assert api.asked[0].keys == ("B", "T")


def test_a_secret_on_the_command_line_is_warned_about_but_used(api: FakeApi, run: Run) -> None:
    result = run("--secret-key", "typed", "ps", "--json")
    assert result.exit_code == 0
    assert "every user of this machine can read --secret-key" in result.stderr
    assert "typed" not in result.output
    assert api.asked[0].keys == ("A", "typed")


def test_without_a_url_the_user_is_told_what_to_set(run: Run) -> None:
    result = run("ps", RANCHER_URL="")
    assert result.exit_code == 2
    assert "set RANCHER_URL" in result.stderr


def test_the_only_environment_is_taken_when_the_url_names_none(api: FakeApi, run: Run) -> None:
    project = {"id": "1a5", "type": "project", "state": "active", "name": "Default"}
    api.answers["GET /v1/projects"] = [{"type": "collection", "data": [project]}]
    assert run("ps", "--json", RANCHER_URL=api.server).exit_code == 0
    assert api.asked[-1].path == f"{PROJECT}/environments"


def test_with_several_environments_the_user_chooses(api: FakeApi, run: Run) -> None:
    projects = [{"id": f"1a{n}", "type": "project", "state": "active", "name": f"P{n}"} for n in (5, 7)]
    api.answers["GET /v1/projects"] = [{"type": "collection", "data": projects}]
    result = run("ps", RANCHER_URL=api.server)
    assert result.exit_code == 1
    assert f"{api.server}/v1/projects/1a5 (P5), {api.server}/v1/projects/1a7 (P7)" in result.stderr


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (
            error(422, "InvalidReference", "'a b' is not an image", fieldName="imageUuid"),
            "error: InvalidReference imageUuid: 'a b' is not an image",
        ),
        (error(401, "Unauthorized", "Unauthorized"), "error: Unauthorized: the keys are missing, wrong or"),
        (error(409, "Conflict", None), "error: Conflict: the server refused this without saying more"),
        (error(422, "NotUnique", "taken", detail="by 1e4"), "error: NotUnique: taken (by 1e4)"),
        ((502, "<html>\n bad gateway</html>"), 'error: Bad Gateway: "<html>\\n bad gateway</html>"'),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_1(api: FakeApi, run: Run, document: object, line: str) -> None:
    api.answers[f"GET {PROJECT}/environments"] = [document]
    result = run("ps")
    assert result.exit_code == 1
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_a_page_that_is_no_api_is_said_to_be_none(api: FakeApi, run: Run) -> None:
    api.answers[f"GET {PROJECT}/environments"] = ["<html>Welcome to nginx"]
    result = run("ps")
    assert result.exit_code == 1
    assert "is not a v1 API; it answered: <html>Welcome to nginx" in result.stderr


def test_a_server_that_does_not_answer_is_named(run: Run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        result = run("ps", RANCHER_URL=f"{address}/v1/projects/1a5")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {address}/v1/projects/1a5 does not answer")


def test_options_before_the_command_are_the_defaults_of_its_own(api: FakeApi, run: Run) -> None:
    api.frames = [Frame(services={"web": {}})]
    assert run("-p", "shop", "ps").exit_code == 0
    result = run("-p", "other", "ps")
    assert result.exit_code == 1
    assert "there is no stack other" in result.stderr
    assert run("-p", "other", "ps", "-p", "shop").exit_code == 0
    assert run("-p", "shop", "ps", COMPOSE_PROJECT_NAME="other").exit_code == 0
