"""The type `loadBalancerTarget`."""

from __future__ import annotations

import httpx2
import pytest

from tests.acceptance.load_balancers import a_balancer
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, one, page
from tests.waiting import eventually

pytestmark = pytest.mark.docker

SERVES_8080 = "mkdir /eight; echo from 8080 > /eight/index.html; httpd -p 8080 -h /eight; exec /serve"


@not_yet_true(7, "there are no load balancers")
def test_the_rule_of_a_target_chooses_its_requests(it: World, name: str) -> None:
    """its rule `a.com:80=8080` sends only requests for a.com to port 8080 of the container"""
    container = it.container(name, command=["/bin/sh", "-c", SERVES_8080])
    balancer = a_balancer(it, name, [])
    it.act(balancer.itself, "addtarget", loadBalancerTarget={"instanceId": container.id, "ports": ["a.com:80=8080"]})
    target = one(balancer.itself.loadBalancerTargets())
    assert (it.settled(target).state, target.ports) == ("active", ["a.com:80=8080"])
    eventually(lambda: page(balancer.url, Host="a.com") == "from 8080", what="requests for a.com go to port 8080")
    for other in ("b.com", "a.com.org", "www.a.com"):
        assert httpx2.get(balancer.url, headers={"Host": other}).status_code == 503, other
    assert page(balancer.url, Host="A.COM") == "from 8080"
