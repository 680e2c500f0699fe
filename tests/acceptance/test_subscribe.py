"""The type `subscribe`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.world import World, socket

pytestmark = pytest.mark.docker


def of(container: Any, states: set[str]) -> Callable[[str], Any]:
    """Return what finds the change of a container in which it has one of these states."""

    def find(text: str) -> Any:
        event = json.loads(text)
        about = event["name"] == "resource.change" and event["resourceId"] == container.id
        return event if about and event["data"]["resource"]["state"] in states else None

    return find


def test_what_changes_elsewhere_arrives(it: World, name: str) -> None:
    """a state change made elsewhere arrives as resource.change within two seconds"""
    container = it.container(name)
    key = it.client.create_apiKey(name=name)
    it.settled(key)
    url = it.client.schema.types["subscribe"].links.collection + "?eventNames=resource.change"
    with socket(url, (key.publicValue, key.secretValue)) as events:
        assert json.loads(events.receive() or "")["name"] == "ping"
        for action, under_way, after in (("stop", "stopping", "stopped"), ("start", "starting", "running")):
            began = time.monotonic()
            it.act(container, action)
            event = events.first(of(container, {under_way, after}))
            assert time.monotonic() - began < 2
            assert (event["resourceType"], event["data"]["resource"]["name"]) == ("container", name)
            if event["data"]["resource"]["state"] != after:
                events.first(of(container, {after}))
            assert it.settled(container).state == after
