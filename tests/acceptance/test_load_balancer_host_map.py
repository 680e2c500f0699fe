"""The type `loadBalancerHostMap`."""

from __future__ import annotations

import pytest

from tests.acceptance.load_balancers import AGENT, a_balancer, a_target
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(7, "there are no load balancers")
def test_a_host_in_a_load_balancer_is_a_proxy_on_it(it: World, name: str) -> None:
    """active means a container `Lb Agent` runs on that host; removed means it is gone"""
    before = {c.id for c in it.client.list_container(name=AGENT)}
    balancer = a_balancer(it, name, [a_target(it, name)])
    row = one(balancer.itself.loadBalancerHostMaps())
    eventually(lambda: it.state(row) == "active", what="the map is active")
    assert (row.hostId, row.loadBalancerId) == (it.host.id, balancer.itself.id)
    proxy = one(c for c in it.client.list_container(name=AGENT, state="running") if c.id not in before)
    assert [h.id for h in proxy.hosts()] == [it.host.id]
    assert it.docker(proxy).status == "running"

    it.act(balancer.itself, "removehost", hostId=it.host.id)
    eventually(lambda: it.state(row) in ("removed", "purged"), what="the map is removed")
    assert it.state(proxy) in ("removing", "removed", "purging", "purged")
    running = it.lab.docker.containers
    eventually(lambda: proxy.externalId not in {c.id for c in running.list()}, what="it runs no more in Docker")
