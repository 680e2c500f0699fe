"""The type `service`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import DOCKER_IMAGE, WITHIN_S, World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(6, "services scale and heal, but `upgrade` is not offered")
def test_a_service_keeps_its_scale_and_changes_its_image(it: World, stack: Any) -> None:
    """scale 3 gives three running containers, a killed one is replaced, upgrade and rollback change images"""
    service = it.service(stack, "web", scale=3)

    def in_docker() -> list[Any]:
        """Those of its containers that run, as Docker has them."""
        wanted = {c.externalId for c in it.running(service)}
        return [c for c in it.lab.docker.containers.list(ignore_removed=True) if c.id in wanted]

    assert len(in_docker()) == 3
    killed = in_docker()[0]
    began = killed.attrs["State"]["StartedAt"]
    killed.kill()

    def is_whole() -> bool:
        found = in_docker()
        ran_on = [c for c in found if (c.id, c.attrs["State"]["StartedAt"]) == (killed.id, began)]
        return len(found) == 3 and not ran_on

    eventually(is_whole, WITHIN_S, "three containers run again")
    before = {c.id for c in in_docker()}

    newer = it.lab.make_image("trailboss-test:newer")
    strategy = {"launchConfig": {"imageUuid": f"docker:{newer}"}, "batchSize": 1, "intervalMillis": 100}
    it.act(service, "upgrade", inServiceStrategy=strategy)
    assert it.settled(service).state == "upgraded"
    assert [c.attrs["Config"]["Image"] for c in in_docker()] == [newer] * 3

    it.act(service, "rollback")
    assert it.settled(service).state == "active"
    assert {c.id for c in in_docker()} == before
    assert it.client.reload(service).launchConfig.imageUuid == DOCKER_IMAGE
