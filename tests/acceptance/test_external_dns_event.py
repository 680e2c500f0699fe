"""The type `externalDnsEvent`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "external events have no effect")
def test_a_service_shows_the_name_that_was_published_for_it(it: World, stack: Any) -> None:
    """after the event the service shows the given `fqdn`"""
    service = it.service(stack, "web")
    assert service.fqdn is None
    fqdn = "web.acceptance.example.org"
    it.event(
        "externalDnsEvent",
        externalId=fqdn,
        eventType="dns.update",
        stackName=stack.name,
        serviceName=service.name,
        fqdn=fqdn,
    )
    eventually(lambda: it.client.reload(service).fqdn == fqdn, SOON_S, "the service shows the name")
    assert it.settled(service).state == "active"
