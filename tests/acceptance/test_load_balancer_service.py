"""The type `loadBalancerService`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.load_balancers import pages
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import NAMED_PAGE, World, page
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(7, "there are no load balancers")
def test_a_published_port_answers_from_all_containers_of_a_service(it: World, stack: Any) -> None:
    """linked service scaled to 3 answers from three containers through the published port"""
    port = it.port()
    balancer = it.create(
        "loadBalancerService", name="front", environmentId=stack.id, launchConfig={"ports": [f"{port}:80"]}
    )
    service = it.service(stack, "web", command=NAMED_PAGE)
    it.act(balancer, "addservicelink", serviceLink={"serviceId": service.id, "ports": []})
    assert it.settled(it.act(balancer, "activate")).state == "active"
    url = f"http://{it.lab.address}:{port}/"
    eventually(lambda: page(url), what="the port answers")
    assert set(pages(url, 4)) == names(it, service)

    it.settled(it.client.update(service, scale=3))
    eventually(lambda: set(pages(url, 6)) == names(it, service), what="three containers answer")
    answers = pages(url, 30)
    assert {name: answers.count(name) for name in set(answers)} == dict.fromkeys(names(it, service), 10)


def names(it: World, service: Any) -> set[str]:
    """Return the host names of a service's containers, which are their pages."""
    return {it.docker(c).attrs["Config"]["Hostname"] for c in it.running(service)}
