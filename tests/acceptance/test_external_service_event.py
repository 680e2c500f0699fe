"""The type `externalServiceEvent`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "external events have no effect, and services register no kinds")
def test_a_service_of_elsewhere_comes_and_goes(it: World, stack: Any, name: str) -> None:
    """service.create of a registered kind shows an active service in its stack; service.remove takes it away"""
    fields = {"origin": {"type": "string", "create": True, "update": True}}
    it.create(
        "service",
        name="registers",
        environmentId=stack.id,
        launchConfig={"imageUuid": "docker:trailboss-test:latest"},
        serviceSchemas={"mirroredService": {"resourceFields": fields}},
    )
    it.client.reload_schema()
    assert "mirroredService" in it.client.schema.types, "the kind is registered"

    agent, about = it.agent(), {"externalId": name, "environment": {"name": "mirrored", "externalId": "mirror://1"}}
    mirrored = {"kind": "mirroredService", "name": "shop", "origin": "elsewhere"}
    it.event("externalServiceEvent", agent, eventType="service.create", service=mirrored, **about)
    service = one(eventually(lambda: it.client.list_service(externalId=name).data, SOON_S, "the service is there"))
    shown = it.settled(service)
    assert (shown.type, shown.state, shown.name, shown.origin) == ("mirroredService", "active", "shop", "elsewhere")
    assert (shown.environment().name, shown.environment().externalId) == ("mirrored", "mirror://1")

    it.event("externalServiceEvent", agent, eventType="service.remove", service=mirrored, **about)
    eventually(lambda: it.state(service) in ("removed", "purged"), SOON_S, "the service is taken away")
