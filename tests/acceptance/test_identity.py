"""The type `identity`."""

from __future__ import annotations

import pytest

from tests.acceptance.world import World, one

pytestmark = pytest.mark.docker


def test_a_person_is_found_by_login_and_made_a_member(it: World, name: str) -> None:
    """searching a login name returns the person, usable as project member"""
    person = it.create("account", it.admin, name="Jo Finder", kind="user")
    login = {"publicValue": "jo.finder", "secretValue": "a long password of Jo"}
    it.create("password", it.admin, accountId=person.id, **login)
    it.create("apiKey", it.admin, accountId=person.id, publicValue="FINDER", secretValue="of the finder")

    found = one(it.admin.list_identity(name="jo.finder"))
    assert (found.externalIdType, found.externalId) == ("rancher_id", person.id)
    assert (found.name, found.login) == ("Jo Finder", "jo.finder")
    assert it.admin.list_identity(name="jo.nobody").data == []

    owner = {"externalIdType": "rancher_id", "externalId": "1a1", "role": "owner"}
    project = it.create("project", it.admin, name=name)
    member = {"externalIdType": found.externalIdType, "externalId": found.externalId, "role": "member"}
    it.act(project, "setmembers", it.admin, members=[owner, member])
    assert [p.id for p in it.connect("FINDER", "of the finder").list_project()] == [project.id]
