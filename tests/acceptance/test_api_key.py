"""The type `apiKey`."""

from __future__ import annotations

import pytest

from tests.acceptance.world import World

pytestmark = pytest.mark.docker


def test_a_key_opens_the_door_until_it_is_deactivated(it: World, name: str) -> None:
    """the secret shown once at creation authenticates requests; deactivating the key makes the next one 401"""
    made = it.client.create_apiKey(name=name)
    assert made.secretValue
    key = it.settled(made)
    assert key.secretValue is None
    assert {k.secretValue for k in it.client.list_apiKey()} == {None}

    assert it.status(made.publicValue, made.secretValue) == 200
    assert it.status(made.publicValue, made.secretValue[:-1]) == 401
    with_it = it.connect(made.publicValue, made.secretValue)
    assert with_it.by_id_apiKey(key.id).name == name

    it.act(key, "deactivate")
    assert it.status(made.publicValue, made.secretValue) == 401
