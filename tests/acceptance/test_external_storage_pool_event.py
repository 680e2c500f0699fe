"""The type `externalStoragePoolEvent`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, WITHIN_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker

DRIVER = "shared-by-some"


@not_yet_true(5, "external events have no effect")
def test_a_shared_pool_binds_those_who_use_its_driver(it: World, name: str) -> None:
    """a shared pool with the driver's name appears, mapped to exactly the reported hosts, and containers using the \
driver are placed only there"""
    about = {"externalId": DRIVER, "eventType": "storagepool.create"}
    pool_fields = {"name": DRIVER, "externalId": DRIVER, "driverName": DRIVER}
    agent = it.agent()
    it.event("externalStoragePoolEvent", agent, **about, hostUuids=[it.host.uuid], storagePool=pool_fields)
    pool = one(eventually(lambda: it.client.list_storagePool(driverName=DRIVER).data, SOON_S, "the pool appears"))
    assert [h.id for h in pool.hosts()] == [it.host.id]

    with it.joined() as host:
        it.event("externalStoragePoolEvent", agent, **about, hostUuids=[host.uuid], storagePool=pool_fields)
        assert [p.id for p in it.client.list_storagePool(driverName=DRIVER)] == [pool.id]
        assert [h.id for h in pool.hosts()] == [host.id]

        # While the only host with the pool takes nothing, neither does the other one.
        it.settled(it.act(host, "deactivate"))
        made = it.client.create_container(
            name=name, imageUuid="docker:trailboss-test:latest", volumeDriver=DRIVER, dataVolumes=["files:/files"]
        )
        eventually(
            lambda: "host" in (it.client.reload(made).transitioningMessage or ""), SOON_S, "it says what it lacks"
        )
        assert it.client.reload(made).hosts().data == []
        it.settled(it.act(host, "activate"))
        eventually(lambda: [h.id for h in made.hosts()] == [host.id], WITHIN_S, "it is placed where the pool is")
