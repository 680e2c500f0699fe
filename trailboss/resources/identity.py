"""Who somebody is, as the login provider says, and the session that begins with a login. No rows.

The one provider so far are the accounts themselves (`rancher_id`); others come with their configurations
(`auth_configs.py`). Members of an environment are shown as identities, too: `project_member.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trailboss.declare import Behaviour, Resource, embedded, flag, format_id, parse_id, ref, text
from trailboss.resources.account import Account
from trailboss.resources.password import Password
from trailboss.resources.project_member import PEOPLE, ProjectMember

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


class Token(Resource):
    """A login. code: `name:password`, or what the provider gave. jwt: what later requests are sent with."""

    type = "token"
    roles = {"token": "cr"}
    served = False

    account_id = text()
    auth_provider = text()
    client_id = text()
    code = text(create=True, required=True, secret=True)
    enabled = flag()
    hostname = text()
    jwt = text()
    security = flag()
    user = text()
    user_identity = embedded("identity", read=("token",))
    user_type = text()


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


def listed(read: Read, caller: Any, query: Mapping[str, str]) -> list[Identity]:
    """Return the identities of a caller; or those with a login `name`, or with a login that contains `all`."""
    name, part = query.get("name"), query.get("all")
    if name is None and part is None:
        return _known(read, caller, [caller.authenticated_id])
    logins = read.find(Password, state="active")
    if name is not None:
        return _known(read, caller, [p.account_id for p in logins if p.public_value == name])
    return _known(
        read, caller, [p.account_id for p in logins if part and part.lower() in (p.public_value or "").lower()]
    )


def found(read: Read, caller: Any, raw: str) -> Identity | None:
    """Return an identity by its type and external id (`rancher_id:1a7`)."""
    kind, _, external_id = raw.partition(":")
    number = parse_id(external_id) or external_id
    if kind != ACCOUNT or not (number.isascii() and number.isdigit() and len(number) < 19):
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
    known = found(face.read, face.caller, f"{row.external_id_type}:{row.external_id}")
    if known is None:
        # as the original words it, so that a person sees at once that there is nobody behind it any more
        login = f"({row.external_id_type} {row.external_id} not found) {row.name or ''}".rstrip()
        values = {"id": f"{row.external_id_type}:{row.external_id}", "login": login}
        known = Identity({**values, "external_id": row.external_id, "external_id_type": row.external_id_type})
    return Identity({**known.values, "project_id": row.project_id, "role": row.role})


Identity.behaviour = Behaviour(listed=listed, found=found)
ProjectMember.behaviour.presented = of_member
