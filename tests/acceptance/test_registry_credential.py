"""The type `registryCredential`."""

from __future__ import annotations

import pytest

from tests.acceptance.world import WITHIN_S, World
from tests.host.registry import Registry
from tests.waiting import eventually

pytestmark = pytest.mark.docker

SECRET = "a-secret-of-the-login"


def test_a_private_image_needs_its_credential(it: World, name: str) -> None:
    """a private image pulls with it, fails without it, and the secret is never returned"""
    server = Registry(it.lab.outside, credentials=f"jo:{SECRET}")
    image = {"imageUuid": f"docker:{server.image}"}
    try:
        registry = it.create("registry", serverAddress=server.host)
        refused = it.client.create_container(name=f"{name}-without", **image)
        eventually(lambda: it.client.reload(refused).transitioning == "error", WITHIN_S, "it cannot be pulled")
        assert server.pulls == 0

        fields = {"registryId": registry.id, "publicValue": "jo", "secretValue": SECRET, "email": "jo@example.org"}
        made = it.client.create_registryCredential(**fields)
        credential = it.settled(made)
        for shown in (made, credential, it.client.update(credential, name=name)):
            assert getattr(shown, "secretValue", None) is None
        assert SECRET not in it.client._get_raw(credential.links.self)
        assert it.container(f"{name}-with", **image).state == "running"
        assert server.pulls == 1

        it.settled(it.act(credential, "deactivate"))
        it.lab.docker.containers.prune()
        refused = it.client.create_container(
            name=f"{name}-again", labels={"io.rancher.container.pull_image": "always"}, **image
        )
        eventually(lambda: it.client.reload(refused).transitioning == "error", WITHIN_S, "it cannot be pulled again")
    finally:
        server.close()
