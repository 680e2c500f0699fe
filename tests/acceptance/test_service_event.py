"""The type `serviceEvent`."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, WITHIN_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker

CHECK = {"port": 80, "interval": 500, "responseTimeout": 500, "healthyThreshold": 1, "unhealthyThreshold": 2}


@not_yet_true(7, "health is not checked")
def test_a_container_that_all_checkers_report_down_is_replaced(it: World, stack: Any) -> None:
    """DOWN from all checkers makes the container unhealthy and its service replaces it"""
    service = it.service(stack, "web", healthCheck=CHECK)
    container = one(it.running(service))
    assert container.healthState, "it has no health"
    eventually(lambda: it.client.reload(container).healthState == "healthy", SOON_S, "it is healthy")
    reports = it.client.list_serviceEvent(instanceId=container.id, reportedHealth="UP").data
    checkers = {(r.hostId, r.healthcheckUuid) for r in reports}
    assert {host for host, _ in checkers} == {it.host.id}, "there is no other host that could check"

    agent = it.agent_of_the_host()
    for _, uuid in checkers:
        agent.create_serviceEvent(healthcheckUuid=uuid, reportedHealth="DOWN", externalTimestamp=int(time.time()) + 1)
    gone = ("unhealthy", "updating-unhealthy")
    eventually(
        lambda: it.state(container) != "running" or it.client.reload(container).healthState in gone,
        SOON_S,
        "it is unhealthy",
    )
    eventually(lambda: it.state(container) in ("removed", "purged"), WITHIN_S, "it is removed")
    replacement = one(it.running(service))
    assert (replacement.name, it.settled(service).state) == (f"{stack.name}_web_2", "active")
