"""Accounts: what is made with one, and what goes with it when it is purged (02-access section 1)."""

from __future__ import annotations

import pytest

from tests.builders import a_container, a_service
from tests.certificates import issue
from tests.serving import Api, Installation, Later, OpenApi, Settle
from trailboss import states
from trailboss.declare import Resource, registry
from trailboss.engine import apply
from trailboss.resources.account import Account
from trailboss.resources.host import Host
from trailboss.resources.instance import Instance
from trailboss.resources.project_member import ProjectMember

GONE = ("removed", "purged")


def left(installation: Installation, account_id: int) -> list[Resource]:
    """Every row of an account that is not removed."""
    types = [t for t in registry.values() if t.stored and t.base is t and t.machine and "account_id" in t.fields]
    return installation.store.read(lambda r: [row for t in types for row in r.find(t, account_id=account_id)])


def purge(installation: Installation, settle: Settle, account_id: int) -> Account:
    """Purge a removed account, as if its time had come."""
    installation.store.write(lambda tx: states.begin(tx, tx.require(Account, account_id), "purge"))
    settle()
    return installation.store.read(lambda r: r.require(Account, account_id))


@pytest.mark.parametrize(("kind", "tokens"), [("user", 1), ("admin", 1), ("service", 0), ("agent", 0)])
def test_people_get_a_registration_token(admin: Api, settle: Settle, kind: str, tokens: int) -> None:
    made = admin.create("accounts", name="ann", kind=kind)
    settle()
    found = admin.get(f"accounts/{made['id']}/credentials")["data"]
    assert [c["type"] for c in found] == ["registrationToken"] * tokens
    assert admin.get(f"accounts/{made['id']}")["state"] == "active"


def test_an_account_of_the_kind_project_is_a_project(admin: Api, settle: Settle) -> None:
    made = admin.create("accounts", name="shop", kind="project")
    assert made["type"] == "project"
    settle()
    (owner,) = admin.get(f"projects/{made['id']}/projectmembers")["data"]
    assert (owner["externalId"], owner["role"]) == ("1a1", "owner")


def test_what_belongs_to_a_project_goes_with_it(
    installation: Installation, admin: Api, open_api: OpenApi, settle: Settle, later: Later
) -> None:
    project = admin.create("projects", name="shop")["id"]
    settle()
    number = int(project.removeprefix("1a"))
    inside = open_api(installation.admin_key, f"/v1/projects/{project}/")
    stack = inside.create("environments", name="web")
    service = inside.create("services", **a_service(stack["id"], scale=2))
    inside.create("containers", **a_container(startOnCreate=False))
    inside.create("certificates", name="c", cert=issue().cert, key=issue().key)
    inside.create("apikeys", name="k")
    inside.create("registrationtokens")
    settle()
    inside.ask("POST", f"services/{service['id']}/?action=activate")
    settle()
    installation.store.write(
        lambda tx: apply.create(tx, Host, {"kind": "host", "account_id": number}, apply.Platform())
    )
    settle()
    assert len(left(installation, number)) > 8
    admin.ask("DELETE", f"projects/{project}")
    settle()
    assert admin.get(f"projects/{project}")["state"] == "removed"
    purge(installation, settle, number)
    for _ in range(20):
        later(5)
    account = installation.store.read(lambda r: r.require(Account, number))
    assert account.state == "purged", account.message
    assert left(installation, number) == []
    instances = installation.store.read(lambda r: r.find(Instance, live=False, account_id=number))
    assert {i.state for i in instances} <= set(GONE)
    assert len(instances) == 3


def test_with_a_person_who_is_purged_its_memberships_and_keys_end(
    installation: Installation, admin: Api, open_api: OpenApi, settle: Settle
) -> None:
    person, key = installation.add_account("user", "ann")
    members = [{"externalId": "1a1", "role": "owner"}, {"externalId": f"1a{person.id}", "role": "member"}]
    admin.ask("POST", "projects/1a5?action=setmembers", json={"members": members})
    caller = open_api(key)
    assert caller.get("projects")["data"]
    admin.ask("POST", f"accounts/1a{person.id}/?action=deactivate")
    settle()
    assert caller.refused("GET", "projects")[0] == 401
    admin.ask("DELETE", f"accounts/1a{person.id}")
    settle()
    purge(installation, settle, person.id)
    settle()
    assert left(installation, person.id) == []
    active = installation.store.read(lambda r: r.find(ProjectMember, project_id=5))
    assert [m.external_id for m in active] == ["1"]
