"""The type `host`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World

pytestmark = pytest.mark.docker


@not_yet_true(5, "the command fetches a script that installs nothing")
def test_the_command_makes_a_machine_a_host(it: World) -> None:
    """running the shown command on a machine makes it an active host with real CPU, memory and disk in `info`"""
    before = {h.id for h in it.client.list_host()}
    it.paste(it.machine(), it.create("registrationToken").command)
    host = it.new_host(it.client, before, SOON_S)
    assert host.state == "active"
    info = host.info
    assert info.cpuInfo.count == os.cpu_count()
    assert len(info.cpuInfo.cpuCoresPercentages) == os.cpu_count()
    in_kb = next(
        line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    assert abs(info.memoryInfo.memTotal - int(in_kb) / 1024) < 1
    assert 0 < info.memoryInfo.memFree < info.memoryInfo.memTotal
    disks = vars(info.diskInfo.mountPoints)
    assert disks and all(disk.total >= disk.used > 0 for disk in disks.values())
    it.leave(host)
