"""Turning access control on and off, and who becomes administrator by it (02-access sections 7, 8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving import Api, Installation, OpenApi, Settle
from trailboss.resources.account import Account
from trailboss.resources.setting import store

ANN = {"username": "ann", "password": "a-password", "name": "Ann"}


@pytest.fixture
def anybody(installation: Installation, open_api: OpenApi) -> Api:
    """Who reaches the port while access control is off."""
    installation.store.write(lambda tx: store(tx, "api.security.enabled", "false"))
    return open_api(None)


def members(api: Api, **headers: Any) -> list[tuple[str, str]]:
    found = api.ask("GET", "projects/1a5/projectmembers", **headers).json()["data"]
    return [(m["externalId"], m["role"]) for m in found]


def bearer(token: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_the_way_of_a_set_up(anybody: Api, installation: Installation, open_api: OpenApi) -> None:
    saved = anybody.create("localauthconfigs", enabled=False, **ANN)
    assert (saved["password"], saved["enabled"], saved["accessMode"]) == (None, False, "unrestricted")
    login = anybody.create("token", code="ann:a-password")
    assert (login["userType"], login["security"]) == ("admin", False)
    ann = login["accountId"]
    assert members(anybody) == [(ann, "owner")], "instead of the platform's own administrator"
    assert anybody.get("settings/api.auth.enabler")["value"] == f"rancher_id:{ann[2:]}"
    anybody.create("localauthconfigs", enabled=True, **ANN)
    assert anybody.refused("GET", "accounts")[0] == 401, "from this answer on"
    assert members(anybody, **bearer(login["jwt"])) == [(ann, "owner")]
    key = open_api(installation.admin_key)
    assert key.get("settings/api.security.enabled")["value"] == "true"
    (listed,) = key.get("localauthconfigs")["data"]
    assert (listed["enabled"], listed["username"], listed["password"]) == (True, None, None)


def test_only_the_first_login_of_a_set_up_makes_an_administrator(anybody: Api, settle: Settle) -> None:
    anybody.create("localauthconfigs", enabled=False, **ANN)
    bob = anybody.create("accounts", kind="user", name="bob")["id"]
    anybody.create("passwords", accountId=bob, publicValue="bob", secretValue="b")
    settle()
    assert anybody.create("token", code="ann:a-password")["userType"] == "admin"
    assert anybody.create("token", code="bob:b")["userType"] == "user"
    anybody.create("localauthconfigs", enabled=False, **ANN)
    assert anybody.create("token", code="bob:b")["userType"] == "admin", "a set-up that was begun anew"


def test_a_login_with_access_control_on_makes_nobody_an_administrator(
    admin: Api, open_api: OpenApi, settle: Settle
) -> None:
    admin.create("localauthconfigs", enabled=True, **ANN)
    bob = admin.create("accounts", kind="user", name="bob")["id"]
    admin.create("passwords", accountId=bob, publicValue="bob", secretValue="b")
    settle()
    assert open_api(None).create("token", code="bob:b")["userType"] == "user"
    assert members(admin) == [("1a1", "owner")]


def test_saving_without_enabled_changes_nothing_but_settings(admin: Api, anybody: Api) -> None:
    anybody.create("localauthconfigs", **ANN)
    assert anybody.get("token")["data"][0]["security"] is False
    anybody.create("localauthconfigs", enabled=True, **ANN)
    admin.create("localauthconfigs", **{**ANN, "accessMode": "restricted"})
    state = anybody.get("token")["data"][0]
    assert (state["security"], state["authProvider"]) == (True, "localAuthConfig")


def test_strangers_change_nothing_while_access_control_is_on(open_api: OpenApi, installation: Installation) -> None:
    _, key = installation.add_account("user")
    for caller in (open_api(None), open_api(key)):
        for enabled in (True, False, None):
            status, _, _ = caller.refused("POST", "localauthconfigs", json={**ANN, "enabled": enabled})
            assert status == (401 if caller.ask("GET", "schemas").status_code == 401 else 404)
    assert installation.store.read(lambda read: len(read.find(Account, kind="admin"))) == 1


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"password": "another"}, (401, "IncorrectPassword")),
        ({"password": " "}, (400, "UserCredentialCreation")),
        ({"username": " "}, (400, "UserCredentialCreation")),
        ({"username": None}, (422, "NotNullable")),
    ],
)
def test_what_cannot_be_saved_saves_nothing(admin: Api, change: dict[str, Any], refusal: tuple[int, str]) -> None:
    admin.create("localauthconfigs", enabled=True, **ANN)
    wrong = {**ANN, **change, "enabled": False}
    assert admin.refused("POST", "localauthconfigs", json=wrong)[:2] == refusal
    assert admin.get("token")["data"][0]["security"] is True


def test_a_restricted_site_lets_members_in_and_nobody_else(admin: Api, open_api: OpenApi, settle: Settle) -> None:
    admin.create("localauthconfigs", enabled=True, **{**ANN, "accessMode": "unrestricted"})
    bob = admin.create("accounts", kind="user", name="bob")["id"]
    admin.create("passwords", accountId=bob, publicValue="bob", secretValue="b")
    settle()
    visitor = open_api(None)
    token = bearer(visitor.create("token", code="bob:b")["jwt"])
    admin.create("localauthconfigs", **{**ANN, "accessMode": "restricted"})
    (own,) = visitor.ask("GET", "projects", **token).json()["data"]
    assert admin.ask("DELETE", f"projects/{own['id']}").status_code == 200
    settle()
    assert visitor.ask("GET", "projects", **token).status_code == 401
    assert visitor.refused("POST", "token", json={"code": "bob:b"})[0] == 401
    people = [{"externalId": "1a1", "role": "owner"}, {"externalId": bob, "role": "readonly"}]
    assert admin.ask("POST", "projects/1a5?action=setmembers", json={"members": people}).status_code == 200
    assert visitor.ask("GET", "projects", **token).status_code == 200
