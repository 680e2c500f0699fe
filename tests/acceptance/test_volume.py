"""The type `volume`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, WITHIN_S, World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "volumes are stored, and neither followed nor deleted in Docker")
def test_a_volume_outlives_its_containers_until_it_is_purged(it: World, name: str) -> None:
    """a named volume keeps its files across container replacement on the same host and is deleted from Docker at \
purge"""
    volume = it.client.create_volume(name=name, driver="local")
    eventually(lambda: it.client.reload(volume).transitioning != "yes", SOON_S, "the volume is at rest")
    assert it.client.reload(volume).transitioning == "no", it.client.reload(volume).transitioningMessage

    def in_docker() -> bool:
        return name in {v.name for v in it.lab.docker.volumes.list()}

    first = it.container(f"{name}-first", dataVolumes=[f"{name}:/files"])
    it.run(first, "sh", "-c", "echo kept > /files/f")
    it.remove(first)
    it.act(first, "purge")
    eventually(lambda: it.state(first) == "purged", WITHIN_S, "the first container is purged")
    second = it.container(f"{name}-second", dataVolumes=[f"{name}:/files"])
    assert it.run(second, "cat", "/files/f") == "kept\n"
    assert it.client.reload(volume).state == "active"

    it.remove(second)
    it.act(second, "purge")
    eventually(lambda: it.state(second) == "purged", WITHIN_S, "the second container is purged")
    assert in_docker()
    it.remove(volume)
    it.act(volume, "purge")
    eventually(lambda: it.state(volume) == "purged", WITHIN_S, "the volume is purged")
    assert not in_docker()
