"""The type `instance`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.world import World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def test_instances_are_the_containers(it: World, stack: Any, name: str) -> None:
    """lists exactly the containers (and VMs) with the same ids"""
    ours = [it.container(name), *it.running(it.service(stack, "web", scale=2))]

    def ids(kind: str) -> set[str]:
        return {r.id for r in it.client.list(kind, limit=3000)}

    # What earlier tests left is purged meanwhile, and may go between two requests.
    eventually(lambda: ids("instance") == ids("container"), what="both lists are the same")
    assert {c.id for c in ours} <= ids("instance")
    for container in ours:
        same = it.client.by_id_instance(container.id)
        assert (same.type, same.id, same.uuid) == ("container", container.id, container.uuid)
        assert same.externalId == it.docker(container).id
