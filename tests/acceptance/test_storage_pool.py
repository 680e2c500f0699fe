"""The type `storagePool`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, one

pytestmark = pytest.mark.docker


@not_yet_true(5, "storage pools of hosts are not shown")
def test_each_host_has_a_pool_and_drivers_have_shared_ones(it: World, name: str) -> None:
    """each host shows one local pool; a shared driver shows one pool over several hosts"""

    def local(host: Any) -> Any:
        found = [p for p in host.storagePools() if p.driverName is None]
        assert [(p.kind, p.state) for p in found] == [("docker", "active")]
        assert [h.id for h in found[0].hosts()] == [host.id]
        return found[0]

    first = local(it.host)
    with it.joined() as host:
        assert local(host).id != first.id
        it.event(
            "externalStoragePoolEvent",
            externalId=name,
            eventType="storagepool.create",
            hostUuids=[it.host.uuid, host.uuid],
            storagePool={"name": name, "externalId": name, "driverName": name},
        )
        shared = one(it.client.list_storagePool(driverName=name))
        assert {h.id for h in shared.hosts()} == {it.host.id, host.id}
        assert shared.id in {p.id for p in host.storagePools()}
