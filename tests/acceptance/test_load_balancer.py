"""The type `loadBalancer`."""

from __future__ import annotations

import pytest

from tests.acceptance.load_balancers import a_balancer, a_target, pages
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(7, "there are no load balancers")
def test_a_port_of_the_host_answers_from_both_targets(it: World, name: str) -> None:
    """with a host, a listener and two targets, the host's port answers alternately from both"""
    names = [f"{name}-{n}" for n in (1, 2)]
    targets = [a_target(it, n) for n in names]
    balancer = a_balancer(it, name, targets)
    balancer.wait_until_open(it)
    eventually(lambda: set(pages(balancer.url, 2)) == set(names), what="both targets answer")
    answers = pages(balancer.url, 10)
    assert answers == [answers[0], answers[1]] * 5 and answers[0] != answers[1]

    it.act(targets[0], "stop")
    assert it.settled(targets[0]).state == "stopped"
    eventually(lambda: set(pages(balancer.url, 4)) == {names[1]}, what="the other one goes on alone")
