"""Who somebody is: an account here (`rancher_id`), or what the login provider in force knows it as. No rows.

The provider is asked outside of the snapshot (`consult`). Members of an environment are shown as identities, too, as
they were known when they became members: `project_member.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from trailboss.declare import Behaviour, Resource, format_id, parse_id, ref, text
from trailboss.errors import ApiError
from trailboss.login.provider import Who
from trailboss.resources import providers
from trailboss.resources.account import Account
from trailboss.resources.password import Password
from trailboss.resources.project_member import PEOPLE, ProjectMember, identities_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Read

ACCOUNT = "rancher_id"


class Identity(Resource):
    """A person, group or organisation at a login provider. Found by `name` (exactly) or by `all` (anywhere)."""

    type = "identity"

    all = text(create=True, filter_as="array")
    external_id = text(create=True, required=True, nullable=False)
    external_id_type = text(create=True, required=True, nullable=False)
    id = text()
    login = text(create=True)
    name = text(create=True, filter_as="array")
    profile_picture = text(create=True)
    profile_url = text(create=True)
    project_id = ref("project", create=True)
    role = text(create=True)


def identity_of(read: Read, account: Account, caller: Any) -> Identity:
    """Return the identity of an account; `login` is the name of its password, if it has one. Its external id is the
    account's, raw for a caller that takes raw ids."""
    logins = read.find(Password, account_id=account.id, state="active", limit=1)
    external_id = str(account.id) if caller.plain_ids else format_id(Account, account.id)
    return Identity(
        {
            "id": f"{ACCOUNT}:{external_id}",
            "external_id": external_id,
            "external_id_type": ACCOUNT,
            "name": account.name,
            "login": logins[0].public_value if logins else None,
        }
    )


def of_who(who: Who) -> Identity:
    """Return the identity of somebody or something that the login provider knows."""
    values = {"external_id": who.external_id, "external_id_type": who.kind, "name": who.name, "login": who.login}
    return Identity({"id": who.id, "profile_picture": who.picture, "profile_url": who.url, **values})


def searching(read: Read, row: None, values: dict[str, Any], caller: Any) -> Callable[[], list[Who]] | None:
    """Return what asks the login provider for a name, or for the caller's own identities; None if that is nobody."""
    provider, name, part = providers.in_force(read), values.get("name"), values.get("all")
    if provider is None:
        return None
    if name or part:
        return lambda: provider.search(name or part or "", exactly=bool(name))
    own = [identity for identity in identities_of(read, caller.authenticated_id) if identity[0] in provider.kinds]
    return lambda: [who for identity in own if (who := provider.find(*identity)) is not None]


def looking_up(read: Read, row: None, values: dict[str, Any], caller: Any) -> Callable[[], Who | None] | None:
    """Return what asks the login provider for an id (`id`). Raises ApiError 400 for a kind that it does not know."""
    kind, _, external_id = str(values["id"]).partition(":")
    if kind == ACCOUNT:
        return None
    provider = providers.in_force(read)
    if provider is None or kind not in provider.kinds:
        raise ApiError(400, "invalidIdentityType", f"no provider of {kind} is configured")
    return lambda: provider.find(kind, external_id)


def listed(read: Read, caller: Any, query: Mapping[str, str]) -> list[Identity]:
    """Return the identities of a caller; or those with a login `name`, or with a login that contains `all`."""
    name, part, others = query.get("name"), query.get("all"), [of_who(who) for who in caller.consulted or ()]
    if name is None and part is None:
        return _known(read, caller, [caller.authenticated_id]) + others
    logins = read.find(Password, state="active")
    if name is not None:
        return _known(read, caller, [p.account_id for p in logins if p.public_value == name]) + others
    found_ = [p.account_id for p in logins if part and part.lower() in (p.public_value or "").lower()]
    return _known(read, caller, found_) + others


def found(read: Read, caller: Any, raw: str) -> Identity | None:
    """Return an identity by its type and external id (`rancher_id:1a7`). Raises ApiError 404 identityNotFound."""
    kind, _, external_id = raw.partition(":")
    if kind != ACCOUNT:
        known = of_who(caller.consulted) if isinstance(caller.consulted, Who) else None
    else:
        known = _account(read, caller, external_id)
    if known is None:
        raise ApiError(404, "identityNotFound", f"nobody knows {raw}")
    return known


def _account(read: Read, caller: Any, external_id: str) -> Identity | None:
    number = parse_id(external_id) or external_id
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return next(iter(_known(read, caller, [int(number)])), None)


def _known(read: Read, caller: Any, numbers: list[int]) -> list[Identity]:
    """Return the identities of accounts; environments and who is not active have none."""
    accounts = [read.get(Account, number) for number in dict.fromkeys(numbers)]
    return [
        identity_of(read, a, caller) for a in accounts if a is not None and a.kind in PEOPLE and a.state == "active"
    ]


def of_member(row: ProjectMember, face: Any) -> Identity:
    """Return a member as its identity, with its role and project; of one who is gone, what is known."""
    is_account = row.external_id_type == ACCOUNT
    known = _account(face.read, face.caller, row.external_id or "") if is_account else of_who(_as_added(row))
    if known is None:
        # as the original words it, so that a person sees at once that there is nobody behind it any more
        login = f"({row.external_id_type} {row.external_id} not found) {row.name or ''}".rstrip()
        is_formatted = is_account and not face.caller.plain_ids
        external_id = format_id(Account, row.external_id or "") if is_formatted else row.external_id
        values = {"id": f"{row.external_id_type}:{external_id}", "login": login}
        known = Identity({**values, "external_id": external_id, "external_id_type": row.external_id_type})
    return Identity({**known.values, "project_id": row.project_id, "role": row.role})


def _as_added(row: ProjectMember) -> Who:
    return Who(row.external_id_type, row.external_id, row.name)


Identity.behaviour = Behaviour(listed=listed, found=found, consult={"listed": searching, "found": looking_up})
ProjectMember.behaviour.presented = of_member
