"""Passwords: with which people log in. Other keys are in `credential.py`.

What is kept is a slow hash, which is made and compared outside of transactions (`consult`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trailboss.declare import ADMINS, ANYONE, Action, Behaviour, Resource, ref, text
from trailboss.errors import ApiError, Lost
from trailboss.login import passwords
from trailboss.resources import login_token
from trailboss.resources.credential import Credential, check_owner

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

_SCOPE = "password"


class Password(Credential):
    """A login name and its password."""

    type = "password"
    roles = {role: letters.replace("cr", "crud") for role, letters in ANYONE.items()}
    actions = (Action("changesecret", "changeSecretInput", "changeSecretInput"),)

    account_id = ref("account", column=True, create=ADMINS)
    public_value = text(create=True, column=True, indexed=True, max_length=4096)
    secret_value = text(create=True, column=True, max_length=4096, secret=True, hashed=True, read_on_create_only=True)


class ChangeSecretInput(Resource):
    """The password as it was and as it shall be."""

    type = "changeSecretInput"
    roles = ANYONE
    listable = False

    new_secret = text(create=True, required=True, nullable=False, secret=True)
    old_secret = text(create=True, required=True, nullable=False, secret=True)


def of_login(read: Read, login: str) -> Password | None:
    """Return the active password of a login name."""
    return next(iter(read.find(Password, public_value=login, state="active")), None)


def hashing(read: Read, row: None, values: dict[str, Any], caller: Any) -> Callable[[], str]:
    """Return what hashes a new password. Raises ApiError 422 without one, or for a name that nobody could log in by."""
    for name, wire in (("public_value", "publicValue"), ("secret_value", "secretValue")):
        if not values.get(name):
            raise ApiError(422, "MissingRequired", f"a password needs {wire}", field=wire)
    if ":" in values["public_value"]:
        raise ApiError(422, "InvalidCharacters", "a login name may not contain ':'", field="publicValue")
    return lambda: passwords.hashed(values["secret_value"])


def prepare(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Store the hash in place of the password. The answer has an empty text there. Raises NotUnique, 403."""
    check_owner(tx, values, caller)
    if tx.holder(_SCOPE, values["public_value"].lower()):
        raise _taken(values["public_value"])
    caller.shown_once["secret_value"] = ""
    return {**values, "secret_value": caller.consulted}


def hold_name(tx: Tx, row: Password) -> None:
    """Reserve the login name of a new password, whatever its case."""
    if not tx.hold(_SCOPE, row.public_value.lower(), row):
        raise _taken(row.public_value)


def release_name(tx: Tx, row: Password) -> None:
    """Let the login name of a removed password be used again; whoever came in by it has to log in anew."""
    if row.state in ("removed", "inactive"):
        login_token.end_all(tx, row.account_id)
    if row.state == "removed":
        tx.release(row)


def _taken(name: str) -> ApiError:
    return ApiError(422, "NotUnique", f"the login name {name} is taken", field="publicValue")


def comparing(read: Read, row: Password, values: dict[str, Any], caller: Any) -> Callable[[], tuple[str | None, str]]:
    """Return what compares the old password and hashes the new one. Who administers need not know the old one."""

    def question() -> tuple[str | None, str]:
        if not caller.all_accounts and not passwords.matches(row.secret_value, values["old_secret"]):
            raise ApiError(400, "InvalidOldPassword", "this is not the password as it was", field="oldSecret")
        return row.secret_value, passwords.hashed(values["new_secret"])

    return question


def change_secret(tx: Tx, row: Password, values: dict[str, Any], caller: Any) -> ChangeSecretInput:
    """Store the new password, and end the account's other logins. Raises Lost if it was changed meanwhile."""
    compared, hashed = caller.consulted
    if row.secret_value != compared:
        raise Lost("the password was changed meanwhile")
    tx.change(row, secret_value=hashed)
    login_token.end_all(tx, row.account_id, but=caller.session)
    return ChangeSecretInput({})


Password.behaviour = Behaviour(
    prepare=prepare,
    created=hold_name,
    settled=release_name,
    actions={"changesecret": change_secret},
    consult={"create": hashing, "changesecret": comparing},
)
