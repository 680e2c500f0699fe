"""The type `loadBalancerConfig`."""

from __future__ import annotations

import httpx2
import pytest

from tests.acceptance.load_balancers import a_balancer, a_target, on_host, pages
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(7, "there are no load balancers")
def test_one_policy_reaches_all_load_balancers_with_the_config(it: World, name: str) -> None:
    """changing its stickiness policy makes repeated requests with the cookie stay on one target, for every LB that \
uses it"""
    both = {f"{name}-{n}" for n in (1, 2)}
    targets = [a_target(it, target) for target in both]
    first = a_balancer(it, name, targets)
    with it.joined() as host:
        second = it.create("loadBalancer", name=f"{name}-second", loadBalancerConfigId=first.config.id)
        on_host(it, second, host)
        for target in targets:
            it.act(second, "addtarget", loadBalancerTarget={"instanceId": target.id, "ports": ["80"]})
        urls = [first.url, f"http://{it.machine().address}:{first.port}/"]
        for url in urls:
            eventually(lambda url=url: set(pages(url, 2)) == both, what=f"{url} answers from both")
            with httpx2.Client() as client:
                assert set(pages(url, 6, client)) == both, "nothing sticks yet"

        it.client.update(first.config, lbCookieStickinessPolicy={"cookie": "STUCK", "mode": "insert", "indirect": True})
        it.settled(first.config)
        for url in urls:
            eventually(lambda url=url: "STUCK" in httpx2.get(url).cookies, what=f"{url} sets the cookie")
            with httpx2.Client() as client:
                answers = set(pages(url, 10, client))
            assert len(answers) == 1 and answers < both
            assert set(pages(url, 6)) == both, "who sends no cookie is sent to both"
