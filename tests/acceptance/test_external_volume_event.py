"""The type `externalVolumeEvent`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World, one
from tests.lab import IMAGE
from tests.waiting import eventually

pytestmark = pytest.mark.docker

DRIVER = "local"
"""Docker's own, here told to be the driver of a shared pool: the volume then really can be mounted."""


@not_yet_true(5, "external events have no effect")
def test_a_volume_that_was_made_outside_is_used(it: World, name: str) -> None:
    """a volume made outside appears once in its pool and can be mounted by name"""
    agent = it.agent()
    pool_fields = {"name": "shared", "externalId": "shared", "driverName": DRIVER}
    it.event(
        "externalStoragePoolEvent",
        agent,
        externalId="shared",
        eventType="storagepool.create",
        hostUuids=[it.host.uuid],
        storagePool=pool_fields,
    )
    it.lab.docker.volumes.create(name, driver=DRIVER)
    it.lab.docker.containers.run(IMAGE, ["sh", "-c", "echo from outside > /v/f"], volumes=[f"{name}:/v"], remove=True)
    fields = {"name": name, "externalId": name, "driver": DRIVER, "uri": f"{DRIVER}:///{name}"}
    for _ in range(2):
        it.event("externalVolumeEvent", agent, externalId=name, eventType="volume.create", volume=fields)
    volume = one(eventually(lambda: it.client.list_volume(name=name).data, SOON_S, "the volume appears"))
    pool = one(volume.storagePools())
    assert (pool.driverName, [v.id for v in pool.volumes()]) == (DRIVER, [volume.id])

    container = it.container(name, dataVolumes=[f"{name}:/files"])
    assert it.run(container, "cat", "/files/f") == "from outside\n"
    assert [(m.volumeId, m.path) for m in container.mounts()] == [(volume.id, "/files")]
