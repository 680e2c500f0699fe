"""The type `dnsService`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(6, "aliases are stored, and not answered")
def test_an_alias_is_the_services_that_it_links_to(it: World, stack: Any) -> None:
    """a container linked to the alias resolves it to the targets' addresses and follows a re-link"""
    alias = it.create("dnsService", name="alias", environmentId=stack.id)
    first, second = (it.service(stack, name, scale=2) for name in ("first", "second"))
    it.act(alias, "addservicelink", serviceLink={"serviceId": first.id})
    it.settled(it.act(alias, "activate"))
    asks = it.service(stack, "asks")
    it.act(asks, "addservicelink", serviceLink={"serviceId": alias.id})
    asking = one(it.running(asks))

    def addresses(service: Any) -> set[str]:
        return {c.primaryIpAddress for c in it.running(service)}

    eventually(lambda: it.resolve(asking, "alias") == addresses(first), SOON_S, "it is the first service")
    it.act(alias, "setservicelinks", serviceLinks=[{"serviceId": second.id}])
    eventually(lambda: it.resolve(asking, "alias") == addresses(second), SOON_S, "it is the second service")
    it.act(alias, "addservicelink", serviceLink={"serviceId": first.id})
    both = addresses(first) | addresses(second)
    eventually(lambda: it.resolve(asking, "alias") == both, SOON_S, "it is both")
