"""The type `externalHostEvent`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import WITHIN_S, World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "external events have no effect")
def test_a_host_is_emptied_and_then_removed(it: World, stack: Any) -> None:
    """host.evacuate with a label empties the matching hosts; service containers are re-made elsewhere; deleteHost \
removes the hosts"""
    it.create("externalHostEvent", eventType="host.evacuate", hostLabel="nobody=has-this")
    assert it.state(it.host) == "active"

    with it.joined(labels="leaves=soon") as host:
        service = it.service(stack, "web", scale=4)
        there = [c for c in it.running(service) if [h.id for h in c.hosts()] == [host.id]]
        assert there, "containers are spread over the hosts"

        it.create("externalHostEvent", eventType="host.evacuate", hostLabel="leaves=soon")
        assert it.state(host) == "inactive"
        assert {it.state(c) for c in there} <= {"removed", "purged"}
        eventually(lambda: len(it.running(service)) == 4, WITHIN_S, "the service has its containers again")
        assert {h.id for c in it.running(service) for h in c.hosts()} == {it.host.id}

        it.create("externalHostEvent", eventType="host.evacuate", hostId=host.id, deleteHost=True)
        eventually(lambda: it.state(host) in ("removed", "purged"), WITHIN_S, "the host is removed")
    assert it.state(it.host) == "active"
