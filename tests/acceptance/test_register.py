"""The type `register`."""

from __future__ import annotations

import secrets

import pytest

from tests.acceptance.world import WITHIN_S, World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def test_a_key_is_exchanged_for_those_of_an_agent_which_is_one_host(it: World) -> None:
    """posting a key yields agent keys and, after the agent starts, exactly one host"""
    token, key, before = it.token(), secrets.token_hex(16), {h.id for h in it.client.list_host()}
    registrar = it.connect("registrationToken", token)
    assert set(registrar.schema.types) >= {"register", "schema"}
    made = registrar.create("register", key=key)
    assert not hasattr(made, "secretKey")
    (found,) = eventually(
        lambda: [r for r in registrar.list("register", key=key) if r.state == "active"], WITHIN_S, "it is registered"
    )
    assert "container" not in it.connect(found.accessKey, found.secretKey).schema.types
    assert it.status(found.accessKey, found.secretKey, "/v1/containerevents") == 200
    assert {h.id for h in it.client.list_host()} == before, "no host without an agent"

    with it.an_agent(it.machine(), token):
        host = it.new_host(it.client, before)
        assert {h.id for h in it.client.list_host()} == before | {host.id}
        it.leave(host)
