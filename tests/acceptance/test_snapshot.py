"""The type `snapshot`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, one

pytestmark = pytest.mark.docker


@not_yet_true(5, "snapshots are not made")
def test_a_volume_comes_back_from_its_snapshot(it: World, name: str, tmp_path: Path) -> None:
    """POST reaches backed-up (store set), the archive is in the store, and a volume restored from it holds the same \
files"""
    it.admin.update(it.admin.by_id_setting("snapshot.store"), value=str(tmp_path))
    try:
        volume = it.client.create_volume(name=name, driver="local")
        writer = it.container(f"{name}-writer", dataVolumes=[f"{name}:/files"])
        it.run(writer, "sh", "-c", "mkdir /files/in; echo precious > /files/in/f; chmod 640 /files/in/f")

        snapshot = it.create("snapshot", volumeId=volume.id, name=name)
        assert (snapshot.state, snapshot.managedVolumeUUID) == ("backed-up", volume.uuid)
        archive = one([path for path in tmp_path.rglob("*") if path.is_file()])
        assert archive.stat().st_size > 0

        it.run(writer, "sh", "-c", "echo spoilt > /files/in/f")
        it.client.create_volume(name=f"{name}-back", driver="local", driverOpts={"fromSnapshot": snapshot.id})
        reader = it.container(f"{name}-reader", dataVolumes=[f"{name}-back:/files"])
        assert it.run(reader, "cat", "/files/in/f") == "precious\n"
        assert it.run(reader, "stat", "-c", "%a", "/files/in/f") == "640\n"
    finally:
        it.admin.delete(it.admin.by_id_setting("snapshot.store"))
