"""The type `loadBalancerConfigListenerMap`."""

from __future__ import annotations

import httpx2
import pytest

from tests.acceptance.load_balancers import a_balancer, a_target
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, one, page
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(7, "there are no load balancers")
def test_a_listener_in_a_config_is_an_open_port(it: World, name: str) -> None:
    """active after addlistener and the port opens; removed after removelistener and the port refuses"""
    balancer = a_balancer(it, name, [a_target(it, name)])
    balancer.wait_until_open(it)
    first = one(balancer.config.loadBalancerConfigListenerMaps())
    assert (first.loadBalancerListenerId, it.settled(first).state) == (balancer.listener.id, "active")

    port = it.port()
    added = it.create("loadBalancerListener", name=f"{name}-2", sourcePort=port, privatePort=81, sourceProtocol="http")
    url = f"http://{it.lab.address}:{port}/"
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url)
    it.act(balancer.config, "addlistener", loadBalancerListenerId=added.id)
    row = one(it.client.list_loadBalancerConfigListenerMap(loadBalancerListenerId=added.id))
    assert (it.settled(row).state, row.loadBalancerConfigId) == ("active", balancer.config.id)
    eventually(lambda: page(url), what="the port opens")

    it.act(balancer.config, "removelistener", loadBalancerListenerId=added.id)
    eventually(lambda: it.state(row) in ("removed", "purged"), what="the row is removed")
    eventually(lambda: page(url) is None, what="the port is closed")
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url)
    assert page(balancer.url), "the other listener stays"
