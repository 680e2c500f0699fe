"""The set-up code: whoever has it becomes administrator, once, and with access control on all the time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.databases import OpenStore
from tests.serving import Api, Installation, Later, OpenApi, Settle
from trailboss.errors import ApiError
from trailboss.resources import set_up
from trailboss.resources.account import Account
from trailboss.resources.login_token import LoginToken

ANN = {"username": "ann", "password": "a-password", "name": "Ann"}


@pytest.fixture
def code(installation: Installation) -> str:
    return installation.store.write(set_up.make_code)


@pytest.fixture
def visitor(open_api: OpenApi) -> Api:
    return open_api(None)


def bearer(login: Any) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {login['jwt']}"}}


def send(visitor: Api, code: str) -> tuple[int, str]:
    return visitor.refused("POST", "token", json={"code": code})[:2]


def administrators(installation: Installation) -> list[str]:
    return [row.name for row in installation.store.read(lambda read: read.find(Account, kind="admin"))]


def test_a_code_begins_a_session_of_the_administrator_once(visitor: Api, admin: Api, code: str) -> None:
    begun = visitor.create("token", code=code)
    assert (begun["accountId"], begun["userType"], begun["authProvider"]) == ("1a1", "admin", None)
    assert begun["security"] is True, "nothing was opened for it"
    assert visitor.ask("GET", "accounts", **bearer(begun)).status_code == 200
    assert visitor.ask("GET", "accounts", auth=("x-api-bearer", begun["jwt"])).status_code == 200
    assert send(visitor, code) == (401, "SetUpCodeUsed")
    used, refused = admin.get("auditlogs")["data"]
    assert (used["eventType"], used["responseCode"]) == ("api.token.create", 201)
    assert used["authenticatedAsAccountId"] == "1a1"
    assert (refused["eventType"], refused["responseCode"]) == ("api.login", 401)
    assert refused["responseObject"]["code"] == "SetUpCodeUsed"
    assert code not in admin.ask("GET", "auditlogs").text


def test_the_way_of_a_set_up_opens_nothing_to_strangers(
    visitor: Api, admin: Api, code: str, installation: Installation, settle: Settle
) -> None:
    session = bearer(visitor.create("token", code=code))
    saved = visitor.ask("POST", "localauthconfigs", json={**ANN, "enabled": True}, **session)
    assert (saved.status_code, saved.json()["enabled"]) == (201, True)
    assert visitor.refused("GET", "accounts", **session)[:2] == (401, "AuthProviderChanged"), "its end, but for a login"
    bob = admin.create("accounts", kind="user", name="bob")["id"]
    admin.create("passwords", accountId=bob, publicValue="bob", secretValue="b")
    settle()
    assert visitor.create("token", code="bob:b")["userType"] == "user", "who has no session of a set-up"
    ann = visitor.ask("POST", "token", json={"code": "ann:a-password"}, **session).json()
    assert (ann["userType"], administrators(installation)) == ("admin", ["admin", "Ann"])
    assert admin.get("settings/api.auth.enabler")["value"] == f"rancher_id:{ann['accountId'][2:]}"
    owners = admin.get("projects/1a5/projectmembers")["data"]
    assert [(m["externalId"], m["role"]) for m in owners] == [(ann["accountId"], "owner")]
    again = visitor.ask("POST", "token", json={"code": "bob:b"}, **session).json()
    assert again["userType"] == "user", "a set-up has one administrator"


def test_a_user_becomes_administrator_by_the_session_of_a_set_up_only(
    visitor: Api, admin: Api, code: str, settle: Settle
) -> None:
    """As with a provider elsewhere, where nobody is administrator by being there."""
    bob = admin.create("accounts", kind="user", name="bob")["id"]
    admin.create("passwords", accountId=bob, publicValue="bob", secretValue="b")
    settle()
    begun = visitor.create("token", code=code)
    visitor.ask("POST", "localauthconfigs", json={**ANN, "enabled": True, "accessMode": "restricted"}, **bearer(begun))
    assert send(visitor, "bob:b") == (401, "Unauthorized"), "he is a member of nothing"
    made = visitor.ask("POST", "token", json={"code": "bob:b"}, headers={"Cookie": f"token={begun['jwt']}"}).json()
    assert (made["accountId"], made["userType"]) == (bob, "admin")


def test_a_session_of_a_set_up_ends_after_an_hour(visitor: Api, code: str, later: Later) -> None:
    session = bearer(visitor.create("token", code=code))
    later(set_up.SESSION_MS / 1000 - 5)
    assert visitor.ask("GET", "accounts", **session).status_code == 200
    later(10)
    assert visitor.ask("GET", "accounts", **session).status_code == 401


def test_a_code_expires(visitor: Api, code: str, later: Later, installation: Installation) -> None:
    later(set_up.CODE_MS / 1000 + 1)
    assert send(visitor, code) == (401, "SetUpCodeExpired")
    assert installation.store.read(lambda read: read.find(LoginToken)) == []


def test_a_code_counts_no_more_once_people_can_log_in_or_there_is_a_newer_one(
    visitor: Api, admin: Api, code: str, installation: Installation
) -> None:
    newer = installation.store.write(set_up.make_code)
    assert send(visitor, code) == (401, "InvalidSetUpCode")
    admin.create("localauthconfigs", **ANN)
    admin.create("localauthconfigs", enabled=True, **ANN)
    assert send(visitor, newer) == (401, "InvalidSetUpCode")
    admin.ask("PUT", "settings/api.auth.provider.configured", json={"value": "none"})
    assert send(visitor, newer) == (401, "InvalidSetUpCode")


@pytest.mark.parametrize("wrong", ["set-up-" + "x" * 40, "set-up-" + "0" * 40])
def test_a_wrong_code_is_refused_and_counted(visitor: Api, installation: Installation, code: str, wrong: str) -> None:
    for _ in range(10):
        assert send(visitor, wrong) == (401, "InvalidSetUpCode")
    assert send(visitor, wrong) == (429, "TooManyAttempts")
    assert send(visitor, code[:-1]) == (500, "NoAuthProvider"), "no code at all"
    assert visitor.create("token", code=code)["userType"] == "admin", "the right one counts still"


def test_a_code_is_nobody_where_the_administrator_is_not_active(
    visitor: Api, installation: Installation, code: str
) -> None:
    def switch(state: str) -> None:
        installation.store.write(lambda tx: tx.change(tx.find(Account, uuid="admin", live=False)[0], state=state))

    switch("inactive")
    assert send(visitor, code) == (401, "Unauthorized")
    switch("active")
    assert visitor.create("token", code=code)["userType"] == "admin", "what was refused has not used it up"


def test_of_many_who_send_a_code_to_two_servers_at_once_one_is_let_in(open_store: OpenStore) -> None:
    servers = [open_store(), open_store()]
    Installation(servers[0])
    code = servers[0].write(set_up.make_code)

    def use(number: int) -> str:
        try:
            return servers[number % 2].write(lambda tx: set_up.begin(tx, code))[1]
        except ApiError as problem:
            return problem.code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(use, range(24)))
    assert answers.count("SetUpCodeUsed") == 23
    assert len(servers[0].read(lambda read: read.find(LoginToken))) == 1
