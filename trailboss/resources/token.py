"""`token`: the session that begins with a login. No rows; what is kept of it is a `loginToken`.

A login asks the provider in force first (`asking`), outside of any transaction; what follows from it is one
transaction (`create`): the account is found or made, somebody's first project, in a set-up the first administrator
(`set_up.py`, which also says what becomes of a set-up code).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import Behaviour, Resource, embedded, flag, format_id, text
from trailboss.errors import ApiError
from trailboss.login import passwords
from trailboss.login.provider import Person, Who
from trailboss.resources import login_token, providers, set_up
from trailboss.resources.account import Account, account_created, make_project
from trailboss.resources.login_token import LoginToken
from trailboss.resources.password import Password, of_login
from trailboss.resources.project_member import PEOPLE, identities_of, member_roles
from trailboss.resources.setting import is_controlled, value_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

CURRENT = "current"
"""Id of the session whose token is sent: `DELETE /v1/token/current` ends it."""


class Token(Resource):
    """A login. code: `name:password`, or what the provider gave. jwt: what later requests are sent with."""

    type = "token"
    roles = {"token": "crd"}
    unlisted = "d"

    account_id = text()
    auth_provider = text()
    authorization_url = text()
    client_id = text()
    code = text(create=True, required=True, secret=True)
    enabled = flag()
    hostname = text()
    jwt = text()
    security = flag()
    user = text()
    user_identity = embedded("identity", read=("token",))
    user_type = text()


@dataclass(frozen=True)
class Login:
    """A person who was let in. provider: by whom. password: the row that the password was compared with, if it was."""

    provider: str
    person: Person
    password: Password | None = None


def asking(read: Read, row: None, values: dict[str, Any], caller: Any) -> Callable[[], Login] | None:
    """Return what asks the provider in force who somebody is; nobody is asked about a set-up code. Raises ApiError 500
    NoAuthProvider, 403."""
    if set_up.is_code(values["code"]):
        return None
    name = providers.name_in_force(read)
    if name == providers.LOCAL:
        return _comparing(read, values["code"])
    provider = providers.in_force(read, caller.browser)
    if provider is None:
        raise ApiError(500, "NoAuthProvider", "no login provider is configured; use API keys")
    return lambda: Login(name, provider.login(values["code"]))


def _comparing(read: Read, code: str) -> Callable[[], Login]:
    login, colon, given = code.partition(":")
    if not colon:
        raise ApiError(403, message="the code is user:password")
    row = of_login(read, login)

    def question() -> Login:
        if not passwords.matches(row.secret_value if row else None, given) or row is None:
            raise ApiError(401, message="wrong name or password")
        who = Who("rancher_id", str(row.account_id), login=login)
        return Login(providers.LOCAL, Person(who), row)

    return question


def create(tx: Tx, values: dict[str, Any], caller: Any) -> Token:
    """Let a person in. Raises ApiError 401 for who may not, or if provider or password were changed meanwhile."""
    if set_up.is_code(values["code"]):
        account, key = set_up.begin(tx, values["code"])
        return _begun(tx, account, key, Who("rancher_id", str(account.id), account.name))
    login: Login = caller.consulted
    if providers.name_in_force(tx) != login.provider:
        raise ApiError(401, "AuthProviderChanged", "the login provider was changed meanwhile; log in again")
    account = _account_of(tx, login)
    who, groups = login.person.who, login.person.groups
    is_local = login.provider == providers.LOCAL
    # who has been let in by a directory before stays its person, with a password kept here, too
    known_as = (
        {} if is_local and account.external_id else {"external_id": who.external_id, "external_id_type": who.kind}
    )
    said = [] if is_local else [who.id, *(group.id for group in groups)]
    account = tx.change(account, identities=said, identities_at=tx.now, **known_as)
    account = set_up.finish(tx, account, who, caller.session)
    if not is_admitted(tx, account, login.provider):
        raise ApiError(401, message="only certain people may use this installation")
    account = _first_login(tx, account, who)
    return _begun(tx, account, login_token.issue(tx, account, login.provider), who)


def _account_of(tx: Tx, login: Login) -> Account:
    """Return the account of a person, which may have to be made. Raises ApiError 401 for one that is not active."""
    who, account = login.person.who, None
    if login.password is not None:
        present = tx.get(Password, login.password.id)
        if present is not None and present.state == "active" and present.secret_value == login.password.secret_value:
            account = tx.get(Account, present.account_id)
        if account is None:
            raise ApiError(401, message="wrong name or password")
    else:
        found = tx.find(Account, external_id=who.external_id, external_id_type=who.kind)
        account = next((row for row in found if row.kind in PEOPLE), None) or _new_account(tx, who)
    if account.state != "active" or account.kind not in PEOPLE:
        raise ApiError(401, message="the account is not active")
    return account


def _new_account(tx: Tx, who: Who) -> Account:
    named = {"name": who.name or who.login, "external_id": who.external_id, "external_id_type": who.kind}
    account = tx.insert(Account, kind="user", state="active", **named)
    account_created(tx, account)
    return account


def is_admitted(read: Read, account: Account, provider: str) -> bool:
    """Say whether a person may use the site: where that is restricted, administrators, members, and who is listed."""
    if providers.access_mode(read, provider) != "restricted" or account.kind == "admin" or not is_controlled(read):
        return True
    listed = providers.allowed_identities(read, provider)
    own = identities_of(read, account.id)
    return any(f"{kind}:{id}" in listed for kind, id in own) or bool(member_roles(read, account.id))


def _first_login(tx: Tx, account: Account, who: Who) -> Account:
    """Give somebody without a project one, once."""
    if not account.has_logged_in and not member_roles(tx, account.id):
        make_project(tx, f"{account.name or who.login} Default", (who.kind, who.external_id))
    return tx.change(account, has_logged_in=True)


def _identity(account: Account, who: Who) -> dict[str, Any]:
    external_id = format_id(Account, account.id) if who.kind == "rancher_id" else who.external_id
    names = {"login": who.login, "name": who.name or account.name}
    return {"externalId": external_id, "externalIdType": who.kind, "id": f"{who.kind}:{external_id}", **names}


def _begun(read: Read, account: Account, key: str, who: Who) -> Token:
    """Return a session that begins, with its key."""
    user = who.login or account.name
    return _shown(read, jwt=key, user=user, userIdentity=_identity(account, who), account=account)


def _shown(read: Read, *, account: Account | None = None, **more: Any) -> Token:
    """Return the state of the login, and of somebody's session."""
    name = providers.name_in_force(read)
    controlled = is_controlled(read)
    values: dict[str, Any] = {
        "security": controlled,
        "enabled": controlled,
        "auth_provider": None if name == providers.NONE else name,
    }
    if name == "githubconfig":
        values |= {
            "client_id": value_of(read, "api.auth.github.client.id") or None,
            "hostname": value_of(read, "api.github.domain") or None,
        }
    if account is not None:
        values |= {"account_id": format_id(Account, account.id), "user_type": account.kind}
        values |= {"jwt": more.get("jwt"), "user": more["user"], "user_identity": more["userIdentity"]}
    return Token(values)


def beginning(read: Read, row: None, values: dict[str, Any], caller: Any) -> Callable[[], str | None] | None:
    """Return what asks the provider in force where a person goes to log in."""
    try:
        provider = providers.in_force(read, caller.browser)
    except ApiError:
        return None  # a login page is told the rest all the same

    def question() -> str | None:
        try:
            return provider.begin() if provider is not None else None
        except ApiError:
            return None  # as above

    return question


def listed(read: Read, caller: Any, query: Mapping[str, str]) -> list[Token]:
    """Return what a login page has to know."""
    return [Token({**_shown(read).values, "authorization_url": caller.consulted})]


def found(read: Read, caller: Any, raw: str) -> Token | None:
    """Return the session whose token was sent."""
    session = read.get(LoginToken, caller.session) if raw == CURRENT and caller.session is not None else None
    account = read.get(Account, session.account_id) if session is not None else None
    if account is None:
        return None
    passwords_ = read.find(Password, account_id=account.id, state="active", limit=1)
    login = passwords_[0].public_value if passwords_ and account.external_id_type == "rancher_id" else None
    who = Who(account.external_id_type or "rancher_id", account.external_id or str(account.id), account.name, login)
    shown = _shown(read, account=account, user=login or account.name, userIdentity=_identity(account, who))
    return Token({**shown.values, "id": CURRENT})


def log_out(tx: Tx, row: Token, caller: Any) -> Token:
    """End the session whose token was sent."""
    session = tx.get(LoginToken, caller.session)
    if session is not None:
        states.end(tx, session)
    return row


Token.behaviour = Behaviour(
    create=create, listed=listed, found=found, delete=log_out, consult={"create": asking, "listed": beginning}
)  # fmt: skip
