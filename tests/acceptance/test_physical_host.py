"""The type `physicalHost`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World

pytestmark = pytest.mark.docker


@not_yet_true(5, "registered machines are not shown")
def test_each_machine_is_shown_with_its_host(it: World) -> None:
    """each registered machine shows one, linked to its host"""

    def of(host: Any) -> Any:
        id_ = it.client.reload(host).physicalHostId
        assert id_, "the host has none"
        machine = it.client.by_id_physicalHost(id_)
        assert machine.state == "active"
        assert [h.id for h in machine.hosts()] == [host.id]
        return machine

    first = of(it.host)
    with it.joined() as host:
        second = of(host)
        shown = [m.id for m in it.client.list_physicalHost(state="active")]
        assert sorted(shown) == sorted({first.id, second.id})
