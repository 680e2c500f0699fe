"""People with the unmodified gdapi library: accounts, environments, members, from invitation to removal."""

from __future__ import annotations

from typing import Any

import gdapi
import httpx2
import pytest

from tests.clients.test_gdapi import Connect, connect, url  # noqa: F401  (fixtures)
from tests.serving import Installation, Settle


class Person:
    """Somebody who logs in with a password and works by the token of that login."""

    def __init__(self, url: str, name: str) -> None:  # noqa: F811
        self.url, self.name = url, name
        answer = httpx2.post(f"{url}/v1/token", json={"code": f"{name}:{name}'s: secret"}, timeout=30)
        assert answer.status_code == 201, answer.text
        self.token, self.id = answer.json()["jwt"], answer.json()["accountId"]

    def client(self, path: str = "/v1") -> Any:
        return gdapi.Client(url=self.url + path, access_key="x-api-bearer", secret_key=self.token, cache=False)


def test_from_an_invitation_to_the_end_of_a_membership(
    installation: Installation,
    connect: Connect,  # noqa: F811
    url: str,  # noqa: F811
    settle: Settle,
) -> None:
    admin = connect(key=installation.admin_key)
    admin.create_localAuthConfig(username="root", password="r", enabled=True)
    for name in ("olga", "rita"):
        account = admin.create_account(kind="user", name=name)
        admin.create_password(accountId=account.id, publicValue=name, secretValue=f"{name}'s: secret")
    settle()

    olga, rita = Person(url, "olga"), Person(url, "rita")
    project = olga.client().create_project(name="shop")
    settle()
    inside = f"/v1/projects/{project.id}"
    with pytest.raises(gdapi.ApiError):
        rita.client(inside)

    (found,) = olga.client().list_identity(name="rita")
    owner = {"externalId": olga.id, "externalIdType": "rancher_id", "role": "owner"}
    invited = {"externalId": found.externalId, "externalIdType": found.externalIdType, "role": "readonly"}
    project = olga.client().by_id_project(project.id)
    project.setmembers(members=[owner, invited])
    stack = olga.client(inside).create_environment(name="front")
    service = olga.client(inside).create_service(
        name="web", environmentId=stack.id, scale=1, launchConfig={"imageUuid": "docker:busybox"}
    )
    settle()

    reader = rita.client(inside)
    assert [s.name for s in reader.list_environment()] == ["front"]
    assert [s.name for s in reader.list_service()] == ["web"]
    assert sorted(m.role for m in reader.list_projectMember()) == ["owner", "readonly"]
    assert [name for name in dir(reader) if name.startswith(("create_", "update_by_id_", "delete_by_id_"))] == []
    seen = reader.by_id_service(service.id)
    assert dict(seen.actions) == {}
    http = httpx2.Client(base_url=url + inside, headers={"Authorization": f"Bearer {rita.token}"})
    changes = [
        ("POST", "/environments", {"name": "x"}),
        ("PUT", f"/services/{service.id}", {"scale": 5}),
        ("DELETE", f"/services/{service.id}", None),
        ("POST", f"/services/{service.id}?action=deactivate", {}),
        ("POST", "/apikeys", {}),
        ("POST", "/registrationtokens", {}),
    ]
    for method, path, body in changes:
        assert http.request(method, path, json=body).status_code in (404, 405, 422), path
    outside = httpx2.Client(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {rita.token}"})
    for method, path, body in [
        ("PUT", f"/projects/{project.id}", {"name": "mine"}),
        ("DELETE", f"/projects/{project.id}", None),
        ("POST", f"/projects/{project.id}?action=setmembers", {"members": [dict(owner, externalId=rita.id)]}),
    ]:
        assert outside.request(method, path, json=body).status_code in (403, 422), path
    assert olga.client(inside).by_id_service(service.id).scale == 1

    olga.client().by_id_project(project.id).setmembers(members=[owner])
    assert http.get("/services").status_code == 403, "at once"
    assert [p.name for p in rita.client().list_project()] == ["rita Default"]
    assert outside.get(f"/projects/{project.id}").status_code == 404
    assert outside.get(f"/projects/{project.id}/projectmembers").status_code in (403, 404)
