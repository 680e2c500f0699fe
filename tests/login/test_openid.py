"""Logging in by a provider of OpenID Connect, and by GitHub: a real one over HTTP that signs with keys of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from tests.login.provider import CLIENT, SECRET, Provider, running_provider
from tests.serving import Api, Later, OpenApi


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


def openid(provider: Provider, **more: Any) -> dict[str, Any]:
    config = {"issuer": provider.url, "clientId": CLIENT, "clientSecret": SECRET, "redirectUrl": "http://here/login"}
    return {**config, "enabled": True, **more}


def github(provider: Provider, **more: Any) -> dict[str, Any]:
    host = provider.url.removeprefix("http://")
    return {"clientId": CLIENT, "clientSecret": SECRET, "hostname": host, "scheme": "http://", "enabled": True, **more}


@pytest.fixture
def visitor(open_api: OpenApi) -> Api:
    return open_api(None)


def begin(visitor: Api, **options: Any) -> str:
    address: str = visitor.ask("GET", "token", **options).json()["data"][0]["authorizationUrl"]
    return address


def bearer(login: Any) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {login['jwt']}"}}


def test_a_person_logs_in_by_the_way_back_from_the_provider(provider: Provider, admin: Api, visitor: Api) -> None:
    shown = admin.create("openidconfigs", **openid(provider))
    assert (shown["clientSecret"], shown["issuer"], shown["enabled"]) == (None, provider.url, True)
    query = provider.authorize(begin(visitor))
    login = visitor.create("token", code=query)
    assert (login["user"], login["userType"], login["authProvider"]) == ("ann", "user", "openidconfig")
    assert login["userIdentity"]["id"] == "openid_user:person-7"
    assert visitor.ask("GET", "projects", **bearer(login)).json()["data"][0]["name"] == "Ann Default"
    assert visitor.refused("POST", "token", json={"code": query})[0] == 401, "a code is good once"
    members = [
        {"externalId": "1a1", "role": "owner"},
        {"externalId": "developers", "externalIdType": "openid_group", "role": "readonly"},
    ]
    assert admin.ask("POST", "projects/1a5?action=setmembers", json={"members": members}).status_code == 200
    assert visitor.ask("GET", "projects/1a5/hosts", **bearer(login)).status_code == 200
    assert visitor.ask("POST", "projects/1a5/environments", json={"name": "x"}, **bearer(login)).status_code == 405


BAD: dict[str, Callable[[Provider], None]] = {
    "another audience": lambda p: p.claims.update(aud="another"),
    "several audiences, for another": lambda p: p.claims.update(aud=[CLIENT, "another"], azp="another"),
    "another issuer": lambda p: p.claims.update(iss="https://elsewhere"),
    "another nonce": lambda p: p.claims.update(nonce="another"),
    "no nonce": lambda p: p.claims.update(nonce=None),
    "nobody": lambda p: p.claims.update(sub=None),
    "expired": lambda p: p.claims.update(exp=int(time.time()) - 100),
    "no end": lambda p: p.claims.update(exp=None),
    "not yet": lambda p: p.claims.update(nbf=int(time.time()) + 1000),
    "algorithm none": lambda p: p.header.update(alg="none"),
    "the public key as a secret": lambda p: p.sign_by_public_key(),
    "another key": lambda p: p.sign_by_another_key(RSAKey.generate_key(2048, {"kid": "one"})),
    "an unknown key": lambda p: p.header.update(kid="two"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_id_token_lets_nobody_in(
    provider: Provider, admin: Api, visitor: Api, bad: Callable[[Provider], None]
) -> None:
    admin.create("openidconfigs", **openid(provider))
    bad(provider)
    query = provider.authorize(begin(visitor))
    assert visitor.refused("POST", "token", json={"code": query})[:2] == (401, "Unauthorized")


def test_a_login_that_was_begun_elsewhere_is_refused(provider: Provider, admin: Api, open_api: OpenApi) -> None:
    admin.create("openidconfigs", **openid(provider))
    mine = open_api(None, Cookie="CSRF=mine")
    query = provider.authorize(begin(mine))
    other = open_api(None, Cookie="CSRF=other")
    assert other.refused("POST", "token", json={"code": query})[0] == 401, "in another browser"
    code, _, state = query.partition("&state=")
    for forged in ("x", f"9999999999.x.{state.rpartition('.')[2]}", f"{state[:-1]}"):
        assert mine.refused("POST", "token", json={"code": f"{code}&state={forged}"})[0] == 401, forged
    for broken in ("", "code=x", "ann:secret", f"state={state}"):
        assert mine.refused("POST", "token", json={"code": broken or "?"})[0] == 403, broken
    assert mine.create("token", code=query)["user"] == "ann"


@pytest.mark.parametrize("wrong", [{"issuer": "http://127.0.0.1:1"}, {"issuer": "no url"}])
def test_a_provider_that_does_not_answer_is_not_saved(
    provider: Provider, admin: Api, visitor: Api, wrong: dict[str, str]
) -> None:
    refused = admin.refused("POST", "openidconfigs", json=openid(provider, **wrong))
    assert refused[:2] == (400, "InvalidOpenIdConfig")
    assert begin(visitor) is None


def test_groups_count_for_the_time_of_a_login(provider: Provider, admin: Api, visitor: Api, later: Later) -> None:
    admin.create("openidconfigs", **openid(provider))
    login = visitor.create("token", code=provider.authorize(begin(visitor)))
    members = [
        {"externalId": "1a1", "role": "owner"},
        {"externalId": "developers", "externalIdType": "openid_group", "role": "readonly"},
    ]
    assert admin.ask("POST", "projects/1a5?action=setmembers", json={"members": members}).status_code == 200
    key = admin.create("apikeys", accountId=login["accountId"])
    later(0)
    program = {"auth": (key["publicValue"], key["secretValue"])}
    assert visitor.ask("GET", "projects/1a5/hosts", **program).status_code == 200
    later(57600)
    assert visitor.ask("GET", "projects/1a5/hosts", **program).status_code == 403
    assert visitor.ask("GET", "projects", **program).json()["data"][0]["name"] == "Ann Default", "its own stays"


def test_a_person_logs_in_by_github(provider: Provider, admin: Api, visitor: Api) -> None:
    provider.organisations = [{"id": n, "login": f"o{n}"} for n in range(1000, 1105)]
    admin.create("githubconfigs", **github(provider))
    (state,) = visitor.get("token")["data"]
    assert (state["clientId"], state["hostname"]) == (CLIENT, provider.url.removeprefix("http://"))
    login = visitor.create("token", code="good")
    assert login["userIdentity"]["id"] == "github_user:7"
    assert visitor.refused("POST", "token", json={"code": "bad"})[0] == 401
    members = [
        {"externalId": "1a1", "role": "owner"},
        {"externalId": "70", "externalIdType": "github_org", "role": "member"},
    ]
    answer = admin.ask("POST", "projects/1a5?action=setmembers", json={"members": members})
    assert answer.status_code == 200, answer.text
    assert visitor.ask("GET", "projects/1a5/hosts", **bearer(login)).status_code == 403
    provider.organisations.append({"id": 70, "login": "work"})
    login = visitor.create("token", code="good")
    assert visitor.ask("GET", "projects/1a5/hosts", **bearer(login)).status_code == 200
    assert [i["login"] for i in admin.get("identities", name="ann")["data"]] == ["ann"]


def test_a_restricted_site_lets_in_who_is_listed(provider: Provider, admin: Api, visitor: Api) -> None:
    work = {"externalId": "70", "externalIdType": "github_org"}
    admin.create("githubconfigs", **github(provider, accessMode="restricted", allowedIdentities=[work]))
    assert visitor.refused("POST", "token", json={"code": "good"})[0] == 401
    provider.organisations = [{"id": 70, "login": "work"}]
    assert visitor.create("token", code="good")["user"] == "ann"
    wrong = [{"externalId": "1", "externalIdType": "ldap_user"}]
    refused = admin.refused("POST", "githubconfigs", json=github(provider, allowedIdentities=wrong))
    assert refused[:2] == (400, "InvalidIdentity")
    kept = {name: value for name, value in github(provider).items() if name != "clientSecret"}
    assert admin.ask("POST", "githubconfigs", json=kept).status_code == 201, "the secret stays"
    assert visitor.create("token", code="good")["user"] == "ann"
