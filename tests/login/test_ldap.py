"""Logging in by a directory: a real slapd (02-access sections 4, 7, 8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.certificates import a_key, issue
from tests.login.directory import BASE, Slapd
from tests.serving import Api, Installation, Later, OpenApi, Settle
from trailboss.resources import set_up
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
        {"server": "nowhere.invalid"},
    ],
)
def test_a_configuration_that_cannot_work_is_not_saved(slapd: Slapd, admin: Api, wrong: dict[str, Any]) -> None:
    config = {**slapd.config, **wrong, "enabled": True}
    assert admin.refused("POST", "ldapconfigs", json=config)[:2] == (400, "InvalidLDAPConfig")
    assert admin.get("token")["data"][0]["authProvider"] is None


def by_tls(slapd: Slapd, way: str) -> dict[str, Any]:
    """What reaches the directory by TLS, from the first byte on or begun later."""
    how = {"ldaps": {"tls": True, "port": slapd.tls_port}, "StartTLS": {"startTls": True}}[way]
    return {**slapd.config, "caCertificate": slapd.authority, **how}


@pytest.mark.parametrize("way", ["ldaps", "StartTLS"])
def test_a_person_logs_in_by_a_directory_with_tls(tls_slapd: Slapd, admin: Api, visitor: Api, way: str) -> None:
    tls_slapd.user("ann")
    in_clear = admin.refused("POST", "ldapconfigs", json=tls_slapd.config)
    assert in_clear[:2] == (400, "InvalidLDAPConfig"), "the directory sees to it that TLS is what is tested"
    saved = admin.create("ldapconfigs", **by_tls(tls_slapd, way), enabled=True)
    assert (saved["tls"], saved["startTls"]) == (way == "ldaps", way == "StartTLS")
    assert saved["caCertificate"] == tls_slapd.authority
    assert visitor.create("token", code="ann:secret")["user"] == "ann"
    assert visitor.refused("POST", "token", json={"code": "ann:wrong"})[0] == 401
    assert [i["login"] for i in admin.get("identities", name="ann")["data"]] == ["ann"]


@pytest.mark.parametrize("way", ["ldaps", "StartTLS"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"caCertificate": None},
        {"caCertificate": issue("directory authority", private=a_key("ec"), authority=True).cert},
        {"caCertificate": "no certificate"},
        {"server": "127.0.0.2"},
    ],
    ids=["nobody vouches", "another vouches", "no certificate", "of another name"],
)
def test_a_directory_that_does_not_prove_itself_is_told_no_password(
    tls_slapd: Slapd, admin: Api, way: str, wrong: dict[str, Any]
) -> None:
    right = by_tls(tls_slapd, way)
    admin.create("ldapconfigs", **right)
    assert admin.refused("POST", "ldapconfigs", json={**right, **wrong})[:2] == (400, "InvalidLDAPConfig")


def test_tls_is_begun_in_one_way_only(tls_slapd: Slapd, admin: Api) -> None:
    both = {**by_tls(tls_slapd, "ldaps"), "startTls": True}
    assert admin.refused("POST", "ldapconfigs", json=both) == (400, "InvalidLDAPConfig", "startTls")
    plain_port = {**by_tls(tls_slapd, "ldaps"), "port": tls_slapd.port}
    assert admin.refused("POST", "ldapconfigs", json=plain_port)[:2] == (400, "InvalidLDAPConfig")


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


def test_a_set_up_code_makes_one_person_of_a_directory_administrator(
    slapd: Slapd, visitor: Api, installation: Installation
) -> None:
    slapd.user("gina")
    slapd.user("hugo")
    code = installation.store.write(set_up.make_code)
    session = bearer(visitor.create("token", code=code))
    saved = visitor.ask("POST", "ldapconfigs", json={**slapd.config, "enabled": True}, **session)
    assert saved.status_code == 201, saved.text
    assert visitor.create("token", code="hugo:secret")["userType"] == "user", "a stranger who is faster"
    for login, kind in (("gina", "admin"), ("hugo", "user")):
        made = visitor.ask("POST", "token", json={"code": f"{login}:secret"}, **session).json()
        assert made["userType"] == kind, login


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
