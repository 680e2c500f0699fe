"""The type `instanceLink`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "links of single containers are stored, and not answered by name")
def test_a_link_resolves_to_its_target(it: World, name: str) -> None:
    """inside the container the link name resolves to the target, and to the new one after PUT"""
    first, second = it.container(f"{name}-first"), it.container(f"{name}-second")
    container = it.container(name, instanceLinks={"db": first.id})
    eventually(lambda: it.resolve(container, "db") == {first.primaryIpAddress}, SOON_S, "the name is that of the first")
    link = one(container.instanceLinks_link())
    assert (link.linkName, link.instanceId, link.targetInstanceId) == ("db", container.id, first.id)

    it.client.update(link, targetInstanceId=second.id)
    assert it.settled(link).state == "active"
    eventually(lambda: it.resolve(container, "db") == {second.primaryIpAddress}, SOON_S, "it is that of the second")
