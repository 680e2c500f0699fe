"""The type `ipAddress`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(7, "addresses are not shown, and there is no network between hosts")
def test_the_address_of_a_container_is_reached_from_another_host(it: World, name: str) -> None:
    """the address shown for a container answers ping from another host's container"""
    container = it.container(name, requestedHostId=it.host.id)
    shown = eventually(
        lambda: it.client.list_ipAddress(address=container.primaryIpAddress).data, SOON_S, "the address is shown"
    )
    address = one(shown)
    assert address.state == "active"
    assert address.network().name == "Rancher Managed Network"
    with it.joined() as host:
        other = it.container(f"{name}-other", requestedHostId=host.id)
        it.run(other, "ping", "-c", "1", "-w", "5", address.address)
