"""The type `serviceExposeMap`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(6, "true of instances, but external services are not served")
def test_what_a_service_exposes_is_what_its_name_resolves_to(it: World, stack: Any) -> None:
    """lists exactly the instances, IPs or hostname that the service's name resolves to"""
    asks, web = it.service(stack, "asks"), it.service(stack, "web", scale=3)
    it.act(asks, "addservicelink", serviceLink={"serviceId": web.id})
    asking = one(it.running(asks))

    def exposed(service: Any) -> list[Any]:
        return [m for m in service.serviceExposeMaps() if m.state == "active"]

    for scale in (3, 1):
        it.settled(it.client.update(web, scale=scale))
        mapped = {m.instanceId for m in exposed(web)}
        assert mapped == {c.id for c in it.running(web)} and len(mapped) == scale
        addresses = {it.client.by_id_container(id_).primaryIpAddress for id_ in mapped}
        eventually(lambda a=addresses: it.resolve(asking, "web") == a, SOON_S, "the name is exactly these")

    external = it.create(
        "externalService", name="outside", environmentId=stack.id, externalIpAddresses=["192.0.2.1", "192.0.2.2"]
    )
    it.settled(it.act(external, "activate"))
    it.act(asks, "addservicelink", serviceLink={"serviceId": external.id})
    addresses = {m.ipAddress for m in exposed(external)}
    assert addresses == {"192.0.2.1", "192.0.2.2"}
    eventually(lambda: it.resolve(asking, "outside") == addresses, SOON_S, "the name is these addresses")

    named = it.create("externalService", name="named", environmentId=stack.id, hostname="db.example.org")
    it.settled(it.act(named, "activate"))
    it.act(asks, "addservicelink", serviceLink={"serviceId": named.id})
    assert one(exposed(named)).instanceId is None
    eventually(lambda: "db.example.org" in it.lookup(asking, "named", "cname"), SOON_S, "the name is the hostname")
