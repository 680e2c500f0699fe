"""Everything that proves somebody, and everything that makes it worthless: each combination is refused at once.

One of `KINDS` is one kind of proof: how it is got, how it is sent, what is wrong with what was forged. What is open
when something happens to it (websockets) is in `tests/server/test_logins.py`, with tokens of streams; those that were
forged are in `tests/server/test_streams.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.serving import Api, Installation, Later, OpenApi, Settle
from trailboss import states
from trailboss.resources.account import Account
from trailboss.resources.credential import AgentApiKey, Credential, RegistrationToken
from trailboss.resources.login_token import LoginToken
from trailboss.resources.seed import add_key

Sent = dict[str, Any]
"""What a request carries as its proof."""


@dataclass
class Proof:
    """sent: a proof that is good. path: what it opens. row: number of what is kept of it; owner: of its account.
    forged: the same with something wrong in it, by what that is."""

    sent: Sent
    path: str
    row: int
    owner: int
    forged: dict[str, Sent]


@dataclass
class World:
    """What proofs are made with."""

    installation: Installation
    admin: Api
    project: Api
    anybody: Api
    settle: Settle
    later: Later

    def find(self, type_: type[Credential], **equal: Any) -> Any:
        return self.installation.store.read(lambda read: read.find(type_, **equal))[0]

    def answer(self, proof: Sent, path: str) -> int:
        return self.anybody.ask("GET", path, **proof).status_code

    def change(self, fn: Callable[[Any], Any]) -> None:
        self.installation.store.write(fn)


@pytest.fixture
def world(
    installation: Installation, admin: Api, api: Api, open_api: OpenApi, settle: Settle, later: Later
) -> World:  # fmt: skip
    return World(installation, admin, api, open_api(None), settle, later)


def api_key(world: World) -> Proof:
    account, (public, secret) = world.installation.add_account("user")
    row = world.find(Credential, public_value=public)
    forged = {
        "another secret": {"auth": (public, secret[:-1] + "x")},
        "the hash that is kept": {"auth": (public, row.secret_value)},
        "the secret of another key": {"auth": (public, world.installation.admin_key[1])},
        "its name alone": {"auth": (public, "")},
    }
    return Proof({"auth": (public, secret)}, "/v1/projects", row.id, account.id, forged)


def agent_key(world: World) -> Proof:
    def make(tx: Any) -> tuple[int, str, str]:
        account = tx.insert(Account, kind="agent", state="active")
        public, secret = add_key(tx, account.id, "an agent's")
        row = tx.find(Credential, public_value=public)[0]
        tx.insert(AgentApiKey, account_id=account.id, public_value="A", secret_value=row.secret_value, state="active")
        states.end(tx, row)
        return account.id, "A", secret

    account, public, secret = world.installation.store.write(make)
    row = world.find(AgentApiKey, public_value=public)
    forged = {
        "another secret": {"auth": (public, secret[:-1] + "x")},
        "the hash that is kept": {"auth": (public, row.secret_value)},
    }
    return Proof({"auth": (public, secret)}, "/v1/agents", row.id, account, forged)


def _login(world: World, send: Callable[[str], Sent]) -> Proof:
    world.admin.create("localauthconfigs", username="root", password="r", enabled=True)
    owner = world.admin.create("accounts", kind="user", name="bob")["id"]
    world.admin.create("passwords", accountId=owner, publicValue="bob", secretValue="b")
    world.settle()
    key = world.anybody.create("token", code="bob:b")["jwt"]
    row = world.find(LoginToken, account_id=int(owner[2:]))
    none, hs256 = '{"alg":"none"}', '{"alg":"HS256","typ":"JWT"}'
    claims = f'{{"account_id":"1a1","token":"{key}"}}'
    signature = hmac.digest(b"", f"{_text(hs256)}.{_text(claims)}".encode(), "sha256")
    forged = {
        "another key": send(key[:-1] + "0"),
        "the name by which it is kept": send(row.public_value),
        "the hash that is kept": send(row.secret_value),
        "algorithm none": send(f"{_text(none)}.{_text(claims)}."),
        "signed with an empty key": send(f"{_text(hs256)}.{_text(claims)}.{_text(signature)}"),
    }
    return Proof(send(key), "/v1/projects", row.id, int(owner[2:]), forged)


def _text(value: str | bytes) -> str:
    return base64.urlsafe_b64encode(value.encode() if isinstance(value, str) else value).decode().rstrip("=")


def login_by_header(world: World) -> Proof:
    return _login(world, lambda key: {"headers": {"Authorization": f"Bearer {key}"}})


def login_by_cookie(world: World) -> Proof:
    return _login(world, lambda key: {"headers": {"Cookie": f"token={key}"}})


def login_by_basic(world: World) -> Proof:
    return _login(world, lambda key: {"auth": ("x-api-bearer", key)})


def registration_token(world: World) -> Proof:
    made = world.project.create("registrationtokens")
    world.settle()
    token = world.project.get(f"registrationtokens/{made['id']}")["token"]
    public, hour, signature = token.split(":")
    row = world.find(RegistrationToken, public_value=public)

    def send(text: str) -> Sent:
        return {"auth": ("registrationToken", text)}

    def signed(algorithm: str) -> str:
        digest = hmac.digest(row.secret_value.encode(), f"{public}:{hour}".encode(), algorithm)
        return base64.b64encode(digest).decode().translate(str.maketrans("", "", "/=+"))

    assert signed("sha1") == signature, "so another algorithm is all that is wrong below"
    forged = {
        "another signature": send(f"{public}:{hour}:{signature[:-1]}_"),
        "another hour": send(f"{public}:{int(hour) - 3_600_000}:{signature}"),
        "an hour to come": send(f"{public}:{int(hour) + 36_000_000}:{signature}"),
        "another algorithm": send(f"{public}:{hour}:{signed('sha256')}"),
        "algorithm none": send(f"{public}:{hour}:"),
        "a hash of it": send(f"{public}:{hour}:{hashlib.sha256(signature.encode()).hexdigest()}"),
    }
    return Proof(send(token), "/v1/register", row.id, 5, forged)


KINDS = (api_key, agent_key, login_by_header, login_by_cookie, login_by_basic, registration_token)
Happens = Callable[[World, Proof], None]


def to_its_row(fn: Callable[[Any, Any], Any]) -> Happens:
    """Return what does something to what is kept of a proof: a function of a transaction and the row."""
    return lambda world, proof: world.change(lambda tx: fn(tx, tx.get(Credential, proof.row)))


def to_its_owner(fn: Callable[[Any, Any], Any]) -> Happens:
    return lambda world, proof: world.change(lambda tx: fn(tx, tx.get(Account, proof.owner)))


def by_setting(name: str, value: str) -> Happens:
    return lambda world, proof: world.installation.set(name, value)


def log_out(world: World, proof: Proof) -> None:
    assert world.anybody.ask("DELETE", "/v1/token/current", **proof.sent).status_code == 200


HAPPENS: dict[str, Happens] = {
    "revoked": to_its_row(lambda tx, row: states.begin(tx, row, "deactivate")),
    "removed": to_its_row(states.end),
    "its owner is disabled": to_its_owner(lambda tx, row: states.begin(tx, row, "deactivate")),
    "its owner is removed": to_its_owner(states.end),
    "expired": to_its_row(lambda tx, row: tx.change(row, expires=tx.now)),
    "a setting has made it too old": by_setting("registration.token.period.millis", "1"),
    "logged out": log_out,
    "its kind counts no more": by_setting("account.by.key.credential.types", "somethingElse"),
}
"""What makes a proof worthless."""
KEYS, LOGINS = (api_key, agent_key), (login_by_header, login_by_cookie, login_by_basic)
ONLY = {
    "expired": (api_key, *LOGINS),  # the keys of agents do not end by themselves
    "a setting has made it too old": (registration_token,),
    "logged out": (login_by_header, login_by_cookie),
    "its kind counts no more": KEYS,
}


@pytest.mark.parametrize(
    ("kind", "what"),
    [(kind, what) for kind in KINDS for what in HAPPENS if kind in ONLY.get(what, KINDS)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_has_become_worthless_is_refused_at_once(
    world: World, kind: Callable[[World], Proof], what: str
) -> None:  # fmt: skip
    proof = kind(world)
    assert world.answer(proof.sent, proof.path) == 200
    HAPPENS[what](world, proof)
    assert world.answer(proof.sent, proof.path) == 401
    world.settle()
    assert world.answer(proof.sent, proof.path) == 401, "and so it stays"


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_forged_is_refused(world: World, kind: Callable[[World], Proof]) -> None:
    proof = kind(world)
    taken = {what for what, sent in proof.forged.items() if world.answer(sent, proof.path) != 401}
    assert taken == set()
    assert world.answer(proof.sent, proof.path) == 200, "the right one still counts"


def texts_of(proof: Proof) -> list[str]:
    """The secret texts of a proof, whatever it was sent as."""
    if "auth" in proof.sent:
        return [proof.sent["auth"][1]]
    return [next(iter(proof.sent["headers"].values())).rpartition(" ")[2].removeprefix("token=")]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_for_something_else_is_refused(world: World, kind: Callable[[World], Proof]) -> None:
    """The audience of a proof is the way in which it is sent: no other way takes it."""
    proof = kind(world)
    (text,) = texts_of(proof)
    public = proof.sent["auth"][0] if "auth" in proof.sent else "x-api-bearer"
    ways: dict[str, Sent] = {
        "as a key": {"auth": (world.installation.admin_key[0], text)},
        "as a registration token": {"auth": ("registrationToken", text)},
        "as a login by header": {"headers": {"Authorization": f"Bearer {text}"}},
        "as a login by cookie": {"headers": {"Cookie": f"token={text}"}},
        "as a login by Basic": {"auth": ("x-api-bearer", text)},
        "as a login in the query": {"params": {"token": text}},
        "both parts as a login": {"headers": {"Authorization": f"Bearer {public}:{text}"}},
    }
    own = {registration_token: {"as a registration token"}}
    logins = {name for name in ways if name.startswith("as a login")}
    taken = {name for name, sent in ways.items() if world.answer(sent, proof.path) != 401}
    assert taken == own.get(kind, logins if kind in LOGINS else set())


@pytest.mark.parametrize(
    ("kind", "path"), [(registration_token, "/v1/projects"), (agent_key, "/v1/projects/1a5/hosts")]
)
def test_a_proof_of_a_machine_opens_nothing_else(world: World, kind: Callable[[World], Proof], path: str) -> None:
    proof = kind(world)
    assert world.answer(proof.sent, path) in (403, 404)
    assert world.answer(proof.sent, "/v1/containers") == 404
