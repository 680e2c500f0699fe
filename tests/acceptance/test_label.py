"""The type `label`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(5, "labels are in force, but the hostLabels link is empty")
def test_labels_of_a_host_are_rows_and_attract(it: World, name: str) -> None:
    """after PUT labels on a host, its hostLabels link shows the pair and a container with that affinity lands there"""

    def put(host: Any, **labels: str) -> None:
        it.settled(it.client.update(host, labels={**vars(it.client.reload(host).labels), **labels}))
        pairs = set(labels.items())
        eventually(lambda: pairs <= {(row.key, row.value) for row in host.hostLabels()}, SOON_S, "the rows are there")

    put(it.host, colour="red")
    with it.joined() as host:
        put(host, colour="blue")
        for wanted, colour in ((host, "blue"), (it.host, "red"), (host, "blue")):
            labels = {"io.rancher.scheduler.affinity:host_label": f"colour={colour}"}
            container = it.container(f"{name}-{colour}", labels=labels)
            assert [h.id for h in container.hosts()] == [wanted.id]
