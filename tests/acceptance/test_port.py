"""The type `port`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, one, page
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "a changed port takes effect only when the container starts next")
def test_a_published_port_moves_while_the_container_runs(it: World, name: str) -> None:
    """PUT of publicPort moves the published port of the running container"""
    before, after = it.port(), it.port()
    container = it.container(name, ports=[f"{before}:80"])
    eventually(lambda: page(f"http://{it.lab.address}:{before}/"), what="the port answers")
    port = one(container.ports_link())
    assert (port.publicPort, port.privatePort, port.protocol) == (before, 80, "tcp")

    it.client.update(port, publicPort=after)
    assert it.settled(port).publicPort == after
    eventually(lambda: page(f"http://{it.lab.address}:{after}/"), 5, "the other port answers")
    assert page(f"http://{it.lab.address}:{before}/") is None
    assert it.client.reload(container).startCount == container.startCount, "it was not started anew"
