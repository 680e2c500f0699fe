"""The type `instance`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.world import World

pytestmark = pytest.mark.docker


def test_instances_are_the_containers(it: World, stack: Any, name: str) -> None:
    """lists exactly the containers (and VMs) with the same ids"""
    alone = it.container(name)
    of_service = it.running(it.service(stack, "web", scale=2))

    instances = it.client.list_instance(limit=3000)
    assert {alone.id, *(c.id for c in of_service)} <= {i.id for i in instances}
    # A container that is purged in the background meanwhile is in neither list.
    assert {i.id for i in instances if i.removed is None} >= {c.id for c in it.client.list_container(removed_null=True)}
    assert {i.type for i in instances} == {"container"}
    same = it.client.by_id("instance", alone.id)
    assert (same.id, same.uuid, same.externalId) == (alone.id, alone.uuid, alone.externalId)
