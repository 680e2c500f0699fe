"""One installation for all acceptance tests. Each test gets a name of its own, and leaves no container running."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.world import World
from tests.cluster.installation import an_installation


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with an_installation(tmp_path_factory.mktemp("acceptance")) as installation:
        opened = World(installation)
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture
def it(world: World) -> Iterator[World]:
    """The installation, with a host on which nothing of another test runs on."""
    yield world
    world.clear()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test gives to anything."""
    return request.path.stem.removeprefix("test_").replace("_", "-")


@pytest.fixture
def stack(it: World, name: str) -> Any:
    """An empty stack of that name."""
    return it.create("environment", name=name)
