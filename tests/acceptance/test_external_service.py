"""The type `externalService`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(6, "external services are stored, and not answered")
def test_an_external_service_is_its_addresses_or_its_hostname(it: World, stack: Any) -> None:
    """containers linked to it resolve its name to the external IPs (or hostname)"""
    addresses = ["192.0.2.10", "192.0.2.11"]
    by_address = it.create("externalService", name="by-address", environmentId=stack.id, externalIpAddresses=addresses)
    by_name = it.create("externalService", name="by-name", environmentId=stack.id, hostname="db.example.org")
    asks = it.service(stack, "asks")
    for external in (by_address, by_name):
        it.settled(it.act(external, "activate"))
        it.act(asks, "addservicelink", serviceLink={"serviceId": external.id})
    asking = one(it.running(asks))
    eventually(lambda: it.resolve(asking, "by-address") == set(addresses), SOON_S, "it is the two addresses")
    eventually(lambda: "db.example.org" in it.lookup(asking, "by-name", "cname"), SOON_S, "it is the hostname")
