"""Accounts, and environments, which are accounts of kind `project` in the same table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from trailboss import states
from trailboss.declare import ADMINS, Action, Behaviour, flag, generic, listing, number, text
from trailboss.errors import ApiError
from trailboss.outcome import Done, Outcome
from trailboss.resources import belongings
from trailboss.resources.belongings import Belongings
from trailboss.resources.credential import OPERATOR_KIND, RegistrationToken, may_make_operators, prepare_token
from trailboss.resources.entity import Entity
from trailboss.resources.project_member import (
    PEOPLE,
    ProjectMember,
    asking,
    capabilities_in,
    member_roles,
    resolve,
    set_members,
)

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx


class Account(Entity):
    """Whom everything belongs to: a person, an environment, an agent, the platform itself."""

    type = "account"
    roles = {"project": "r", "user": "r", "readonly": "r", "admin": "crud", "service": "crud"}
    hidden: ClassVar[Sequence[str]] = ("account_id",)
    machine = generic("account")
    links: ClassVar[Sequence[str]] = (
        "certificates", "containerEvents", "credentials", "environments", "externalEvents", "globalLoadBalancers",
        "hosts", "images", "instanceLinks", "instances", "ipAddresses", "labels", "loadBalancerConfigListenerMaps",
        "loadBalancerConfigs", "loadBalancerHostMaps", "loadBalancerListeners", "loadBalancerTargets",
        "loadBalancers", "mounts", "networks", "physicalHosts", "ports", "projectMembers", "serviceConsumeMaps",
        "serviceEvents", "serviceExposeMaps", "services", "snapshots", "storagePools", "volumes",
    )  # fmt: skip

    kind = text(column=True, create=ADMINS, update=ADMINS, default="user")
    uuid = text(column=True, max_length=128, create=ADMINS)
    external_id = text(column=True, create=True, update=True, read=ADMINS)
    external_id_type = text(column=True, create=True, update=True, read=ADMINS, max_length=128)

    added_types = number(column=True, read=(), part="observed")
    """How many types were added for it at run time, if any: so that requests need not look."""
    after_deactivation = text(read=())
    has_logged_in = flag(read=())
    # what the login provider has said last, and when: identities as `kind:id`, of which the person is the first
    identities = listing("string", read=(), part="volatile")
    identities_at = number(read=(), part="volatile")


class Project(Account):
    """An environment: hosts, stacks and people of one team."""

    type = "project"
    scope = True
    roles = {"project": "r", "user": "crud", "readonly": "r", "admin": "crud", "service": "r"}
    hidden = ("account_id", "external_id", "external_id_type", "has_logged_in", "identities", "identities_at")
    capability = "owner"
    actions: ClassVar[Sequence[Action]] = (
        Action("delete", capability="owner"),
        Action("setmembers", "setProjectMembersInput", "setProjectMembersInput", capability="owner"),
    )

    kind = text(column=True, default="user")
    members = listing("projectMember", create=True)
    swarm = flag(create=True, update=True)
    kubernetes = flag(create=True, update=True)


def capabilities(read: Read, row: Project, caller: Any) -> Collection[str]:
    """Say whether a caller owns a project."""
    return capabilities_in(read, row.id, caller)


def listed(read: Read, caller: Any, query: Mapping[str, str]) -> list[Project]:
    """Return the projects of a caller: where it is a member; a project sees itself. Administrators can ask for all."""
    if caller.all_accounts and query.get("all") == "true":
        projects: list[Project] = read.find(Project)
    else:
        ids = sorted({*member_roles(read, caller.authenticated_id), caller.account_id})
        rows: list[Project | None] = [read.get(Project, id) for id in ids]
        projects = [project for project in rows if project and project.values["removed"] is None]
    wanted = query.get("uuid")
    return [row for row in projects if _is_shown(read, row, caller) and wanted in (None, row.uuid)]


def found(read: Read, caller: Any, raw: str) -> Project | None:
    """Return a project that a caller may see."""
    row = read.get(Project, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None
    return row if row is not None and _is_shown(read, row, caller) else None


def _is_shown(read: Read, row: Project, caller: Any) -> bool:
    """Say whether a caller sees a project: as a member or as itself; one that is not active, only as its owner."""
    if caller.all_accounts:
        return True
    role = member_roles(read, caller.authenticated_id).get(row.id)
    return (role is not None or row.id == caller.account_id) and (row.state == "active" or role == "owner")


def _require_owner(tx: Tx, row: Project, caller: Any) -> None:
    if "owner" not in capabilities(tx, row, caller):
        raise ApiError(403, message="only owners of the project may do this")


def prepare_project(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Complete a new project: without members, who asks becomes its owner, if that is a person."""
    asks = tx.require(Account, caller.authenticated_id)
    owner = {"externalIdType": "rancher_id", "externalId": str(asks.id), "role": "owner"}
    members = values.get("members") or ([owner] if asks.kind in PEOPLE else [])
    return {**values, "members": resolve(tx, None, members, caller.consulted or {}) if members else []}


def project_created(tx: Tx, row: Project) -> None:
    """Store the members of a new project as rows of their own; the project itself never shows them."""
    if row.members:
        set_members(tx, row.id, row.members)
    tx.change(row, members=None)


def make_project(tx: Tx, name: str, owner: tuple[str, str]) -> None:
    """Make an active project. owner: kind and external id of an identity."""
    kind, external_id = owner
    members = [{"externalIdType": kind, "externalId": external_id, "role": "owner"}]
    project_created(tx, tx.insert(Project, kind="project", name=name, state="active", members=members))


def update_project(tx: Tx, row: Project, values: dict[str, Any], caller: Any) -> Project:
    """Store changed fields. Raises ApiError 403 for who is no owner, 422 as for any account."""
    _require_owner(tx, row, caller)
    _check_new_kind(tx, row, values, caller)
    return tx.change(row, **values)


def delete_project(tx: Tx, row: Project, caller: Any) -> Project:
    """Remove a project, deactivating it first. Raises ApiError 403 for who is no owner, 405 where it cannot be."""
    _require_owner(tx, row, caller)
    if row.state == "removing":
        return row
    if row.state == "deactivating":
        return tx.change(row, after_deactivation="remove")
    if states.may(row, "remove"):
        return states.begin(tx, row, "remove")
    if not states.may(row, "deactivate"):
        raise ApiError(405, message=f"a project that is {row.state} cannot be removed now")
    return states.begin(tx, row, "deactivate", after_deactivation="remove")


def delete_action(tx: Tx, row: Project, input: dict[str, Any], caller: Any) -> Project:
    """Do what DELETE does."""
    return row if row.state in ("removed", "purged") else delete_project(tx, row, caller)


def replace_members(tx: Tx, row: Project, input: dict[str, Any], caller: Any) -> Project:
    """Make the members exactly those given."""
    set_members(tx, row.id, resolve(tx, row, input["members"], caller.consulted or {}))
    return row


_FOR_LIFE = ("project", "agent", "system", "token")
"""Kinds that an account keeps: what belongs to it would belong to nobody."""


def prepare_account(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Check a new account. Raises ApiError 403 for one that could do more than who makes it."""
    _check_kind(tx, values, caller)
    return values


def update_account(tx: Tx, row: Account, values: dict[str, Any], caller: Any) -> Account:
    """Store changed fields. Raises ApiError 403 as for a new account, 422 for a kind that it cannot become."""
    _check_new_kind(tx, row, values, caller)
    return tx.change(row, **values)


def _check_new_kind(tx: Tx, row: Account, values: dict[str, Any], caller: Any) -> None:
    kind = values.get("kind", row.kind)
    if kind == row.kind:
        return
    if not kind or {kind, row.kind} & {*_FOR_LIFE}:
        message = f"an account of the kind {row.kind} does not become one of the kind {kind}"
        raise ApiError(422, "InvalidOption", message, field="kind")
    _check_kind(tx, values, caller)


def _check_kind(tx: Tx, values: dict[str, Any], caller: Any) -> None:
    if values.get("kind") == OPERATOR_KIND and not may_make_operators(tx, caller):
        raise ApiError(403, message="only a superadmin makes others, or anybody while access control is off")


def account_created(tx: Tx, row: Account) -> None:
    """Give a person a registration token."""
    if row.kind in PEOPLE:
        tx.insert(RegistrationToken, **prepare_token(tx, {"account_id": row.id, "state": "active"}, None))


@dataclass(frozen=True)
class View:
    """What an account's reconciler may read. belongings: while it is purged, what it still has."""

    row: Account
    belongings: Belongings | None


def load(tx: Tx, row: Account) -> View:
    """Read an account, and what has to go with it."""
    return View(row, belongings.load(tx, row) if row.state == "purging" else None)


def reconcile(view: View) -> Outcome:
    """End the process under way; a deactivation that was asked for by a removal goes on to it, and what belongs to
    an account that is purged goes first."""
    row = view.row
    if view.belongings is not None:
        return belongings.let_go(view.belongings)
    if row.state == "deactivating" and row.after_deactivation == "remove":
        return Done(then="remove", values={"after_deactivation": None})
    return Done()


def settled(tx: Tx, row: Account) -> None:
    """End the memberships of a project that is gone, and those of a person who is gone for good."""
    if row.state == "removed" and row.kind == "project":
        for member in tx.find(ProjectMember, project_id=row.id):
            states.end(tx, member)
    if row.state == "purged" and row.kind != "project":
        for kind, external_id in {("rancher_id", str(row.id)), (row.external_id_type, row.external_id)}:
            for member in tx.find(ProjectMember, external_id=external_id, external_id_type=kind):
                states.end(tx, member)


Account.behaviour = Behaviour(
    prepare=prepare_account,
    created=account_created,
    update=update_account,
    load=load,
    reconcile=reconcile,
    settled=settled,
)
Project.behaviour = Behaviour(
    prepare=prepare_project,
    created=project_created,
    update=update_project,
    delete=delete_project,
    actions={"delete": delete_action, "setmembers": replace_members},
    consult={"create": asking, "setmembers": asking},
    load=load,
    reconcile=reconcile,
    capabilities=capabilities,
    listed=listed,
    found=found,
    settled=settled,
)
