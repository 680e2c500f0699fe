"""The type `image`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, one
from tests.lab import IMAGE

pytestmark = pytest.mark.docker


@not_yet_true(5, "images do not know the hosts that have them, as storage pools are not served")
def test_the_image_of_a_container_and_where_it_is(it: World, name: str) -> None:
    """a running container's image link names the pulled tag and its storagePools link the host that has it"""
    container = it.container(name)
    image = one([i for i in it.client.list_image(limit=1000) if container.id in {c.id for c in i.instances()}])
    assert image.name == IMAGE
    assert IMAGE in it.docker(container).image.tags
    pool = one(image.storagePools())
    assert [h.id for h in pool.hosts()] == [it.host.id]
