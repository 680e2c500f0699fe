"""Whose credentials a request carries: tokens of logins, keys (HTTP Basic), registration tokens (02-access section 2).

In: the headers of a request; out: the `Owner` of what was sent, or 401. Wrong ones are counted (`attempts.py`). What
the owner may do is decided in `access.py`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace

from starlette.requests import HTTPConnection

from trailboss.api.attempts import limits_of
from trailboss.api.context import Context
from trailboss.api.request import peer_of, target_of
from trailboss.errors import ApiError
from trailboss.resources import login_token, providers, token
from trailboss.resources.account import Account
from trailboss.resources.credential import Credential, check_token, digest, secret_matches
from trailboss.resources.login_token import LoginToken
from trailboss.resources.setting import is_controlled, number_of, value_of
from trailboss.store.transaction import Read

REGISTRATION = "registrationToken"
"""The user name that goes with a registration token."""
_BEARER = "x-api-bearer"
"""As the user of HTTP Basic: the password is the token of a login. `=<project id>` may follow."""


@dataclass(frozen=True)
class Owner:
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


def owner_of(read: Read, connection: HTTPConnection) -> Owner:
    """Return whose credentials were sent; with access control off, else the administrator. Raises ApiError 401."""
    public, secret = basic(connection.headers.get("authorization"))
    is_login = (target_of(connection.scope["path"]).type or "").lower() in ("token", "tokens")
    if is_login and (owner := _for_login(read, connection)):
        return owner
    if (sent := _sent_token(connection)) and (owner := _by_session(read, sent)):
        return owner
    is_bearer, _, scope = public.lower().partition("=")
    if is_bearer == _BEARER:
        sent = secret
        if (owner := _by_session(read, secret)) and is_controlled(read):
            return replace(owner, scope=scope or None)
    elif public and (owner := _proved(read, connection, public, secret)):
        return owner
    controlled = is_controlled(read)
    if not controlled and connection.headers.get("x-enforce-authentication") != "true":
        for account in read.find(Account, kind="admin"):
            if account.state == "active":
                given = scope if is_bearer == _BEARER else None
                return Owner(account.id, account.kind, account.kind, "AdminAuth", scope=given)
    if sent and controlled and not login_token.is_known(read, sent):
        _guessed(read, connection, sent)
    raise ApiError(401, headers=_challenge(read, connection) if controlled else {})


def still_count(read: Read, key_id: int | None, session_id: int | None) -> bool:
    """Say whether the key or login that somebody came with is in force; without any, access control has to be off."""
    if session_id is not None:
        row = read.get(LoginToken, session_id)
        return row is not None and login_token.is_in_force(read, row) and row.provider == providers.name_in_force(read)
    if key_id is not None:
        key = read.get(Credential, key_id)
        if key is None or key.state != "active" or key.kind not in key_kinds(read):
            return False
        expires = key.values.get("expires")
        return expires is None or expires > read.now
    return not is_controlled(read)


def key_kinds(read: Read) -> set[str]:
    """Return the kinds of credentials that count as keys."""
    return {kind.strip() for kind in value_of(read, "account.by.key.credential.types").split(",")}


def _proved(read: Read, connection: HTTPConnection, public: str, secret: str) -> Owner | None:
    """Return whose the credentials are; None if they are not good. Raises ApiError 429 after too many of those."""
    attempts, attempt = _context_of(connection).attempts, _attempt(connection, public, secret)
    attempts.check(*attempt, lambda: limits_of(read))
    owner = _by_token(read, secret) if public == REGISTRATION else _by_key(read, public, secret)
    if owner is not None:
        attempts.succeeded(*attempt)
    elif is_controlled(read):
        attempts.failed(*attempt, limits_of(read))
    return owner if owner is not None and owner.is_active else None


def _guessed(read: Read, connection: HTTPConnection, sent: str) -> None:
    """Count a token that no login has had, once. Raises ApiError 429 after too many of those."""
    context, limits = _context_of(connection), limits_of(read)
    attempt = peer_of(connection, context.proxies), f"token {digest(sent)}"
    context.attempts.check(*attempt, lambda: limits)
    context.attempts.failed(*attempt, limits, once=True)


def _attempt(connection: HTTPConnection, public: str, secret: str) -> tuple[str, str]:
    """Return by what attempts are counted: the client's address, and the name that it uses."""
    name = secret.partition(":")[0] if public == REGISTRATION else public
    return peer_of(connection, _context_of(connection).proxies), name.lower()


def _context_of(connection: HTTPConnection) -> Context:
    """Return the parts of the server that serves a request."""
    found: Context = connection.app.state.context
    return found


def _for_login(read: Read, connection: HTTPConnection) -> Owner | None:
    """Return the account that serves logins, with the session whose token was sent, if that is in force."""
    session = login_token.find(read, sent) if (sent := _sent_token(connection)) else None
    for account in read.find(Account, kind="token"):
        if account.state == "active":
            return Owner(account.id, "token", "token", session=session.id if session else None)
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


def _by_session(read: Read, key: str) -> Owner | None:
    """Return the account of a login. Raises ApiError 401 if another provider is in force now, or lets it in no more."""
    provider, row = providers.name_in_force(read), login_token.find(read, key)
    # without a provider only the session of a set-up counts
    if row is None or (provider == providers.NONE and row.provider != provider):
        return None
    if row.provider != provider:
        raise ApiError(401, "AuthProviderChanged", "the login provider was changed; log in again")
    account = read.require(Account, row.account_id)
    if not token.is_admitted(read, account, provider):
        raise ApiError(401, message="only certain people may use this installation")
    has_types = bool(account.added_types)
    return Owner(account.id, account.kind, account.kind, "TokenAuth", session=row.id, has_types=has_types)


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


def _by_token(read: Read, token: str) -> Owner | None:
    period_ms = number_of(read, "registration.token.period.millis")
    row = check_token(read, token, read.now, period_ms)
    account = read.get(Account, row.account_id) if row else None
    if account is None or account.state != "active":
        return None
    return Owner(account.id, account.kind, "register", "RegistrationToken")


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


def _by_key(read: Read, public: str, secret: str) -> Owner | None:
    """Return whose key it is; None if there is none like it. Raises ApiError 409 MultipleKeys."""
    kinds = key_kinds(read)
    right = [
        (state == "active" and (expires is None or expires > read.now), *rest)
        for kind, state, hashed, expires, *rest in read.columns(Credential, *_KEY, public_value=public)
        if kind in kinds and secret_matches(hashed, secret)
    ]
    found = [entry for entry in right if entry[0]]
    if len(found) > 1:
        raise ApiError(409, "MultipleKeys", "this key is there more than once")
    for is_active, key, used, id_, kind, state, types in found or right:
        is_good = is_active and state == "active"
        return Owner(id_, kind, kind, "BasicAuth", is_good, key=key, key_used=used, has_types=bool(types))
    return None


def _challenge(read: Read, connection: HTTPConnection) -> dict[str, str]:
    """Return the WWW-Authenticate header, unless the client asks for none or could not show a prompt."""
    headers = connection.headers
    if headers.get("x-api-no-challenge") == "true" or "upgrade" in headers.get("connection", "").lower():
        return {}
    # what a header cannot hold must not keep anybody from being answered
    realm = "".join(c if " " <= c <= "~" else "?" for c in value_of(read, "api.auth.realm").replace('"', "'"))
    return {"WWW-Authenticate": f'Basic realm="{realm}"'}
