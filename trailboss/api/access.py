"""Who asks, and what they may see: from the headers of a request to a `Caller` (02-access section 2).

Looked up here: tokens of logins, API keys (HTTP Basic), registration tokens, the project that a request is scoped to,
the role in it. Which types and fields a role sees is in `schemas.py`; what protects browsers, in `guard.py`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.requests import HTTPConnection

from trailboss.api import guard
from trailboss.api.context import Context
from trailboss.api.request import peer_of, scope_of, target_of
from trailboss.api.schemas import RoleView, role_view, with_added
from trailboss.api.validate import raw_id, row_number
from trailboss.declare import ResourceType
from trailboss.errors import ApiError
from trailboss.resources import dynamic_schema, login_token, providers, token
from trailboss.resources.account import Account
from trailboss.resources.credential import Credential, check_token, secret_matches
from trailboss.resources.login_token import LoginToken
from trailboss.resources.project_member import member_roles
from trailboss.resources.setting import is_controlled, number_of, value_of
from trailboss.store.transaction import Read

KEY_KINDS = ("apiKey", "agentApiKey")
REGISTRATION = "registrationToken"
"""The user name that goes with a registration token."""


@dataclass(frozen=True)
class Policy:
    """What accounts of a kind may do beyond their own rows. all_accounts: see and name every account's rows.
    plain_ids: ask for raw ids. any_role: ask for the view of a lesser role."""

    all_accounts: bool = False
    plain_ids: bool = False
    any_role: bool = False


POLICIES = {
    "admin": Policy(all_accounts=True, plain_ids=True, any_role=True),
    "superadmin": Policy(all_accounts=True, plain_ids=True, any_role=True),
    "readAdmin": Policy(all_accounts=True, plain_ids=True),
    "service": Policy(all_accounts=True, plain_ids=True),
    "agent": Policy(plain_ids=True),
}
_NO_POLICY = Policy()
_ABOVE_ADMIN = ("superadmin", "service")


@dataclass
class Caller:
    """Who asks.

    role: name of the schema that it is shown. account_id: number of the account in effect (the project of a scoped
    request); authenticated_id: of the account whose key was sent. all_accounts: it sees rows of every account.
    plain_ids: ids go in and out raw. project_prefix: the project id of the path, as it was sent.
    kind: of the account whose key was sent; proof: how that was proved, in the words of the audit log.
    key, session: numbers of the API key or login by which it asks; key_used: when that key was noted last as used.
    options: flags of the request that actions understand (`purge`). shown_once: what only this answer shows.
    consulted: what others have said whom the request made us ask. browser: what a browser is known by, if it is one.
    added: types that were added for the account in effect.
    """

    role: str
    account_id: int
    authenticated_id: int
    all_accounts: bool = False
    plain_ids: bool = False
    project_prefix: str | None = None
    kind: str = ""
    proof: str = ""
    key: int | None = None
    key_used: int | None = None
    session: int | None = None
    browser: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    shown_once: dict[str, Any] = field(default_factory=dict)
    consulted: Any = None
    added: tuple[ResourceType, ...] = ()

    @property
    def view(self) -> RoleView:
        """All that it sees."""
        view = role_view(self.role)
        return with_added(view, self.added) if self.added else view


def identify(read: Read, connection: HTTPConnection, project_prefix: str | None = None) -> Caller:
    """Find out who asks. Raises ApiError 401 (not or wrongly authenticated) or 403 (no access to the project).

    project_prefix: the project id of the path, if the caller of this function has it already.
    """
    guard.check_origin(read, connection)
    account = _authenticate(read, connection)
    scope, own = project_prefix or scope_of(connection) or account.scope, POLICIES.get(account.kind, _NO_POLICY)
    if account.role == "token":
        scope = None
    plain_ids = own.plain_ids and connection.query_params.get("_plainId") == "true"
    account_id, role, has_types = account.id, account.role, account.has_types
    if scope is not None:
        account_id, role, has_types = _enter_project(read, account, scope, plain_ids)
    policy = POLICIES.get(role, _NO_POLICY)
    wanted = connection.query_params.get("_role")
    if wanted and own.any_role and _is_narrower(read, wanted, account.kind, policy):
        role, policy = wanted, POLICIES.get(wanted, _NO_POLICY)
    if not role_view(role).types:
        raise ApiError(401, message=f"accounts of the kind {role} see nothing")
    return Caller(
        role=role,
        account_id=account_id,
        authenticated_id=account.id,
        all_accounts=policy.all_accounts,
        plain_ids=plain_ids,
        project_prefix=project_prefix,
        kind=account.kind,
        proof=account.proof,
        key=account.key,
        key_used=account.key_used,
        session=account.session,
        browser=connection.cookies.get(guard.COOKIE, ""),
        added=dynamic_schema.types_of(read, account_id) if has_types else (),
    )


def check_again(read: Read, caller: Caller) -> None:
    """Look whether a caller may still do what it was allowed to begin. Raises ApiError 401, 403."""
    owner = read.get(Account, caller.authenticated_id)
    if owner is None or owner.state != "active" or not _is_proven(read, caller):
        raise ApiError(401, message="what this began with counts no more; log in again")
    if caller.account_id != caller.authenticated_id:
        account = _Owner(owner.id, owner.kind, owner.kind)
        _enter_project(read, account, str(caller.account_id), plain_ids=True)


def _is_proven(read: Read, caller: Caller) -> bool:
    """Say whether the key or login by which a caller asked is in force; without any, access control has to be off."""
    if caller.session is not None:
        row = read.get(LoginToken, caller.session)
        return row is not None and login_token.is_in_force(read, row) and row.provider == providers.name_in_force(read)
    if caller.key is not None:
        key = read.get(Credential, caller.key)
        expires = key.values.get("expires") if key is not None else None
        return key is not None and key.state == "active" and (expires is None or expires > read.now)
    return not is_controlled(read)


def _is_narrower(read: Read, wanted: str, kind: str, present: Policy) -> bool:
    """Say whether a view shows no more than the present one: inside of a project none shows what is outside, and
    administrators get those above them only where access control is off."""
    if not role_view(wanted).types:
        return False
    if wanted in _ABOVE_ADMIN and kind != "superadmin" and is_controlled(read):
        return False
    return present.all_accounts or not POLICIES.get(wanted, _NO_POLICY).all_accounts


@dataclass(frozen=True)
class _Owner:
    """The account whose credentials were sent. role: that of its kind, or of what was sent. proof: what that was.
    is_active: neither the key nor the account is out of use. scope: a project that came with them. key, key_used,
    session: as of a `Caller`. has_types: types were added for it."""

    id: int
    kind: str
    role: str
    proof: str = ""
    is_active: bool = True
    scope: str | None = None
    key: int | None = None
    key_used: int | None = None
    session: int | None = None
    has_types: bool = False


def _authenticate(read: Read, connection: HTTPConnection) -> _Owner:
    """Return whose credentials were sent; with access control off, else the administrator. Raises ApiError 401."""
    public, secret = basic(connection.headers.get("authorization"))
    is_login = (target_of(connection.scope["path"]).type or "").lower() in ("token", "tokens")
    if is_login and (owner := _for_login(read, connection)):
        return owner
    if (sent := _sent_token(connection)) and (owner := _by_session(read, sent)):
        return owner
    is_bearer, _, scope = public.lower().partition("=")
    if is_bearer == _BEARER:
        if (owner := _by_session(read, secret)) and is_controlled(read):
            return replace(owner, scope=scope or None)
    elif public and (owner := _proved(read, connection, public, secret)):
        return owner
    controlled = is_controlled(read)
    if not controlled and connection.headers.get("x-enforce-authentication") != "true":
        for account in read.find(Account, kind="admin"):
            if account.state == "active":
                given = scope if is_bearer == _BEARER else None
                return _Owner(account.id, account.kind, account.kind, "AdminAuth", scope=given)
    raise ApiError(401, headers=_challenge(read, connection) if controlled else {})


def _proved(read: Read, connection: HTTPConnection, public: str, secret: str) -> _Owner | None:
    """Return whose the credentials are; None if they are not good. Raises ApiError 429 after too many of those."""
    attempts, attempt = context_of(connection).attempts, _attempt(connection, public, secret)
    attempts.check(*attempt)
    owner = _by_token(read, secret) if public == REGISTRATION else _by_key(read, public, secret)
    if owner is not None:
        attempts.succeeded(*attempt)
    elif is_controlled(read):
        attempts.failed(*attempt)
    return owner if owner is not None and owner.is_active else None


def _attempt(connection: HTTPConnection, public: str, secret: str) -> tuple[str, str]:
    """Return by what attempts are counted: the client's address, and the name that it uses."""
    name = secret.partition(":")[0] if public == REGISTRATION else public
    return peer_of(connection, context_of(connection).proxies), name.lower()


def context_of(connection: HTTPConnection) -> Context:
    """Return the parts of the server that serves a request."""
    found: Context = connection.app.state.context
    return found


_BEARER = "x-api-bearer"
"""As the user of HTTP Basic: the password is the token of a login. `=<project id>` may follow."""


def _for_login(read: Read, connection: HTTPConnection) -> _Owner | None:
    """Return the account that serves logins, with the session whose token was sent, if that is in force."""
    session = login_token.find(read, sent) if (sent := _sent_token(connection)) else None
    for account in read.find(Account, kind="token"):
        if account.state == "active":
            return _Owner(account.id, "token", "token", session=session.id if session else None)
    return None


def _sent_token(connection: HTTPConnection) -> str | None:
    """Return the token of a login that was sent: as a cookie, in the header Authorization, as a parameter."""
    for name, value in connection.cookies.items():
        if name.lower() == "token" and value:
            return value
    header = connection.headers.get("authorization", "").strip()
    scheme, _, bearer = header.partition(" ")
    if scheme.lower() == "bearer" and bearer:
        return bearer.strip()
    if header and not bearer:
        return header
    return connection.query_params.get("token") or None


def _by_session(read: Read, key: str) -> _Owner | None:
    """Return the account of a login. Raises ApiError 401 if another provider is in force now, or lets it in no more."""
    provider = providers.name_in_force(read)
    row = login_token.find(read, key) if provider != providers.NONE else None
    if row is None:
        return None
    if row.provider != provider:
        raise ApiError(401, "AuthProviderChanged", "the login provider was changed; log in again")
    account = read.require(Account, row.account_id)
    if not token.is_admitted(read, account, provider):
        raise ApiError(401, message="only certain people may use this installation")
    has_types = bool(account.added_types)
    return _Owner(account.id, account.kind, account.kind, "TokenAuth", session=row.id, has_types=has_types)


def basic(header: str | None) -> tuple[str, str]:
    """Return user and password of an Authorization header; empty ones if it holds none."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return ("", "") if "\0" in user else (user, password)


def _by_token(read: Read, token: str) -> _Owner | None:
    period_ms = number_of(read, "registration.token.period.millis")
    row = check_token(read, token, read.now, period_ms)
    account = read.get(Account, row.account_id) if row else None
    if account is None or account.state != "active":
        return None
    return _Owner(account.id, account.kind, "register", "RegistrationToken")


_KEY = (
    "kind",
    "state",
    "secret_value",
    "expires",
    "id",
    "last_used",
    "account_id",
    "account_id.kind",
    "account_id.state",
    "account_id.added_types",
)


def _by_key(read: Read, public: str, secret: str) -> _Owner | None:
    """Return whose key it is; None if there is none like it. Raises ApiError 409 MultipleKeys."""
    right = [
        (state == "active" and (expires is None or expires > read.now), *rest)
        for kind, state, hashed, expires, *rest in read.columns(Credential, *_KEY, public_value=public)
        if kind in KEY_KINDS and secret_matches(hashed, secret)
    ]
    found = [entry for entry in right if entry[0]]
    if len(found) > 1:
        raise ApiError(409, "MultipleKeys", "this key is there more than once")
    for is_active, key, used, id_, kind, state, types in found or right:
        is_good = is_active and state == "active"
        return _Owner(id_, kind, kind, "BasicAuth", is_good, key=key, key_used=used, has_types=bool(types))
    return None


def _enter_project(read: Read, account: _Owner, scope: str, plain_ids: bool) -> tuple[int, str, bool]:
    """Return the number of the project that a request is scoped to, the caller's role in it, and whether types were
    added for it. Raises ApiError 403."""
    number = row_number(raw_id(scope, plain_ids) or "")
    if number == account.id and account.kind == "project":
        return account.id, "project", account.has_types
    project = read.get(Account, number)
    if project is None or project.kind != "project" or project.state != "active":
        raise ApiError(403)
    role = member_roles(read, account.id).get(project.id)
    if role is None and not POLICIES.get(account.kind, _NO_POLICY).all_accounts:
        raise ApiError(403)
    return project.id, role or "project", bool(project.added_types)


def _challenge(read: Read, connection: HTTPConnection) -> dict[str, str]:
    """Return the WWW-Authenticate header, unless the client asks for none or could not show a prompt."""
    headers = connection.headers
    if headers.get("x-api-no-challenge") == "true" or "upgrade" in headers.get("connection", "").lower():
        return {}
    realm = value_of(read, "api.auth.realm").replace('"', "'")
    return {"WWW-Authenticate": f'Basic realm="{realm}"'}
