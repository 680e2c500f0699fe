from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.cli.fake_api import PROJECT, FakeApi


def test_a_path_from_the_root_is_asked_as_it_is(api: FakeApi, run: Run) -> None:
    api.answers["GET /v1/hosts"] = [{"data": [{"id": "1h1"}]}]
    result = run("api", "get", "/v1/hosts?limit=1")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"data": [{"id": "1h1"}]}
    assert [(a.path, a.query, a.keys) for a in api.asked] == [("/v1/hosts", {"limit": "1"}, ("A", "S"))]


def test_a_path_without_a_root_is_one_of_the_environment(api: FakeApi, run: Run) -> None:
    api.answers[f"POST {PROJECT}/environments"] = [(201, {"id": "1e1"})]
    result = run("api", "POST", "environments", '{"name": "shop"}')
    assert json.loads(result.stdout) == {"id": "1e1"}
    assert api.bodies("POST", "environments") == [{"name": "shop"}]


def test_a_path_never_leads_to_another_server(api: FakeApi, run: Run) -> None:
    for path in ("//elsewhere.example/v1", "@elsewhere.example/v1", "http://elsewhere.example/v1"):
        assert run("api", "GET", path).stderr.startswith("error: Not Found"), path
        assert api.asked[-1].path.endswith("elsewhere.example/v1")


def test_a_body_that_is_no_object_is_not_sent(api: FakeApi, run: Run) -> None:
    for body, why in (("{", "the body is no JSON"), ("[]", "the body must be a JSON object")):
        result = run("api", "PUT", "/v1/hosts/1h1", body)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"error: {why}")
    assert api.asked == []
