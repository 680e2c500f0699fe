"""Members of an environment: who may do what in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import Behaviour, Resource, generic, parse_id, ref, registry, text
from trailboss.errors import ApiError
from trailboss.login.provider import Who
from trailboss.resources import providers
from trailboss.resources.entity import Entity
from trailboss.resources.setting import number_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

IDENTITY_TYPES = ("rancher_id", *(kind for kinds in providers.KINDS.values() for kind in kinds))
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


def identities_of(read: Read, account_id: int) -> list[tuple[str, str]]:
    """Return kinds and external ids as which an account can be a member: itself, and what the login provider in force
    has said of it. What groups a person is in counts for the time of a login; then it must be said anew."""
    own = [("rancher_id", str(account_id))]
    account = read.get(registry["account"], account_id)
    said = account.values.get("identities") if account is not None else None
    if account is None or not said:
        return own
    age, kinds = read.now - account.values["identities_at"], providers.kinds_in_force(read)
    counting = said if age < number_of(read, "api.auth.jwt.token.expiry") else said[:1]
    parts = (identity.partition(":") for identity in counting)
    return own + [(kind, external_id) for kind, _, external_id in parts if kind in kinds]


def member_roles(read: Read, account_id: int) -> dict[int, str]:
    """Return the strongest role of an account in each project of which it is an active member, by project number."""
    found: dict[int, str] = {}
    for kind, external_id in identities_of(read, account_id):
        columns = ("project_id", "role", "state")
        same = {"external_id": external_id, "external_id_type": kind}
        for project_id, role, state in read.columns(ProjectMember, *columns, **same):
            if state == "active" and role in ROLES and ROLES.index(role) < _rank(found.get(project_id)):
                found[project_id] = role
    return found


def _rank(role: str | None) -> int:
    return ROLES.index(role) if role is not None else len(ROLES)


def capabilities(read: Read, row: ProjectMember, caller: Any) -> Collection[str]:
    """Say whether a caller owns the project of a member."""
    return capabilities_in(read, row.project_id, caller)


def capabilities_in(read: Read, project_id: int, caller: Any) -> Collection[str]:
    """Say whether a caller owns a project. The project's own key does not."""
    owns = caller.all_accounts or member_roles(read, caller.authenticated_id).get(project_id) == "owner"
    return ("owner",) if owns else ()


Known = Mapping[tuple[str, str], Who | None]
"""What the login provider has said about identities, by kind and external id."""


def asking(read: Read, row: Resource | None, values: dict[str, Any], caller: Any) -> Callable[[], Known] | None:
    """Return what asks the login provider for the new members of a project; None if there are none that it knows."""
    provider = providers.in_force(read)
    if provider is None:
        return None
    sent = {(str(m.get("externalIdType")), str(m.get("externalId"))) for m in values.get("members") or ()}
    new = [identity for identity in sent - _present(read, row) if identity[0] in provider.kinds]
    return (lambda: {identity: provider.find(*identity) for identity in new}) if new else None


def _present(read: Read, project: Resource | None) -> set[tuple[str, str]]:
    rows = read.find(ProjectMember, project_id=project.values["id"]) if project is not None else []
    return {(row.external_id_type, row.external_id) for row in rows}


def resolve(tx: Tx, project: Resource | None, members: list[dict[str, Any]], known: Known) -> list[dict[str, Any]]:
    """Return members (by wire names) as they are to be stored: with plain external ids and names.

    Raises ApiError 400 InvalidFormat without an owner or for an incomplete member, 400 invalidIdentityType, 404
    identityNotFound. Who is a member of the project already need not be known any more.
    """
    present = _present(tx, project)
    found = [_resolved(tx, member, present, known) for member in members]
    if not any(member["role"] == "owner" for member in found):
        raise ApiError(400, "InvalidFormat", "a project needs a member with the role owner", field="members")
    return found


def _resolved(
    tx: Tx, member: dict[str, Any], present: Collection[tuple[str, str]], known: Known
) -> dict[str, Any]:  # fmt: skip
    kind, external_id, role = (member.get(name) for name in ("externalIdType", "externalId", "role"))
    if not kind or not external_id or not role:
        raise ApiError(400, "InvalidFormat", "a member has externalId, externalIdType and role", field="members")
    found = {"externalIdType": kind, "externalId": external_id, "role": role}
    if kind == "rancher_id":
        return found | {"externalId": _person(tx, external_id, present)}
    if (kind, external_id) in present:
        return found
    if kind not in providers.kinds_in_force(tx):
        raise ApiError(400, "invalidIdentityType", f"no provider of {kind} is configured", field="externalIdType")
    who = known.get((kind, external_id))
    if who is None:
        raise ApiError(404, "identityNotFound", f"the login provider knows no {external_id}", field="externalId")
    return found | {"externalId": who.external_id, "name": who.name or who.login}


def _person(tx: Tx, external_id: str, present: Collection[tuple[str, str]]) -> str:
    """Return the number of a person's account, as text. Raises ApiError 404 for one that is not active, unless it is a
    member already."""
    raw = parse_id(external_id) or external_id
    if ("rancher_id", raw) in present:
        return raw
    account = tx.get(registry["account"], int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None
    if account is None or account.values["kind"] not in PEOPLE or account.values["state"] != "active":
        raise ApiError(404, "identityNotFound", f"there is no person {external_id}", field="externalId")
    return str(account.values["id"])


def set_members(tx: Tx, project_id: int, members: list[dict[str, Any]]) -> None:
    """Make the members of a project exactly those given (as `resolve` gives them); who is there already keeps the
    row."""
    wanted = {(m["externalIdType"], m["externalId"], m["role"]): m.get("name") for m in members}
    present = {(m.external_id_type, m.external_id, m.role): m for m in tx.find(ProjectMember, project_id=project_id)}
    for identity, member in present.items():
        if identity not in wanted:
            states.end(tx, member)
    for (kind, external_id, role), name in wanted.items():
        if (kind, external_id, role) not in present:
            tx.insert(
                ProjectMember,
                account_id=project_id,
                project_id=project_id,
                external_id=external_id,
                external_id_type=kind,
                role=role,
                name=name,
                state="active",
            )


def refuse(tx: Tx, values: dict[str, Any], caller: Any) -> ProjectMember:
    """Members are set as a whole, by the project's own action. Raises ApiError 405."""
    raise ApiError(405, message="members are set by the action setmembers of their project")


def found(read: Read, caller: Any, raw: str) -> ProjectMember | None:
    """Return a member of the project that a caller asks in; outside of one, of those that it is a member of itself."""
    row = read.get(ProjectMember, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None
    if row is None or caller.all_accounts or row.project_id == caller.account_id:
        return row
    is_person = caller.account_id == caller.authenticated_id
    return row if is_person and row.project_id in member_roles(read, caller.account_id) else None


ProjectMember.behaviour = Behaviour(create=refuse, found=found, capabilities=capabilities)
