"""Members of an environment: who may do what in it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import Behaviour, generic, parse_id, ref, registry, text
from trailboss.errors import ApiError
from trailboss.resources.entity import Entity

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

IDENTITY_TYPES = ("github_user", "github_org", "github_team", "rancher_id", "ldap_user", "ldap_group")
ROLES = ("owner", "member", "restricted", "readonly")
"""Strongest first."""
PEOPLE = ("admin", "user")
"""Kinds of accounts that can be members."""


class ProjectMember(Entity):
    """One identity and its role."""

    type = "projectMember"
    answered_as = "identity"
    roles = {"project": "r", "user": "cr", "readonly": "r", "admin": "cr", "service": "r"}
    machine = generic("projectmember")
    capability = "owner"

    account_id = ref("account", column=True, read=())
    name = text(column=True)
    external_id = text(create=True, column=True)
    external_id_type = text(create=True, column=True, default="rancher_id", options=IDENTITY_TYPES, filter_as="string")
    project_id = ref("project", column=True, nullable=False)
    role = text(
        create=True,
        column=True,
        default="member",
        options=("member", "owner", "readonly", "restricted"),
        filter_as="string",
    )


def member_roles(read: Read, account_id: int) -> dict[int, str]:
    """Return the strongest role of an account in each project of which it is an active member, by project number."""
    found: dict[int, str] = {}
    for member in read.find(ProjectMember, external_id=str(account_id), external_id_type="rancher_id"):
        if member.state != "active" or member.role not in ROLES:
            continue
        present = found.get(member.project_id)
        if present is None or ROLES.index(member.role) < ROLES.index(present):
            found[member.project_id] = member.role
    return found


def capabilities(read: Read, row: ProjectMember, caller: Any) -> Collection[str]:
    """Say whether a caller owns the project of a member."""
    return capabilities_in(read, row.project_id, caller)


def capabilities_in(read: Read, project_id: int, caller: Any) -> Collection[str]:
    """Say whether a caller owns a project. The project's own key does not."""
    owns = caller.all_accounts or member_roles(read, caller.authenticated_id).get(project_id) == "owner"
    return ("owner",) if owns else ()


def set_members(tx: Tx, project_id: int, members: list[dict[str, Any]]) -> None:
    """Make the members of a project exactly those given (by wire names); who is there already keeps the row.

    Raises ApiError 400 InvalidFormat without an owner or for an incomplete member, 404 identityNotFound.
    """
    wanted = dict.fromkeys(_identity(tx, member) for member in members)
    if not any(role == "owner" for _, _, role in wanted):
        raise ApiError(400, "InvalidFormat", "a project needs a member with the role owner", field="members")
    present = {(m.external_id_type, m.external_id, m.role): m for m in tx.find(ProjectMember, project_id=project_id)}
    for identity, member in present.items():
        if identity not in wanted:
            states.end(tx, member)
    for kind, external_id, role in wanted:
        if (kind, external_id, role) not in present:
            tx.insert(
                ProjectMember,
                account_id=project_id,
                project_id=project_id,
                external_id=external_id,
                external_id_type=kind,
                role=role,
                state="active",
            )


def _identity(tx: Tx, member: dict[str, Any]) -> tuple[str, str, str]:
    """Return type, id and role of a member that was sent."""
    kind, external_id, role = (member.get(name) for name in ("externalIdType", "externalId", "role"))
    if not kind or not external_id or not role:
        raise ApiError(400, "InvalidFormat", "a member has externalId, externalIdType and role", field="members")
    if kind != "rancher_id":
        raise ApiError(400, "invalidIdentityType", f"no provider of {kind} is configured", field="externalIdType")
    raw = parse_id(external_id) or external_id
    account = tx.get(registry["account"], int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None
    if account is None or account.values["kind"] not in PEOPLE or account.values["state"] != "active":
        raise ApiError(404, "identityNotFound", f"there is no person {external_id}", field="externalId")
    return kind, str(account.values["id"]), role


def refuse(tx: Tx, values: dict[str, Any], caller: Any) -> ProjectMember:
    """Members are set as a whole, by the project's own action. Raises ApiError 405."""
    raise ApiError(405, message="members are set by the action setmembers of their project")


ProjectMember.behaviour = Behaviour(create=refuse, capabilities=capabilities)
