from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.fake_api import FakeApi
from trailboss.cli.app import app

Run = Callable[..., Result]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as running:
        yield running


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's shell or folder takes part."""
    for name in os.environ:
        if name.startswith(("RANCHER_", "CATTLE_", "COMPOSE_", "TRAILBOSS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(api: FakeApi) -> Run:
    """Run a command against the fake API with its keys."""

    def run_(*arguments: str, **environment: str) -> Result:
        keys = {"RANCHER_URL": api.url, "RANCHER_ACCESS_KEY": "A", "RANCHER_SECRET_KEY": "S"}
        return CliRunner().invoke(app, arguments, env=keys | environment, catch_exceptions=False)

    return run_
