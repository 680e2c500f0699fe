"""Logins that are in force: what a request with a token is looked up by. They are made in `token.py`.

A token is a random key of 40 characters, of which only a hash is kept here. It ends when its time is over, when
somebody logs out or the password is changed; it is refused while its account is not active, and for good when the
account is no longer of the kind that has logged in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trailboss import states
from trailboss.declare import Behaviour, date, registry, text
from trailboss.outcome import Again, Done, End, Outcome
from trailboss.resources.credential import Credential, hash_secret, make_secret, secret_matches
from trailboss.resources.setting import number_of

if TYPE_CHECKING:
    from trailboss.resources.account import Account
    from trailboss.store.transaction import Read, Tx

MOST = 100
"""Logins of one account at a time; with one more the oldest ends."""


class LoginToken(Credential):
    """One login of a person. provider: that let it in. user_kind: kind of the account at that time."""

    type = "loginToken"
    roles = {"superadmin": "crud"}

    secret_value = text(column=True, read=(), secret=True, hashed=True)
    expires = date(column=True)
    provider = text(read=("superadmin",))
    user_kind = text(read=("superadmin",))


def issue(tx: Tx, account: Account, provider: str, at_most_ms: int | None = None) -> str:
    """Begin a login; return its key, which is kept nowhere. at_most_ms: when it ends even if others last longer."""
    period_ms = number_of(tx, "api.auth.jwt.token.expiry")
    for old in tx.find(LoginToken, account_id=account.id, newest=True)[MOST - 1 :]:
        states.end(tx, old)
    key = make_secret()
    row = tx.insert(
        LoginToken,
        account_id=account.id,
        state="active",
        name=f"login by {provider}",
        public_value=_name_of(key),
        secret_value=hash_secret(key),
        expires=tx.now + min(period_ms, at_most_ms or period_ms),
        provider=provider,
        user_kind=account.kind,
    )
    tx.mark(LoginToken, row.id)
    return key


def find(read: Read, key: str) -> LoginToken | None:
    """Return the login of a key, if it is in force."""
    for row in read.find(LoginToken, public_value=_name_of(key)):
        if secret_matches(row.secret_value, key):
            return row if is_in_force(read, row) else None
    return None


def is_known(read: Read, key: str) -> bool:
    """Say whether a login has had this key, be it over or not, as long as anything is kept of it."""
    rows = read.find(LoginToken, public_value=_name_of(key), live=False)
    return any(secret_matches(row.secret_value, key) for row in rows)


def is_in_force(read: Read, row: LoginToken) -> bool:
    """Say whether a login counts: it has not ended, and its account is as it was."""
    if row.state != "active" or row.expires <= read.now:
        return False
    account = read.get(registry["account"], row.account_id)
    return account is not None and account.values["state"] == "active" and account.values["kind"] == row.user_kind


def end_all(tx: Tx, account_id: int, but: int | None = None) -> None:
    """End the logins of an account, but for one."""
    for row in tx.find(LoginToken, account_id=account_id):
        if row.id != but:
            states.end(tx, row)


def _name_of(key: str) -> str:
    """Return by what a key is looked up; it says nothing about the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class View:
    """A login and the present moment."""

    row: LoginToken
    now: int


def load(tx: Tx, row: LoginToken) -> View:
    """Read a login."""
    return View(row, tx.now)


def reconcile(view: View) -> Outcome:
    """Take a login away when its time is over."""
    if view.row.state != "active":
        return Done()
    left = view.row.expires - view.now
    return Again("It is in force", after_s=left / 1000) if left > 0 else Done(steps=(End(view.row),))


LoginToken.behaviour = Behaviour(load=load, reconcile=reconcile)
