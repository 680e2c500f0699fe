"""The type `serviceConsumeMap`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.world import World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def test_a_link_is_one_row_and_one_name(it: World, stack: Any) -> None:
    """one active row per link; removing the link ends the DNS name in the consumer"""
    target = it.service(stack, "target")
    consumer = it.service(stack, "consumer")
    asking, asked = one(it.running(consumer)), one(it.running(target))
    link = {"serviceId": target.id, "name": "its-alias"}

    it.act(consumer, "addservicelink", serviceLink=link)
    eventually(lambda: it.resolve(asking, "its-alias") == {asked.primaryIpAddress}, what="the name is known")
    row = one([m for m in it.client.list_serviceConsumeMap(serviceId=consumer.id) if m.state == "active"])
    assert (row.consumedServiceId, row.name) == (target.id, "its-alias")

    it.act(consumer, "removeservicelink", serviceLink=link)
    eventually(lambda: not it.resolve(asking, "its-alias"), what="the name is not known any more")
    assert [m for m in it.client.list_serviceConsumeMap(serviceId=consumer.id) if m.state == "active"] == []
