"""The type `loadBalancerListener`."""

from __future__ import annotations

import httpx2
import pytest

from tests.acceptance.load_balancers import AGENT, a_balancer, a_target
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, page
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(7, "there are no load balancers")
def test_the_algorithm_of_a_listener_is_that_of_the_proxy(it: World, name: str) -> None:
    """`leastconn` or `source` shows in the running HAProxy's backend; deleting it closes the port"""
    target = a_target(it, name)
    for algorithm in ("leastconn", "source"):
        balancer = a_balancer(it, f"{name}-{algorithm}", [target], listener={"algorithm": algorithm})
        balancer.wait_until_open(it)
        proxies = it.client.list_container(name=AGENT, state="running")
        texts = [it.run(proxy, "cat", "/etc/haproxy/haproxy.cfg") for proxy in proxies]
        mine = [text for text in texts if balancer.listener.uuid in text]
        assert len(mine) == 1 and f"balance {algorithm}" in mine[0]

        it.client.delete(balancer.listener)
        eventually(lambda url=balancer.url: page(url) is None, what="the port is closed")
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(balancer.url)
        assert it.state(balancer.listener) in ("removed", "purged")
