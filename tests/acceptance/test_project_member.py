"""The type `projectMember`."""

from __future__ import annotations

from typing import Any

import gdapi
import pytest

from tests.acceptance.world import PROJECT, World, one

pytestmark = pytest.mark.docker


def test_who_may_only_look_sees_everything_and_changes_nothing(it: World, stack: Any, name: str) -> None:
    """a person added as readonly sees everything and gets 405 or no actions on writes"""
    container = it.container(name)
    person = it.create("account", it.admin, name=name, kind="user")
    it.create("apiKey", it.admin, accountId=person.id, publicValue="READER", secretValue="of the reader")
    assert it.status("READER", "of the reader", f"/v1/projects/{PROJECT}/containers") == 403

    project = it.admin.by_id_project(PROJECT)
    before = [
        {"externalIdType": m.externalIdType, "externalId": m.externalId, "role": m.role}
        for m in project.projectMembers()
    ]
    added = {"externalIdType": "rancher_id", "externalId": person.id, "role": "readonly"}
    it.act(project, "setmembers", it.admin, members=[*before, added])
    member = one([m for m in project.projectMembers() if m.role == "readonly"])
    assert (member.projectId, member.name) == (PROJECT, name)

    reader = it.connect("READER", "of the reader", PROJECT)
    for kind in ("container", "environment", "host"):
        assert {r.id for r in reader.list(kind)} == {r.id for r in it.client.list(kind)}
    assert set(vars(reader.by_id("container", container.id).actions)) <= {"logs"}
    assert vars(reader.by_id("environment", stack.id).actions) == {}
    for refused in (
        lambda: reader.create("environment", name="no"),
        lambda: reader.update(reader.by_id("environment", stack.id), description="no"),
        lambda: reader.delete(reader.by_id("container", container.id)),
    ):
        with pytest.raises(gdapi.ApiError) as error:
            refused()
        assert error.value.error.status == 405

    it.act(project, "setmembers", it.admin, members=before)
    assert it.status("READER", "of the reader", f"/v1/projects/{PROJECT}/containers") == 403
