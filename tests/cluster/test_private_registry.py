"""A container from a private registry: refused without a login, pulled with one, and the login is nowhere in clear."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from tests.cluster.installation import an_installation
from tests.docker_registry import PASSWORD, USER, a_registry
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def test_an_image_is_pulled_from_a_private_registry_with_the_login_of_the_environment(tmp_path: Path) -> None:
    with an_installation(tmp_path) as it, a_registry(tmp_path / "registry", it.lab.outside) as private:
        client = it.client
        image = private.push(it.lab.docker, "shop/app:1")

        denied = client.create_container(name="denied", imageUuid=f"docker:{image}")
        eventually(
            lambda: "no basic auth credentials" in (client.reload(denied).transitioningMessage or ""),
            60,
            "the pull without a login fails, and says why",
        )

        registry = it.wait_success(client.create_registry(serverAddress=private.host.upper(), name="ours"))
        wrong = it.wait_success(
            client.create_registryCredential(
                registryId=registry.id, email="a@b.c", publicValue=USER, secretValue="not-it-9"
            )
        )
        assert not hasattr(wrong, "secretValue")
        refused = client.create_container(name="refused", imageUuid=f"docker:{image}")
        eventually(
            lambda: "unauthorized" in (client.reload(refused).transitioningMessage or "").lower(),
            60,
            "the pull with a wrong password fails, and says why",
        )

        right = client.update(wrong, secretValue=PASSWORD)
        assert not hasattr(right, "secretValue")
        with pytest.raises(ImageNotFound):
            it.lab.docker.images.get(image)
        pulled = it.wait_success(client.create_container(name="pulled", imageUuid=f"docker:{image}"))
        assert pulled.state == "running"

        it.lab.docker.containers.get(pulled.uuid).remove(force=True)
        it.wait_success(client.reload(registry).deactivate())
        it.lab.docker.images.remove(image, force=True)
        again = client.create_container(name="inactive", imageUuid=f"docker:{image}")
        eventually(
            lambda: "no basic auth credentials" in (client.reload(again).transitioningMessage or ""),
            60,
            "the login of an inactive registry is not used",
        )
        secret = PASSWORD.encode()
        kept = [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()]
        assert kept == [], "the password is in clear nowhere: not in the database, the agent's folder or any log"
