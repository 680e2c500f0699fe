"""The type `pullTask`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World
from tests.host.registry import Registry

pytestmark = pytest.mark.docker


@not_yet_true(5, "images are not pulled ahead")
def test_an_image_is_pulled_to_the_hosts_that_match(it: World, name: str) -> None:
    """status reads Done for every matching host and the image is in `docker images` there"""
    registry = Registry(it.lab.outside)

    def has_it(lab: Any) -> bool:
        return registry.image in {tag for image in lab.docker.images.list() for tag in image.tags}

    try:
        task = it.create("pullTask", image=registry.image, mode="all")
        assert vars(task.status) == {it.host.name: "Done"}
        assert task.state == "active"
        assert has_it(it.lab)
        pulls = registry.pulls
        assert it.container(name, imageUuid=f"docker:{registry.image}").state == "running"
        assert registry.pulls == pulls, "a container needs no further pull"

        it.lab.docker.images.remove(registry.image, force=True)
        with it.joined(labels="pulls=ahead") as host:
            matching = {"io.rancher.scheduler.affinity:host_label": "pulls=ahead"}
            task = it.create("pullTask", image=registry.image, mode="all", labels=matching)
            assert vars(task.status) == {host.name: "Done"}
            assert has_it(it.machine()) and not has_it(it.lab)
    finally:
        registry.close()
