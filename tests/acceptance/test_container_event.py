"""The type `containerEvent`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World
from tests.lab import IMAGE
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "containers that are started by Docker itself are not taken in")
def test_what_is_started_and_removed_by_docker_itself_is_followed(it: World, name: str) -> None:
    """a container started by plain `docker run` on a host appears in the API within seconds, and one removed by \
`docker rm -f` disappears"""
    by_hand = it.lab.docker.containers.run(IMAGE, detach=True, name=name)
    try:
        (container,) = eventually(
            lambda: it.client.list_container(externalId=by_hand.id).data, SOON_S, "the container is in the API"
        )
        assert (container.name, container.nativeContainer) == (name, True)
        assert it.settled(container).state == "running"
        assert [h.id for h in container.hosts()] == [it.host.id]
        told = eventually(
            lambda: it.client.list_containerEvent(externalId=by_hand.id).data, SOON_S, "the event is listed"
        )
        assert {(e.externalStatus, e.hostId, e.state) for e in told} == {("start", it.host.id, "created")}
    finally:
        by_hand.remove(force=True)
    eventually(lambda: it.state(container) in ("removed", "purged"), SOON_S, "it is removed in the API")
