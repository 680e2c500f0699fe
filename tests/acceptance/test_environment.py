"""The type `environment`, which is what the API calls a stack."""

from __future__ import annotations

import pytest

from tests.acceptance.world import World
from tests.lab import IMAGE
from tests.waiting import eventually

pytestmark = pytest.mark.docker

COMPOSE = f"""
front:
  image: {IMAGE}
  links: [back]
back:
  image: {IMAGE}
"""
RANCHER_COMPOSE = """
back:
  scale: 2
"""


def test_a_stack_from_compose_texts_comes_up_and_leaves_nothing(it: World, name: str) -> None:
    """POST with compose text and startOnCreate brings all services of the text up; DELETE removes their containers"""
    stack = it.create(
        "environment", name=name, dockerCompose=COMPOSE, rancherCompose=RANCHER_COMPOSE, startOnCreate=True
    )
    services = {s.name: it.settled(s) for s in stack.services().data}
    assert {name: (s.state, s.scale) for name, s in services.items()} == {"front": ("active", 1), "back": ("active", 2)}
    containers = [c for s in services.values() for c in it.running(s)]
    assert sorted(c.name for c in containers) == [f"{name}_back_1", f"{name}_back_2", f"{name}_front_1"]
    assert {it.docker(c).status for c in containers} == {"running"}

    it.client.delete(stack)
    ids = {c.externalId for c in containers}
    eventually(lambda: not ids & {c.id for c in it.lab.docker.containers.list()}, what="none of them runs any more")
    eventually(lambda: {it.state(c) for c in containers} <= {"removed", "purged"}, what="they are removed")
    eventually(lambda: it.state(stack) in ("removed", "purged"), what="the stack is removed")
