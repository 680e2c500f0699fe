"""Who people are: identities, and members of environments, which are shown as identities (02-access sections 4, 5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving import PROJECT, Api, Installation, OpenApi
from trailboss.resources.account import Account
from trailboss.resources.password import Password
from trailboss.resources.project_member import ProjectMember

BASE = "http://127.0.0.1:8080"


@pytest.fixture
def ann(installation: Installation) -> Account:
    """A user with a login."""
    account, _ = installation.add_account("user", "Ann")
    installation.store.write(
        lambda tx: tx.insert(Password, account_id=account.id, public_value="ann@work", state="active")
    )
    return account


def test_a_person_finds_itself(installation: Installation, open_api: OpenApi) -> None:
    account, key = installation.add_account("user", "Ann")
    (own,) = open_api(key).get("identities")["data"]
    id_ = f"1i!rancher_id:1a{account.id}"
    assert own["id"] == id_
    assert own["links"] == {"self": f"{BASE}/v1/identities/{id_}"}
    shown = {name: own[name] for name in ("type", "name", "externalId", "externalIdType", "login", "role", "projectId")}
    assert shown == {
        "type": "identity",
        "name": "Ann",
        "externalId": f"1a{account.id}",
        "externalIdType": "rancher_id",
        "login": None,
        "role": None,
        "projectId": None,
    }


@pytest.mark.parametrize("query", [{"name": "ann@work"}, {"all": "NN@"}])
def test_a_person_is_found_by_its_login(api: Api, ann: Account, query: dict[str, str]) -> None:
    found = api.get("identities", **query)["data"]
    assert [(i["externalId"], i["login"]) for i in found] == [(f"1a{ann.id}", "ann@work")]


@pytest.mark.parametrize("query", [{"name": "ann"}, {"name": "Ann"}, {"all": "bob"}, {"all": ""}])
def test_others_are_not_found(api: Api, ann: Account, query: dict[str, str]) -> None:
    assert api.get("identities", **query)["data"] == []


def test_an_identity_is_read_by_either_form_of_its_id(api: Api, ann: Account) -> None:
    for id_ in (f"1i!rancher_id:1a{ann.id}", f"rancher_id:1a{ann.id}", f"rancher_id:{ann.id}"):
        assert api.get(f"identities/{id_}")["login"] == "ann@work"


@pytest.mark.parametrize("id_", ["rancher_id:1a5", "rancher_id:1a99", "rancher_id:x", "rancher_id:"])
def test_environments_and_strangers_have_no_identity(api: Api, id_: str) -> None:
    assert api.refused("GET", f"identities/{id_}") == (404, "identityNotFound", None)


@pytest.mark.parametrize("id_", ["github_user:1", "x", "1i5"])
def test_what_no_provider_serves_is_no_identity(api: Api, id_: str) -> None:
    assert api.refused("GET", f"identities/{id_}") == (400, "invalidIdentityType", None)


def test_who_is_not_active_has_none(installation: Installation, api: Api, ann: Account) -> None:
    installation.store.write(lambda tx: tx.change(tx.require(Account, ann.id), state="inactive"))
    assert api.get("identities", name="ann@work")["data"] == []


def test_members_are_shown_as_identities_with_their_role(api: Api, admin: Api) -> None:
    for collection in (api.get("/v1/projects/1a5/projectmembers"), api.get("/v1/projectmembers", projectId=PROJECT)):
        assert collection["resourceType"] == "projectMember"
        (owner,) = collection["data"]
        shown = (owner["type"], owner["id"], owner["name"], owner["role"], owner["projectId"])
        assert shown == ("identity", "1i!rancher_id:1a1", "admin", "owner", "1a5")
        assert api.get(owner["links"]["self"])["externalId"] == "1a1"
    assert api.get("projectmembers/1pm1")["role"] == "owner"
    assert api.refused("GET", "projectmembers/1pm9")[0] == 404
    members: list[Any] = admin.get("projects/1a5/projectmembers")["data"]
    sent_back = admin.ask("POST", "projects/1a5?action=setmembers", json={"members": members})
    assert sent_back.status_code == 200, sent_back.text
    assert admin.get("projects/1a5/projectmembers")["data"] == members


def test_a_member_who_is_not_there_any_more_is_shown_as_such(installation: Installation, api: Api) -> None:
    installation.store.write(
        lambda tx: tx.insert(ProjectMember, account_id=5, project_id=5, external_id="99", role="member", state="active")
    )
    gone = api.get("projectmembers/1pm2")
    assert (gone["login"], gone["role"]) == ("(rancher_id 99 not found)", "member")
    assert (gone["id"], gone["externalId"]) == ("1i!rancher_id:1a99", "1a99")


def test_only_owners_end_a_membership(installation: Installation, open_api: OpenApi, admin: Api) -> None:
    person, key = installation.add_account("user")
    installation.store.write(
        lambda tx: tx.insert(
            ProjectMember, account_id=5, project_id=5, external_id=str(person.id), role="member", state="active"
        )
    )
    member = open_api(key, "/v1/projects/1a5/")
    for action in ("deactivate", "update"):
        refused = member.refused("POST", f"projectmembers/1pm1/?action={action}")
        assert refused == (422, "ActionNotAvailable", "action")
    assert admin.ask("POST", "projectmembers/1pm2/?action=deactivate").status_code == 202
