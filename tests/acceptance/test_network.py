"""The type `network`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import NAMED_PAGE, World

pytestmark = pytest.mark.docker

KINDS = {"dockerHost", "dockerNone", "dockerContainer", "dockerBridge", "hostOnlyNetwork"}


@not_yet_true(7, "an environment has no network resources, and there is no network between hosts")
def test_an_environment_has_its_networks_and_one_spans_the_hosts(it: World, name: str) -> None:
    """a new environment lists five networks, and two managed containers on different hosts reach each other"""
    project = it.create("project", it.admin, name=name)
    assert sorted((n.kind, n.state) for n in project.networks()) == sorted((kind, "active") for kind in KINDS)

    with it.joined() as host:
        one_, other = (
            it.container(n, hostname=n, command=NAMED_PAGE, networkMode="managed", requestedHostId=id_)
            for n, id_ in ((f"{name}-here", it.host.id), (f"{name}-there", host.id))
        )
        assert it.fetch(one_, other.primaryIpAddress) == other.hostname
        assert it.fetch(other, one_.primaryIpAddress) == one_.hostname
