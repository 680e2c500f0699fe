"""Logging in by a directory: a real slapd (02-access sections 4, 7, 8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.login.directory import BASE, Slapd
from tests.serving import Api, Installation, Later, OpenApi, Settle
from trailboss.server.refresh import refresh

pytestmark = pytest.mark.ldap


@pytest.fixture
def directory(slapd: Slapd, admin: Api) -> Slapd:
    """The directory, in force."""
    slapd.user("ann")
    admin.create("ldapconfigs", enabled=True, **slapd.config)
    return slapd


@pytest.fixture
def visitor(open_api: OpenApi) -> Api:
    return open_api(None)


def bearer(login: Any) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {login['jwt']}"}}


def test_a_configuration_that_works_is_saved_and_its_secret_is_not_shown(directory: Slapd, admin: Api) -> None:
    (shown,) = admin.get("ldapconfigs")["data"]
    assert (shown["enabled"], shown["port"], shown["domain"]) == (True, directory.port, BASE)
    assert (shown["serviceAccountPassword"], shown["userLoginField"]) == (None, "sAMAccountName")
    secret = admin.get("settings/api.auth.ldap.service.account.password")
    assert (secret["value"], secret["activeValue"], secret["inDb"]) == (None, None, True)
    assert "service-password" not in admin.ask("GET", "settings").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"serviceAccountPassword": "x"},
        {"domain": "dc=nowhere"},
        {"port": 1},
        {"tls": True},
        {"server": "nowhere.invalid"},
    ],
)
def test_a_configuration_that_cannot_work_is_not_saved(slapd: Slapd, admin: Api, wrong: dict[str, Any]) -> None:
    config = {**slapd.config, **wrong, "enabled": True}
    assert admin.refused("POST", "ldapconfigs", json=config)[:2] == (400, "InvalidLDAPConfig")
    assert admin.get("token")["data"][0]["authProvider"] is None


def test_a_person_logs_in_and_has_an_account_and_a_project(directory: Slapd, visitor: Api) -> None:
    first = visitor.create("token", code="ann:secret")
    assert (first["userType"], first["user"]) == ("user", "ann")
    identity = first["userIdentity"]
    assert (identity["externalIdType"], identity["externalId"]) == ("ldap_user", f"cn=Ann,{BASE}")
    assert visitor.create("token", code="ANN:secret")["accountId"] == first["accountId"]
    (project,) = visitor.ask("GET", "projects", **bearer(first)).json()["data"]
    assert project["name"] == "Ann Default"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ann:wrong", 401), ("ann:", 401), (":secret", 401), ("*:secret", 401), ("a*:secret", 401), ("no:secret", 401),
        ("ann)(cn=*:secret", 401), (f"cn=Ann,{BASE}:secret", 401), ("ann", 403), ("ann:sec:ret", 403),
    ],
)  # fmt: skip
def test_who_does_not_prove_it_is_not_let_in(directory: Slapd, visitor: Api, code: str, status: int) -> None:
    assert visitor.refused("POST", "token", json={"code": code})[0] == status


def test_a_disabled_person_is_not_let_in(directory: Slapd, visitor: Api) -> None:
    directory.user("eve", flags=514)
    assert visitor.refused("POST", "token", json={"code": "eve:secret"})[0] == 401


def test_a_group_is_a_member_and_so_is_who_is_in_it(directory: Slapd, admin: Api, visitor: Api, settle: Settle) -> None:
    ann, bob = f"cn=Ann,{BASE}", directory.user("bob")
    group = directory.group("Admins of it", ann)
    members = [
        {"externalId": "1a1", "role": "owner"},
        {"externalId": group, "externalIdType": "ldap_group", "role": "readonly"},
        {"externalId": bob, "externalIdType": "ldap_user", "role": "member"},
    ]
    answer = admin.ask("POST", "projects/1a5?action=setmembers", json={"members": members})
    assert answer.status_code == 200, answer.text
    shown = admin.get("projects/1a5/projectmembers")["data"]
    assert {(m["externalIdType"], m["name"], m["role"]) for m in shown} == {
        ("rancher_id", "admin", "owner"), ("ldap_group", "Admins of it", "readonly"), ("ldap_user", "Bob", "member"),
    }  # fmt: skip
    inside = "/v1/projects/1a5/environments"
    for login, status in (("ann", 405), ("bob", 201)):
        token = bearer(visitor.create("token", code=f"{login}:secret"))
        assert visitor.ask("GET", inside, **token).status_code == 200
        assert visitor.ask("POST", inside, json={"name": login}, **token).status_code == status
    assert admin.ask("POST", "projects/1a5?action=setmembers", json={"members": shown}).status_code == 200


@pytest.mark.parametrize(
    ("member", "refusal"),
    [
        ({"externalId": f"cn=Nobody,{BASE}", "externalIdType": "ldap_user"}, (404, "identityNotFound")),
        ({"externalId": f"cn=Ann,{BASE}", "externalIdType": "ldap_group"}, (404, "identityNotFound")),
        ({"externalId": "no dn", "externalIdType": "ldap_user"}, (404, "identityNotFound")),
        ({"externalId": "cn=Ann,dc=elsewhere", "externalIdType": "ldap_user"}, (404, "identityNotFound")),
        ({"externalId": "1", "externalIdType": "github_user"}, (400, "invalidIdentityType")),
    ],
)
def test_nobody_unknown_becomes_a_member(
    directory: Slapd, admin: Api, member: dict[str, Any], refusal: tuple[int, str]
) -> None:
    members = [{"externalId": "1a1", "role": "owner"}, {**member, "role": "member"}]
    refused = admin.refused("POST", "projects/1a5?action=setmembers", json={"members": members})
    assert refused[:2] == refusal


def test_persons_and_groups_are_found(directory: Slapd, admin: Api, visitor: Api) -> None:
    directory.group("annals")
    exactly = admin.get("identities", name="ann")["data"]
    assert [(i["externalIdType"], i["login"]) for i in exactly] == [("ldap_user", "ann")]
    anywhere = admin.get("identities", all="ann")["data"]
    assert {i["externalIdType"] for i in anywhere} == {"ldap_user", "ldap_group"}
    assert admin.get("identities", name="*")["data"] == []
    assert admin.get(f"identities/{exactly[0]['id']}")["name"] == "Ann"
    assert admin.refused("GET", f"identities/ldap_user:cn=No,{BASE}")[:2] == (404, "identityNotFound")
    own = visitor.ask("GET", "identities", **bearer(visitor.create("token", code="ann:secret"))).json()["data"]
    assert [i["externalIdType"] for i in own][:2] == ["rancher_id", "ldap_user"]


def test_the_first_to_log_in_during_a_set_up_becomes_administrator(slapd: Slapd, admin: Api, visitor: Api) -> None:
    dn = slapd.user("carl")
    admin.create("ldapconfigs", enabled=False, **slapd.config)
    login = visitor.create("token", code="carl:secret")
    assert login["userType"] == "admin"
    admin.create("ldapconfigs", enabled=True, **slapd.config)
    members = visitor.ask("GET", "projects/1a5/projectmembers", **bearer(login)).json()["data"]
    assert [(m["externalId"], m["role"]) for m in members] == [(dn, "owner")]


def test_a_directory_that_is_away_says_so(directory: Slapd, admin: Api, visitor: Api) -> None:
    admin.ask("PUT", "settings/api.auth.ldap.port", json={"value": "1"})
    assert visitor.refused("POST", "token", json={"code": "ann:secret"})[:2] == (503, "LdapDown")
    assert admin.refused("GET", "identities?name=ann")[:2] == (503, "LdapDown")


def test_who_leaves_a_group_or_is_disabled_is_out_without_logging_in_again(
    directory: Slapd, admin: Api, visitor: Api, installation: Installation, later: Later
) -> None:
    dn = directory.user("dora")
    group = directory.group("leavers", dn)
    members = [
        {"externalId": "1a1", "role": "owner"},
        {"externalId": group, "externalIdType": "ldap_group", "role": "readonly"},
    ]
    assert admin.ask("POST", "projects/1a5?action=setmembers", json={"members": members}).status_code == 200
    token = bearer(visitor.create("token", code="dora:secret"))
    later(3600)
    asyncio.run(refresh(installation.store))
    assert visitor.ask("GET", "projects/1a5/hosts", **token).status_code == 200
    directory.change(group, member=[f"cn=Ann,{BASE}"])
    asyncio.run(refresh(installation.store))
    assert visitor.ask("GET", "projects/1a5/hosts", **token).status_code == 200, "not asked so often"
    later(3600)
    asyncio.run(refresh(installation.store))
    assert visitor.ask("GET", "projects/1a5/hosts", **token).status_code == 403
    assert visitor.ask("GET", "projects", **token).status_code == 200
    directory.change(dn, userAccountControl=514)
    later(3600)
    asyncio.run(refresh(installation.store))
    assert visitor.ask("GET", "projects", **token).status_code == 401
