"""The type `externalEvent`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import PROJECT, World

pytestmark = pytest.mark.docker


@not_yet_true(5, "external events have no effect")
def test_events_of_all_kinds_are_listed(it: World, name: str) -> None:
    """the list shows events of all kinds with state created and the environment as account"""
    sent = [it.create("externalHostEvent", eventType="host.evacuate", hostLabel="nobody=has-this")]
    bodies: dict[str, dict[str, Any]] = {
        "externalDnsEvent": {"eventType": "dns.update", "fqdn": "x.example.org", "stackName": "x", "serviceName": "x"},
        "externalServiceEvent": {"eventType": "service.remove", "service": {"kind": "service", "name": name}},
        "externalStoragePoolEvent": {"eventType": "storagepool.create", "hostUuids": [], "storagePool": {"name": name}},
        "externalVolumeEvent": {"eventType": "volume.delete", "volume": {"name": name, "driver": "local"}},
    }
    agent = it.agent()
    for kind, body in bodies.items():
        sent.append(it.event(kind, agent, externalId=name, **body))
    shown = {e.id: (e.type, e.state, e.accountId) for e in it.client.list_externalEvent(limit=1000)}
    assert [shown[e.id] for e in sent] == [(e.type, "created", PROJECT) for e in sent]
    assert {e.type for e in sent} == {"externalHostEvent", *bodies}
