"""The type `mount`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World, one
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "mounts that Docker reports are not shown")
def test_two_containers_with_one_volume_are_two_mounts(it: World, name: str) -> None:
    """two containers sharing a volume show two mounts with the right paths and rw/ro"""
    writer = it.container(f"{name}-writer", dataVolumes=[f"{name}:/files"])
    reader = it.container(f"{name}-reader", dataVolumes=[f"{name}:/seen:ro"])
    it.run(writer, "sh", "-c", "echo shared > /files/f")
    assert it.run(reader, "cat", "/seen/f") == "shared\n"

    written = one(eventually(lambda: writer.mounts().data, SOON_S, "the first mount is shown"))
    read = one(eventually(lambda: reader.mounts().data, SOON_S, "the second mount is shown"))
    assert (written.instanceId, written.path, written.permissions) == (writer.id, "/files", "rw")
    assert (read.instanceId, read.path, read.permissions) == (reader.id, "/seen", "ro")
    assert written.volumeId == read.volumeId
    assert {m.id for m in written.volume().mounts()} == {written.id, read.id}
