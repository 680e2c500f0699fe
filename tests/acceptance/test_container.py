"""The type `container`."""

from __future__ import annotations

import pytest

from tests.acceptance.world import DOCKER_IMAGE, World, page
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def test_a_container_runs_as_asked_and_is_gone_after_purge(it: World, name: str) -> None:
    """`docker ps` on the chosen host shows it running with the given command, environment, mounts and ports, and it \
disappears after DELETE and purge"""
    port = it.port()
    container = it.create(
        "container",
        name=name,
        imageUuid=DOCKER_IMAGE,
        requestedHostId=it.host.id,
        command=["/serve", "one", "two"],
        environment={"COLOUR": "green", "EMPTY": ""},
        dataVolumes=["/tmp:/from-the-host:ro", "/scratch"],
        ports=[f"{port}:80"],
    )
    assert container.state == "running"
    assert [h.id for h in container.hosts()] == [it.host.id]

    def ps() -> list[str]:
        return [c.id for c in it.lab.docker.containers.list()]

    assert container.externalId in ps()
    seen = it.lab.docker.containers.get(container.externalId).attrs
    assert [seen["Path"], *seen["Args"]] == ["/serve", "one", "two"]
    assert {"COLOUR=green", "EMPTY="} <= set(seen["Config"]["Env"])
    mounts = {m["Destination"]: m for m in seen["Mounts"]}
    assert mounts["/from-the-host"]["Source"] == "/tmp" and not mounts["/from-the-host"]["RW"]
    assert mounts["/scratch"]["RW"]
    assert eventually(lambda: page(f"http://{it.lab.address}:{port}/")) == "hello"

    it.remove(container)
    it.act(container, "purge")
    eventually(lambda: it.state(container) == "purged", what="it is purged")
    assert container.externalId not in [c.id for c in it.lab.docker.containers.list(all=True)]
