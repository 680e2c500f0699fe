"""The type `globalLoadBalancer`."""

from __future__ import annotations

import pytest

from tests.acceptance.load_balancers import a_balancer, a_target, on_host
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World
from tests.waiting import eventually

pytestmark = pytest.mark.docker

LOOKUPS = 400


@not_yet_true(7, "there are no load balancers")
def test_look_ups_are_in_proportion_to_the_weights(it: World, name: str) -> None:
    """lookups of its name return the hosts of its LBs in proportion 3:1 for weights 3 and 1"""
    group = it.create("globalLoadBalancer", name=name)
    target = a_target(it, name)
    heavy = a_balancer(it, f"{name}-heavy", [target])
    with it.joined() as host:
        light = it.create("loadBalancer", name=f"{name}-light", loadBalancerConfigId=heavy.config.id)
        on_host(it, light, host)
        for balancer, weight in ((heavy.itself, 3), (light, 1)):
            it.act(group, "addloadbalancer", loadBalancerId=balancer.id, weight=weight)
            it.settled(group)
        full = f"{name}.glb.rancher.internal"
        both = {it.lab.address, it.machine().address}
        eventually(lambda: it.resolve(target, full) == both, what="both hosts are answered")

        loop = f"for i in $(seq {LOOKUPS}); do nslookup {full} | grep '^Address' | sed -n 2p; done"
        firsts = [line.split()[-1] for line in it.run(target, "sh", "-c", loop).splitlines()]
        assert len(firsts) == LOOKUPS
        share = firsts.count(it.lab.address) / LOOKUPS
        assert 0.65 < share < 0.85, "three quarters, within more than four standard deviations"

        it.settled(it.act(heavy.itself, "deactivate"))
        eventually(lambda: it.resolve(target, full) == {it.machine().address}, what="the other one is left")
