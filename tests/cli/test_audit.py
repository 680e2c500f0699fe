"""`trailboss audit`, against the API itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from tests.databases import migrated_sqlite  # noqa: F401  (fixture)
from tests.serving import Api, Installation, OpenApi, admin, api, installation, open_api, running_api  # noqa: F401
from trailboss.cli.app import app


@pytest.fixture
def url(installation: Installation, api: Api) -> Iterator[str]:  # noqa: F811
    for name in ("one", "two"):
        api.create("environments", name=name, description="of, the shop")
    api.ask("DELETE", "environments/1e99")
    with running_api(installation.app) as url:
        yield url


def lines(url: str, key: tuple[str, str], *options: str) -> list[str]:
    environment = {"RANCHER_URL": url, "RANCHER_ACCESS_KEY": key[0], "RANCHER_SECRET_KEY": key[1]}
    done = CliRunner().invoke(app, ["audit", *options], env=environment)
    assert done.exit_code == 0, done.output
    # the server in this process logs to the same place
    return [line for line in done.stdout.splitlines() if "[info" not in line]


def test_each_entry_is_a_line_for_people(url: str, installation: Installation) -> None:  # noqa: F811
    found = lines(url, installation.project_key)
    assert len(found) == 3
    assert "127.0.0.1 1a5 api.environment.create 1e1 201" in found[0]
    assert "api.environment.delete 1e99 404 Not Found" in found[2]


def test_entries_are_exported(url: str, installation: Installation) -> None:  # noqa: F811
    rows = [json.loads(line) for line in lines(url, installation.project_key, "--format", "jsonl")]
    assert [row["responseCode"] for row in rows] == [201, 201, 404]
    text = "\n".join(lines(url, installation.project_key, "--format", "csv"))
    table = list(csv.DictReader(io.StringIO(text)))
    assert [json.loads(row["requestObject"]).get("description") for row in table] == ["of, the shop"] * 2 + [None]


def test_entries_are_chosen(url: str, installation: Installation, open_api: OpenApi) -> None:  # noqa: F811
    key = installation.project_key
    assert len(lines(url, key, "--event", "api.environment.create")) == 2
    assert len(lines(url, key, "--since", "1h")) == 3
    assert lines(url, key, "--since", "2100-01-01") == []
    assert len(lines(url, installation.admin_key, "--all")) == 3
    done = CliRunner().invoke(app, ["audit", "--since", "soon"], env={"RANCHER_URL": url})
    assert done.exit_code != 0
    assert "neither like 24h" in done.output
