"""Pulling images from a registry, by a real Docker Engine."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from tests.host.conftest import Host
from tests.host.registry import Registry
from tests.waiting import eventually
from trailboss.wire.messages import RegistryAuth

pytestmark = pytest.mark.docker


@pytest.fixture
def registry(host: Host) -> Iterator[Registry]:
    registry = Registry(host.lab.outside)
    yield registry
    registry.close()
    for name in list(host.owned()):
        host.container(name).remove(force=True)
    for image in host.lab.docker.images.list(f"{registry.host}/app"):
        host.lab.docker.images.remove(image.id, force=True)


def test_an_image_that_is_missing_is_pulled_once_for_all_who_wait(host: Host, registry: Registry) -> None:
    registry.gate.clear()
    for number in range(3):
        host.want(f"c-{number}", image=registry.image)
    assert host.until("c-0", "pulling").message == f"Pulling {registry.image}"
    host.until("c-2", "pulling")
    registry.gate.set()
    for number in range(3):
        host.until(f"c-{number}", "running")
    assert registry.pulls == 1


def test_a_pull_that_nobody_wants_any_more_is_given_up(host: Host, registry: Registry) -> None:
    registry.gate.clear()
    host.want("c-pull", image=registry.image)
    host.until("c-pull", "pulling")
    host.want("c-pull", desired="removed")
    host.until("c-pull", "removed")
    registry.gate.set()
    assert host.owned() == {}


def test_an_image_is_pulled_for_each_new_container_if_that_is_wanted(host: Host, registry: Registry) -> None:
    for number in (1, 2):
        host.want(f"c-{number}", image=registry.image, pull="always")
        host.until(f"c-{number}", "running")
        assert registry.pulls == number


def test_an_image_that_does_not_exist_is_named(host: Host, registry: Registry) -> None:
    host.want("c-none", image=f"{registry.host}/app:nothing")
    assert host.until("c-none", "failed").message == f"no such image: {registry.host}/app:nothing"


def test_credentials_are_used_and_not_stored(host: Host, registry: Registry) -> None:
    registry.credentials = "somebody:pass-7351"
    host.want("c-denied", image=registry.image)
    assert "no basic auth credentials" in host.until("c-denied", "failed").message
    record = host.record("c-denied", epoch=2)
    host.server.want(msgspec.structs.replace(record, auth=RegistryAuth("somebody", "pass-7351", registry.host)))
    host.until("c-denied", "running", epoch=2)
    kept = b"".join(path.read_bytes() for path in (host.data / "agent").iterdir())
    assert b"pass-7351" not in kept
    eventually(lambda: b"pulling an image" in host.log.read_bytes())
    assert b"pass-7351" not in host.log.read_bytes()
