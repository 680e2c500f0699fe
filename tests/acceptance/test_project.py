"""The type `project`, which people call an environment."""

from __future__ import annotations

import pytest

from tests.acceptance.world import DOCKER_IMAGE, NAMED_PAGE, PROJECT, World

pytestmark = pytest.mark.docker


def test_an_environment_is_a_world_of_its_own(it: World, name: str) -> None:
    """a new environment is empty, invisible to non-members, and its containers cannot see another's network"""
    people = {}
    for who in ("insider", "outsider"):
        account = it.create("account", it.admin, name=f"{name} {who}", kind="user")
        it.create("apiKey", it.admin, accountId=account.id, publicValue=who.upper(), secretValue=f"of the {who}")
        people[who] = it.connect(who.upper(), f"of the {who}")

    project = it.create("project", people["insider"], name=name)
    inside = it.connect("INSIDER", "of the insider", project.id)
    for kind in ("container", "service", "environment", "host", "volume", "apiKey"):
        assert inside.list(kind).data == [], kind

    assert [p.id for p in people["insider"].list_project()] == [project.id]
    assert people["outsider"].list_project().data == []
    assert people["outsider"].by_id_project(project.id) is None
    assert it.client.by_id_project(project.id) is None
    assert it.status("OUTSIDER", "of the outsider", f"/v1/projects/{project.id}/containers") == 403
    assert it.status("INSIDER", "of the insider", f"/v1/projects/{PROJECT}/containers") == 403

    image = {"imageUuid": DOCKER_IMAGE, "command": NAMED_PAGE}
    ours, beside = (it.container(n, hostname=n, **image) for n in ("ours", "beside-ours"))
    with it.joined(client=inside) as host:
        assert host.id not in {h.id for h in it.client.list_host()}
        theirs, beside_theirs = (
            it.create("container", inside, name=n, hostname=n, **image) for n in ("theirs", "beside-theirs")
        )
        assert [h.id for h in theirs.hosts()] == [host.id]
        for one, other in ((ours, beside), (theirs, beside_theirs)):
            assert it.fetch(one, other.primaryIpAddress) == other.hostname, "neighbours reach one another"
        for one, other in ((ours, theirs), (theirs, ours)):
            # The same address may be given in both; then somebody else answers.
            assert it.fetch(one, other.primaryIpAddress) != other.hostname
            assert it.resolve(one, other.name) == set()
