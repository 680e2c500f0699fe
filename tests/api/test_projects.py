"""Projects and their members (02-access section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving import Api, Installation, OpenApi, Settle
from trailboss.resources.account import Account


@pytest.fixture
def person(installation: Installation, open_api: OpenApi) -> tuple[Account, Api]:
    """A user's account, and its caller."""
    account, key = installation.add_account("user", "ann")
    return account, open_api(key)


def ids(collection: dict[str, Any]) -> list[str]:
    return [item["id"] for item in collection["data"]]


def test_a_user_creates_a_project_and_owns_it(person: tuple[Account, Api], settle: Settle, admin: Api) -> None:
    account, caller = person
    made = caller.create("projects", name="mine", description="d")
    assert (made["type"], made["kind"], made["state"], made["members"]) == ("project", "project", "registering", None)
    settle()
    project = caller.get(f"projects/{made['id']}")
    assert project["state"] == "active"
    assert {"deactivate", "delete", "setmembers", "update"} <= project["actions"].keys()
    assert ids(caller.get("projects")) == [made["id"]]
    assert project["links"]["containers"] == f"http://127.0.0.1:8080/v1/projects/{made['id']}/containers"
    assert caller.create(f"/v1/projects/{made['id']}/environments", name="a")["accountId"] == made["id"]
    members = caller.get(f"projects/{made['id']}/projectmembers")["data"]
    assert [(m["type"], m["externalId"], m["role"]) for m in members] == [("identity", f"1a{account.id}", "owner")]
    assert ids(admin.get("projects")) == ["1a5"], "administrators list their own too"
    assert ids(admin.get("projects", all="true")) == ["1a5", made["id"]]


def test_the_key_of_a_project_lists_that_one_and_does_not_own_it(api: Api) -> None:
    assert ids(api.get("/v1/projects")) == ["1a5"]
    project = api.get("/v1/projects/1a5")
    assert project["actions"] == {}
    assert api.refused("PUT", "/v1/projects/1a5", json={"name": "x"})[0] == 405
    assert api.refused("POST", "/v1/projects/1a5?action=deactivate") == (422, "ActionNotAvailable", "action")
    assert api.refused("POST", "/v1/projects", json={"name": "x"})[0] == 405


def test_members_are_replaced_as_a_whole_and_do_not_own(
    person: tuple[Account, Api], admin: Api, installation: Installation, open_api: OpenApi
) -> None:
    account, caller = person
    assert caller.refused("GET", "projects/1a5")[0] == 404
    url = admin.get("projects/1a5")["actions"]["setmembers"]
    owner = {"externalId": "1a1", "externalIdType": "rancher_id", "role": "owner"}
    member = {"externalId": f"1a{account.id}"}
    assert admin.ask("POST", url, json={"members": [owner, member]}).status_code == 200
    project = caller.get("projects/1a5")
    assert project["actions"] == {}
    assert caller.refused("PUT", "projects/1a5", json={"name": "x"})[:2] == (403, "Forbidden")
    assert caller.refused("DELETE", "projects/1a5")[:2] == (403, "Forbidden")
    admin.ask("POST", url, json={"members": [owner]})
    assert caller.refused("GET", "projects/1a5")[0] == 404
    assert caller.refused("DELETE", "projects/1a5")[0] == 404


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (None, (422, "NotNullable")),
        ([], (422, "MissingRequired")),
        ([{"externalId": "1a1", "role": "king"}], (422, "InvalidOption")),
        ([{"externalId": "1a1", "externalIdType": "x"}], (422, "InvalidOption")),
        ([{"role": "owner"}], (400, "InvalidFormat")),
        ([{"externalId": "1a1", "role": "member"}], (400, "InvalidFormat")),
        ([{"externalId": "1a99", "role": "owner"}], (404, "identityNotFound")),
        ([{"externalId": "1a5", "role": "owner"}], (404, "identityNotFound")),
        ([{"externalId": "7", "externalIdType": "github_user", "role": "owner"}], (400, "invalidIdentityType")),
    ],
)
def test_members_that_are_not_right_change_nothing(admin: Api, members: Any, expected: tuple[int, str]) -> None:
    before = admin.get("projects/1a5/projectmembers")["data"]
    assert admin.refused("POST", "projects/1a5?action=setmembers", json={"members": members})[:2] == expected
    assert admin.get("projects/1a5/projectmembers")["data"] == before
    assert admin.refused("POST", "projectmembers", json={"externalId": "1a1"})[0] == 405


def test_removing_an_active_project_deactivates_it_first(
    person: tuple[Account, Api], settle: Settle, installation: Installation
) -> None:
    _, caller = person
    made = caller.create("projects", name="mine")
    settle()
    assert caller.ask("DELETE", f"projects/{made['id']}").json()["state"] == "deactivating"
    assert caller.refused("GET", f"/v1/projects/{made['id']}/environments")[0] == 403
    settle()
    assert caller.refused("GET", f"projects/{made['id']}")[0] == 404, "with it its memberships have ended"
    assert ids(caller.get("projects")) == []
    state = installation.store.read(lambda r: r.require(Account, int(made["id"].removeprefix("1a"))).state)
    assert state == "removed"


def test_a_project_that_is_not_active_is_seen_by_its_owners_only(
    person: tuple[Account, Api], admin: Api, settle: Settle, api: Api
) -> None:
    account, caller = person
    owner = {"externalId": "1a1", "role": "owner"}
    admin.ask("POST", "projects/1a5?action=setmembers", json={"members": [owner, {"externalId": str(account.id)}]})
    admin.ask("POST", "projects/1a5?action=deactivate")
    settle()
    assert admin.get("projects/1a5")["state"] == "inactive"
    assert caller.refused("GET", "projects/1a5")[0] == 404
    assert api.refused("GET", "/v1/projects/1a5")[0] == 401
    admin.ask("POST", "projects/1a5?action=activate")
    settle()
    assert caller.get("projects/1a5")["state"] == "active"


def test_promotion_is_a_change_of_kind(admin: Api, person: tuple[Account, Api]) -> None:
    account, caller = person
    assert "agent" not in {s["id"] for s in caller.get("schemas")["data"]}
    admin.ask("PUT", f"accounts/1a{account.id}", json={"kind": "admin"})
    assert "agent" in {s["id"] for s in caller.get("schemas")["data"]}


def test_members_are_sent_back_as_they_are_shown_whoever_is_out_of_use(
    admin: Api, person: tuple[Account, Api], installation: Installation
) -> None:
    account, _ = person
    action = "projects/1a5?action=setmembers"
    owner = {"externalId": "1a1", "externalIdType": "rancher_id", "role": "owner"}
    admin.ask("POST", action, json={"members": [owner, {"externalId": f"1a{account.id}"}]})
    installation.store.write(lambda tx: tx.change(tx.require(Account, account.id), state="inactive"))
    members = admin.get("projects/1a5/projectmembers")["data"]
    assert len(members) == 2
    assert admin.ask("POST", action, json={"members": members}).status_code == 200
    assert admin.get("projects/1a5/projectmembers")["data"] == members
    assert admin.ask("POST", action, json={"members": [owner]}).status_code == 200
    assert admin.refused("POST", action, json={"members": members})[:2] == (404, "identityNotFound")


@pytest.mark.parametrize(
    ("id_", "kind"), [("1a5", "user"), ("1a5", "superadmin"), ("1a4", "user"), ("1a1", "project"), ("1a1", None)]
)
def test_an_account_does_not_become_what_it_cannot_be(admin: Api, api: Api, id_: str, kind: str | None) -> None:
    before = admin.get(f"accounts/{id_}")
    assert admin.refused("PUT", f"accounts/{id_}", json={"kind": kind}) == (422, "InvalidOption", "kind")
    assert admin.get(f"accounts/{id_}") == before
    assert admin.ask("PUT", f"accounts/{id_}", json={"kind": before["kind"], "name": "as it was"}).status_code == 200
    assert api.get("containers")


def test_a_member_is_read_by_its_id_by_members_and_by_nobody_else(
    admin: Api, person: tuple[Account, Api], installation: Installation, open_api: OpenApi, settle: Settle
) -> None:
    account, caller = person
    project = caller.create("projects", name="mine")["id"]
    settle()
    owner = caller.get("projectmembers/1pm2")
    assert (owner["externalId"], owner["role"], owner["projectId"]) == (f"1a{account.id}", "owner", project)
    assert admin.get("projectmembers/1pm2")["role"] == "owner"
    stranger = open_api(installation.add_account("user", "ben")[1])
    scoped = open_api(installation.project_key, "/v1/projects/1a5/")
    for other in (stranger, scoped):
        assert other.refused("GET", "projectmembers/1pm2")[0] == 404
    assert caller.refused("GET", "projectmembers/1pm1")[0] == 404
    assert scoped.get("projectmembers/1pm1")["role"] == "owner"
