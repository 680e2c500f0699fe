"""Who asks, and what they may see: from the headers of a request to a `Caller` (02-access section 2).

Looked up here: API keys (HTTP Basic), registration tokens, the project that a request is scoped to, the role in it.
Which types and fields a role sees is in `schemas.py`; what protects browsers, in `guard.py`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

from trailboss.api import guard
from trailboss.api.request import scope_of
from trailboss.api.schemas import role_view
from trailboss.api.validate import row_number
from trailboss.declare import parse_id
from trailboss.errors import ApiError
from trailboss.resources.account import Account
from trailboss.resources.credential import Credential, check_token, secret_matches
from trailboss.resources.project_member import member_roles
from trailboss.resources.setting import is_controlled, number_of, value_of
from trailboss.store.transaction import Read

KEY_KINDS = ("apiKey", "agentApiKey")


@dataclass(frozen=True)
class Policy:
    """What accounts of a kind may do beyond their own rows. all_accounts: see and name every account's rows.
    plain_ids: ask for raw ids. any_role: ask for the view of another role."""

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


@dataclass
class Caller:
    """Who asks.

    account: the account in effect (the project of a scoped request). role: name of the schema that it is shown.
    account_id: its number; authenticated_id: number of the account whose key was sent. all_accounts: it sees rows of
    every account. plain_ids: ids go in and out raw. project_prefix: the project id of the path, as it was sent.
    options: flags of the request that actions understand (`purge`). shown_once: what only this answer shows.
    """

    account: Account | None
    role: str
    account_id: int
    authenticated_id: int
    all_accounts: bool = False
    plain_ids: bool = False
    project_prefix: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    shown_once: dict[str, Any] = field(default_factory=dict)


def identify(read: Read, connection: HTTPConnection, project_prefix: str | None = None) -> Caller:
    """Find out who asks. Raises ApiError 401 (not or wrongly authenticated) or 403 (no access to the project).

    project_prefix: the project id of the path, if the caller of this function has it already.
    """
    guard.check_origin(read, connection)
    account, role = _authenticate(read, connection)
    scope = project_prefix or scope_of(connection)
    effective = account
    if scope is not None:
        effective, role = _enter_project(read, account, scope)
    policy = POLICIES.get(role, _NO_POLICY)
    wanted = connection.query_params.get("_role")
    if wanted and POLICIES.get(account.kind, _NO_POLICY).any_role and role_view(wanted).types:
        role, policy = wanted, POLICIES.get(wanted, _NO_POLICY)
    if not role_view(role).types:
        raise ApiError(401, message=f"accounts of the kind {role} see nothing")
    plain = connection.query_params.get("_plainId") == "true" and POLICIES.get(account.kind, _NO_POLICY).plain_ids
    return Caller(
        account=effective,
        role=role,
        account_id=effective.id,
        authenticated_id=account.id,
        all_accounts=policy.all_accounts,
        plain_ids=plain,
        project_prefix=project_prefix,
    )


def _authenticate(read: Read, connection: HTTPConnection) -> tuple[Account, str]:
    """Return the account whose credentials were sent and its role; with access control off, else the administrator."""
    public, secret = basic(connection.headers.get("authorization"))
    if public == "registrationToken" and (account := _by_token(read, secret)):
        return account, "register"
    if public and (account := _by_key(read, public, secret)):
        return account, account.kind
    controlled = is_controlled(read)
    if not controlled and connection.headers.get("x-enforce-authentication") != "true":
        for account in read.find(Account, kind="admin"):
            if account.state == "active":
                return account, account.kind
    raise ApiError(401, headers=_challenge(read, connection) if controlled else {})


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


def _by_token(read: Read, token: str) -> Account | None:
    period_ms = number_of(read, "registration.token.period.millis")
    row = check_token(read, token, read.now, period_ms)
    return _active(read, row.account_id) if row else None


def _by_key(read: Read, public: str, secret: str) -> Account | None:
    found = [
        row
        for row in read.find(Credential, public_value=public)
        if row.kind in KEY_KINDS and row.state == "active" and secret_matches(row.secret_value, secret)
    ]
    if len(found) > 1:
        raise ApiError(409, "MultipleKeys", "this key is there more than once")
    return _active(read, found[0].account_id) if found else None


def _active(read: Read, account_id: int | None) -> Account | None:
    account = read.get(Account, account_id)
    return account if account is not None and account.state == "active" else None


def _enter_project(read: Read, account: Account, scope: str) -> tuple[Account, str]:
    """Return the project that a request is scoped to and the caller's role in it. Raises ApiError 403."""
    raw = parse_id(scope) or scope
    number = row_number(raw)
    if number == account.id and account.kind == "project":
        return account, "project"
    project = read.get(Account, number)
    if project is None or project.kind != "project" or project.state != "active":
        raise ApiError(403)
    role = member_roles(read, account.id).get(project.id)
    if role is None and not POLICIES.get(account.kind, _NO_POLICY).all_accounts:
        raise ApiError(403)
    return project, role or "project"


def _challenge(read: Read, connection: HTTPConnection) -> dict[str, str]:
    """Return the WWW-Authenticate header, unless the client asks for none or could not show a prompt."""
    headers = connection.headers
    if headers.get("x-api-no-challenge") == "true" or "upgrade" in headers.get("connection", "").lower():
        return {}
    realm = value_of(read, "api.auth.realm").replace('"', "'")
    return {"WWW-Authenticate": f'Basic realm="{realm}"'}
