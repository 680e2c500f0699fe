"""Who asks, and what they may see: from the headers of a request to a `Caller` (02-access section 2).

Decided here: the project that a request is scoped to, the role in it. Whose credentials it carries is looked up in
`credentials.py`; which types and fields a role sees is in `schemas.py`; what protects browsers, in `guard.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

from trailboss.api import credentials, guard
from trailboss.api.request import scope_of
from trailboss.api.schemas import RoleView, role_view, with_added
from trailboss.api.validate import raw_id, row_number
from trailboss.declare import ResourceType
from trailboss.errors import ApiError
from trailboss.resources import dynamic_schema
from trailboss.resources.account import Account
from trailboss.resources.project_member import member_roles
from trailboss.resources.setting import is_controlled
from trailboss.store.transaction import Read


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
_NEVER_SCOPED = ("token", "register")
"""Roles of what lets in for one purpose only: it opens no project."""
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
    account = credentials.owner_of(read, connection)
    scope, own = project_prefix or scope_of(connection) or account.scope, POLICIES.get(account.kind, _NO_POLICY)
    if account.role in _NEVER_SCOPED:
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
    if owner is None or owner.state != "active" or not credentials.still_count(read, caller.key, caller.session):
        raise ApiError(401, message="what this began with counts no more; log in again")
    if caller.account_id != caller.authenticated_id:
        account = credentials.Owner(owner.id, owner.kind, owner.kind)
        _enter_project(read, account, str(caller.account_id), plain_ids=True)


def _is_narrower(read: Read, wanted: str, kind: str, present: Policy) -> bool:
    """Say whether a view shows no more than the present one: inside of a project none shows what is outside, and
    administrators get those above them only where access control is off."""
    if not role_view(wanted).types:
        return False
    if wanted in _ABOVE_ADMIN and kind != "superadmin" and is_controlled(read):
        return False
    return present.all_accounts or not POLICIES.get(wanted, _NO_POLICY).all_accounts


def _enter_project(read: Read, account: credentials.Owner, scope: str, plain_ids: bool) -> tuple[int, str, bool]:
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
    if account.kind == "readAdmin":
        role = "readonly"
    return project.id, role or "project", bool(project.added_types)
