"""The type `statsAccess`."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, socket

pytestmark = pytest.mark.docker


@not_yet_true(5, "there are no stats")
def test_figures_of_a_container_come_every_second(it: World, name: str) -> None:
    """its WebSocket delivers CPU and memory of the container every second"""
    container = it.container(name)
    assert hasattr(container.links, "containerStats"), "the container has no such link"
    access = container.containerStats()
    assert access.type == "statsAccess"
    assert access.url and access.token
    points: list[Any] = []
    with socket(f"{access.url}?token={access.token}") as stats:
        # At first there may be a backlog.
        began = time.monotonic()
        while time.monotonic() - began < 4.5:
            arrived = json.loads(stats.receive(2) or "[]")
            points.append((time.monotonic() - began, [p for p in arrived if p["id"] == container.id]))
    late = [figures[-1] for at, figures in points if at > 1 and figures]
    assert 3 <= len(late) <= 5
    for figures in late:
        assert figures["resourceType"] == "container"
        assert figures["memory"]["usage"] > 0
    assert late[-1]["cpu"]["usage"]["total"] >= late[0]["cpu"]["usage"]["total"] > 0
    assert len({figures["timestamp"] for figures in late}) == len(late)
