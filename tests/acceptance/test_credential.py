"""The type `credential`."""

from __future__ import annotations

import pytest

from tests.acceptance.world import PROJECT, World

pytestmark = pytest.mark.docker

SECRETS = ("the-secret-of-the-key", "the-secret-of-the-person", "the-secret-of-the-registry")


def test_credentials_of_all_kinds_are_listed_without_their_secrets(it: World, name: str) -> None:
    """the list shows every key, password and registry login of the account with its own type and no secret"""
    made = [it.create("apiKey", it.admin, accountId=PROJECT, publicValue="ALLKINDS", secretValue=SECRETS[0])]
    made.append(it.create("password", publicValue=f"{name}-jo", secretValue=SECRETS[1]))
    registry = it.create("registry", serverAddress=f"{name}.example.org")
    login = {"publicValue": "jo", "secretValue": SECRETS[2], "email": "jo@example.org"}
    made.append(it.create("registryCredential", registryId=registry.id, **login))
    made.append(it.create("registrationToken"))

    url = it.client.schema.types["credential"].links.collection + "?limit=1000"
    shown = {c.id: c.type for c in it.client._get(url)}
    assert {c.id: shown.get(c.id) for c in made} == {c.id: c.type for c in made}
    assert set(shown.values()) >= {"apiKey", "password", "registryCredential", "registrationToken"}
    text = it.client._get_raw(url)
    assert [secret for secret in SECRETS if secret in text] == []
