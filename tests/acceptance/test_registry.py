"""The type `registry`."""

from __future__ import annotations

import pytest

from tests.acceptance.world import World
from tests.host.registry import Registry

pytestmark = pytest.mark.docker


def test_images_are_pulled_with_the_credential_of_their_registry(it: World, name: str) -> None:
    """images from its server are pulled with its credential"""
    server = Registry(it.lab.outside, credentials="jo:a secret of the registry")
    try:
        registry = it.create("registry", serverAddress=server.host, name=name)
        assert registry.state == "active"
        login = {"publicValue": "jo", "secretValue": "a secret of the registry", "email": "jo@example.org"}
        credential = it.create("registryCredential", registryId=registry.id, **login)
        assert [c.id for c in registry.credentials()] == [credential.id]
        container = it.container(name, imageUuid=f"docker:{server.image}")
        assert server.pulls == 1
        assert server.image in it.docker(container).image.tags
    finally:
        server.close()
