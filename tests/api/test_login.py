"""Logging in with a name and a password, and what becomes of the token (02-access sections 2, 7, 8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving import Api, Installation, Later, OpenApi, Settle
from tests.waiting import eventually
from trailboss.resources.account import Account
from trailboss.resources.login_token import MOST, LoginToken, issue
from trailboss.store import journal

ANN = {"username": "ann", "password": "correct: horse", "name": "Ann"}


@pytest.fixture
def local(admin: Api, settle: Settle) -> str:
    """Passwords are in force, with access control; returns the code of the administrator Ann."""
    admin.create("localauthconfigs", enabled=True, **ANN)
    settle()
    return "ann:correct: horse"


@pytest.fixture
def visitor(open_api: OpenApi) -> Api:
    return open_api(None)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def add_person(admin: Api, settle: Settle, login: str, password: str, **values: Any) -> str:
    account = admin.create("accounts", **{"kind": "user", "name": login, **values})["id"]
    admin.create("passwords", accountId=account, publicValue=login, secretValue=password)
    settle()
    return str(account)


def log_in(visitor: Api, code: str) -> Any:
    return visitor.create("token", code=code)


def test_everybody_can_ask_how_to_log_in(visitor: Api, local: str) -> None:
    (state,) = visitor.get("token")["data"]
    assert (state["security"], state["enabled"], state["authProvider"]) == (True, True, "localAuthConfig")
    assert [state[name] for name in ("jwt", "accountId", "clientId", "user")] == [None] * 4


def test_without_a_provider_nobody_logs_in(visitor: Api) -> None:
    assert visitor.get("tokens")["data"][0]["authProvider"] is None
    assert visitor.refused("POST", "token", json={"code": "a:b"}) == (500, "NoAuthProvider", None)


def test_a_login_gives_a_token_that_every_request_can_carry(visitor: Api, local: str) -> None:
    made = log_in(visitor, local)
    assert made["userIdentity"] == {
        "externalId": made["accountId"],
        "externalIdType": "rancher_id",
        "id": f"rancher_id:{made['accountId']}",
        "login": "ann",
        "name": "Ann",
    }
    assert (made["user"], made["userType"], len(made["jwt"])) == ("ann", "admin", 40)
    for way in (
        {"headers": bearer(made["jwt"])},
        {"headers": {"Authorization": made["jwt"]}},
        {"headers": {"Cookie": f"Token={made['jwt']}"}},
        {"params": {"token": made["jwt"]}},
        {"auth": ("x-API-bearer", made["jwt"])},
    ):
        (own,) = visitor.ask("GET", "identities", **way).json()["data"]
        assert own["externalId"] == made["accountId"]
    scoped = visitor.ask("GET", "hosts", auth=(f"x-api-bearer={made['accountId']}", made["jwt"]))
    assert scoped.status_code == 403, "that is no project"
    scoped = visitor.ask("GET", "hosts", auth=("x-api-bearer=1a5", made["jwt"]))
    assert (scoped.status_code, scoped.headers["X-API-Account-Id"]) == (200, "1a5")


def test_a_form_logs_in_too(visitor: Api, local: str) -> None:
    assert visitor.ask("POST", "/v1/token", data={"code": local}).status_code == 201


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("ann:wrong", (401, "Unauthorized", None)),
        ("nobody:correct: horse", (401, "Unauthorized", None)),
        ("ann", (403, "Forbidden", None)),
        (None, (422, "MissingRequired", "code")),
    ],
)
def test_a_wrong_login_is_refused(visitor: Api, local: str, code: str | None, refusal: tuple[Any, ...]) -> None:
    assert visitor.refused("POST", "token", json={"code": code}) == refusal


def test_a_first_login_makes_a_project_for_who_has_none(visitor: Api, admin: Api, local: str, settle: Settle) -> None:
    add_person(admin, settle, "bob", "b-password")
    for _ in range(2):
        token = bearer(log_in(visitor, "bob:b-password")["jwt"])
        names = [p["name"] for p in visitor.ask("GET", "projects", headers=token).json()["data"]]
        assert names == ["bob Default"]


def test_a_person_of_a_directory_stays_that_with_a_password_here(
    visitor: Api, admin: Api, local: str, settle: Settle
) -> None:
    known_as = {"externalId": "cn=Bob", "externalIdType": "ldap_user"}
    account = add_person(admin, settle, "bob", "b-password", **known_as)
    assert log_in(visitor, "bob:b-password")["accountId"] == account
    shown = admin.get(f"accounts/{account}")
    assert {name: shown[name] for name in known_as} == known_as


def test_a_key_is_no_token_and_a_password_is_no_key(visitor: Api, installation: Installation, local: str) -> None:
    for basic in (("ann", "correct: horse"), ("x-api-bearer", installation.admin_key[1])):
        assert visitor.ask("GET", "accounts", auth=basic).status_code == 401


def test_logging_out_ends_the_token(visitor: Api, local: str) -> None:
    token = bearer(log_in(visitor, local)["jwt"])
    current = visitor.ask("GET", "token/current", headers=token).json()
    assert (current["user"], current["jwt"]) == ("ann", None)
    assert visitor.ask("DELETE", "token/current", headers=token).status_code == 200
    assert visitor.ask("GET", "accounts", headers=token).status_code == 401
    assert visitor.ask("DELETE", "token/current", headers=token).status_code == 404


FORGED = {
    "random": "x" * 40,
    "none": "eyJhbGciOiJub25lIn0.eyJhY2NvdW50X2lkIjoiMWExIn0.",
    "hs256": "eyJhbGciOiJIUzI1NiJ9.eyJhY2NvdW50X2lkIjoiMWExIn0.c2ln",
    "empty": "",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_nobody(visitor: Api, local: str, forged: str) -> None:
    for way in ({"headers": bearer(forged)}, {"params": {"token": forged}}, {"auth": ("x-api-bearer", forged)}):
        assert visitor.ask("GET", "accounts", **way).status_code == 401


def test_the_name_by_which_a_token_is_kept_is_no_token(visitor: Api, installation: Installation, local: str) -> None:
    log_in(visitor, local)
    (row,) = installation.store.read(lambda read: read.find(LoginToken))
    for known in (row.public_value, row.secret_value):
        assert visitor.ask("GET", "accounts", headers=bearer(known)).status_code == 401


def test_a_token_ends_by_itself_and_is_forgotten(
    visitor: Api, installation: Installation, local: str, later: Later
) -> None:
    token = bearer(log_in(visitor, local)["jwt"])
    later(57600 - 5)
    assert visitor.ask("GET", "accounts", headers=token).status_code == 200
    later(10)
    assert visitor.ask("GET", "accounts", headers=token).status_code == 401
    assert installation.store.read(lambda read: read.find(LoginToken)) == []


@pytest.mark.parametrize("change", ["deactivate", "remove", "demote"])
def test_a_token_ends_with_its_owner(visitor: Api, admin: Api, local: str, settle: Settle, change: str) -> None:
    made = log_in(visitor, local)
    token, owner = bearer(made["jwt"]), f"accounts/{made['accountId']}"
    assert visitor.ask("GET", "accounts", headers=token).status_code == 200
    if change == "demote":
        assert admin.ask("PUT", owner, json={"kind": "user"}).status_code == 200
    else:
        assert admin.ask("POST", f"{owner}?action=deactivate").status_code == 202
    assert visitor.ask("GET", "accounts", headers=token).status_code == 401
    settle()
    if change == "remove":
        assert admin.ask("DELETE", owner).status_code == 200
        settle()
    assert visitor.ask("GET", "accounts", headers=token).status_code == 401
    if change == "deactivate":
        assert visitor.refused("POST", "token", json={"code": local})[0] == 401
        assert admin.ask("POST", f"{owner}?action=activate").status_code == 202
        settle()
        assert visitor.ask("GET", "accounts", headers=token).status_code == 200


def test_a_token_is_of_the_provider_that_was_in_force(visitor: Api, admin: Api, local: str) -> None:
    token = bearer(log_in(visitor, local)["jwt"])
    setting = "settings/api.auth.provider.configured"
    assert admin.ask("PUT", setting, json={"value": "githubconfig"}).status_code == 200
    assert visitor.refused("GET", "accounts", headers=token)[:2] == (401, "AuthProviderChanged")
    assert admin.ask("PUT", setting, json={"value": "none"}).status_code == 200
    assert visitor.refused("GET", "accounts", headers=token)[:2] == (401, "Unauthorized")


def test_a_person_has_so_many_logins_and_no_more(visitor: Api, installation: Installation, local: str) -> None:
    made = log_in(visitor, local)
    number = int(made["accountId"][2:])
    for _ in range(MOST):
        installation.store.write(lambda tx: issue(tx, tx.require(Account, number), "localAuthConfig"))
    assert len(installation.store.read(lambda read: read.find(LoginToken, account_id=number))) == MOST
    assert visitor.ask("GET", "accounts", headers=bearer(made["jwt"])).status_code == 401, "the oldest has ended"


def test_a_new_password_needs_the_old_one_and_ends_other_logins(
    visitor: Api, admin: Api, local: str, settle: Settle
) -> None:
    add_person(admin, settle, "bob", "b-password")
    here, there = (bearer(log_in(visitor, "bob:b-password")["jwt"]) for _ in range(2))
    (row,) = visitor.ask("GET", "passwords", headers=here).json()["data"]
    assert (row["publicValue"], row["secretValue"], row["state"]) == ("bob", None, "active")
    url = row["actions"]["changesecret"]
    wrong = {"oldSecret": "x", "newSecret": "new one"}
    assert visitor.refused("POST", url, json=wrong, headers=here) == (400, "InvalidOldPassword", "oldSecret")
    assert visitor.refused("POST", url, json={"newSecret": "n"}, headers=here)[1] == "MissingRequired"
    right = visitor.ask("POST", url, json={"oldSecret": "b-password", "newSecret": "new: one"}, headers=here)
    assert right.status_code == 200
    assert right.json() == {
        "id": None, "type": "changeSecretInput", "links": {}, "actions": {}, "newSecret": None, "oldSecret": None,
    }  # fmt: skip
    assert visitor.ask("GET", "passwords", headers=here).status_code == 200
    assert visitor.ask("GET", "passwords", headers=there).status_code == 401
    assert visitor.refused("POST", "token", json={"code": "bob:b-password"})[0] == 401
    assert log_in(visitor, "bob:new: one")["user"] == "bob"
    assert admin.refused("POST", url, json={"newSecret": "third"})[2] == "oldSecret", "who need not know it sends it"
    assert admin.ask("POST", url, json={"oldSecret": "?", "newSecret": "third"}).status_code == 200
    assert log_in(visitor, "bob:third")["user"] == "bob"


def test_login_names_are_unique_until_they_are_removed(admin: Api, settle: Settle) -> None:
    made = admin.create("passwords", publicValue="Jo", secretValue="one")
    assert made["secretValue"] == ""
    settle()
    again = {"publicValue": "jo", "secretValue": "two"}
    assert admin.refused("POST", "passwords", json=again) == (422, "NotUnique", "publicValue")
    assert admin.refused("POST", "passwords", json={"publicValue": "jo"})[1:] == ("MissingRequired", "secretValue")
    colon = {"publicValue": "a:b", "secretValue": "x"}
    assert admin.refused("POST", "passwords", json=colon)[1:] == ("InvalidCharacters", "publicValue")
    admin.ask("POST", f"passwords/{made['id']}?action=deactivate")
    settle()
    assert admin.ask("DELETE", f"passwords/{made['id']}").status_code == 200
    settle()
    admin.create("passwords", **again)


def test_neither_passwords_nor_tokens_are_kept_in_clear(visitor: Api, installation: Installation, local: str) -> None:
    token = log_in(visitor, local)["jwt"]
    everything = installation.store.read(lambda read: str(journal.after(read, 0)) + "\n".join(_dump(read)))
    assert "horse" not in everything
    assert token not in everything
    assert "$argon2id$" in everything


def _dump(read: Any) -> list[str]:
    tables = [name for (name,) in read.connection.run("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [str(read.connection.run(f'SELECT * FROM "{name}"')) for name in tables]


def test_an_api_key_has_an_end_and_a_last_use(admin: Api, open_api: OpenApi, later: Later, settle: Settle) -> None:
    key = admin.create("apikeys", accountId="1a1", expires="2100-01-01T00:00:00Z")
    settle()
    program = open_api((key["publicValue"], key["secretValue"]))
    assert admin.get(f"apikeys/{key['id']}")["lastUsed"] is None
    program.get("accounts")
    first = eventually(lambda: admin.get(f"apikeys/{key['id']}").get("lastUsedTS"), what="the use is noted")
    later(60)
    program.get("accounts")
    assert admin.get(f"apikeys/{key['id']}")["lastUsedTS"] == first, "it is noted rarely"
    later(600)
    program.get("accounts")
    eventually(lambda: admin.get(f"apikeys/{key['id']}")["lastUsedTS"] > first, what="a later use is noted")
    assert admin.ask("PUT", f"apikeys/{key['id']}", json={"expires": "0696-01-01T00:00:00Z"}).status_code == 200
    assert admin.get(f"apikeys/{key['id']}")["expires"] == "0696-01-01T00:00:00Z"
    assert program.refused("GET", "accounts")[0] == 401
