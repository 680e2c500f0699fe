"""Setting up logins: who becomes the first administrator of a login provider, and nobody else.

A code, which only who may read the data folder knows, begins a short session of the platform's own administrator. In it
a provider is put in force, with access control on all the time; the next login that is sent with that session makes its
person an administrator and ends the session. The code counts once: its use and the session are one transaction. With
access control off, where everybody is administrator anyway, the first login after `enabled: false` does the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trailboss import states
from trailboss.errors import ApiError
from trailboss.resources import login_token, providers, setting
from trailboss.resources.account import Account, Project
from trailboss.resources.credential import digest, make_secret
from trailboss.resources.login_token import LoginToken
from trailboss.resources.project_member import ProjectMember
from trailboss.resources.setting import is_controlled, value_of

if TYPE_CHECKING:
    from trailboss.login.provider import Who
    from trailboss.store.transaction import Read, Tx

CODE_MS = 24 * 3_600_000
"""How long a code counts."""
SESSION_MS = 3_600_000
"""How long what begins with it lasts."""
_WAITING, _USED = "set-up.code", "set-up.used"
"""Facts: the digest of the code that was not used yet, and when it ends; the digest of the one that was used last."""
_FORM = re.compile(r"set-up-[A-Za-z0-9]{40}")


def make_code(tx: Tx) -> str:
    """Return a new code; one that was there before counts no more."""
    code = f"set-up-{make_secret()}"
    tx.set_fact(_WAITING, f"{digest(code)} {tx.now + CODE_MS}")
    return code


def drop_code(tx: Tx) -> None:
    """Let the code count no more: people have another way in now."""
    if (waiting := tx.fact(_WAITING)) is not None:
        tx.take_fact(_WAITING, waiting)


def is_waiting(read: Read) -> bool:
    """Say whether there is a code that was not used, be its time over or not."""
    return read.fact(_WAITING) is not None


def has_expired(read: Read) -> bool:
    """Say whether there is a code that was not used in its time."""
    waiting = read.fact(_WAITING)
    return waiting is not None and int(waiting.partition(" ")[2]) <= read.now


def is_code(text: str) -> bool:
    """Tell a set-up code from what people log in with."""
    return _FORM.fullmatch(text) is not None


def begin(tx: Tx, code: str) -> tuple[Account, str]:
    """Use a code; return the platform's administrator and the key of its session. Raises ApiError 401."""
    sent, waiting = digest(code), tx.fact(_WAITING) or ""
    is_known = waiting.partition(" ")[0] == sent and providers.name_in_force(tx) == providers.NONE
    if is_known and has_expired(tx):
        raise ApiError(401, "SetUpCodeExpired", "the set-up code has expired; `trailboss admin set-up-code` makes one")
    # taken and noted as used in one transaction: of two who send it at once, one finds it there
    if tx.fact(_USED) == sent or (is_known and not tx.take_fact(_WAITING, waiting)):
        raise ApiError(401, "SetUpCodeUsed", "the set-up code was used already; the audit log says when and from where")
    if not is_known:
        raise ApiError(401, "InvalidSetUpCode", "no such set-up code counts; `trailboss admin set-up-code` makes one")
    tx.set_fact(_USED, sent)
    for account in tx.find(Account, uuid="admin", kind="admin", state="active"):
        return account, login_token.issue(tx, account, providers.NONE, SESSION_MS)
    raise ApiError(401, message="the platform's own administrator is not active")


def finish(tx: Tx, account: Account, who: Who, session: int | None) -> Account:
    """Make a person who logs in the administrator, if this login is the one that a set-up waits for. session: number of
    the login by whose token the request was sent."""
    begun = tx.get(LoginToken, session) if session is not None else None
    if begun is not None and begun.provider == providers.NONE and login_token.is_in_force(tx, begun):
        states.end(tx, begun)
    elif is_controlled(tx) or value_of(tx, providers.ENABLER):
        return account
    _take_over_projects(tx, who)
    setting.store(tx, providers.ENABLER, who.id)
    return tx.change(account, kind="admin")


def _take_over_projects(tx: Tx, who: Who) -> None:
    """Make somebody owner of the projects that had no members but the platform's own administrator."""
    seeds = {str(row.id) for row in tx.find(Account, uuid="admin")}
    for project in tx.find(Project):
        members = tx.find(ProjectMember, project_id=project.id)
        if members and all(m.external_id_type == "rancher_id" and m.external_id in seeds for m in members):
            for member in members:
                states.end(tx, member)
            values = {"account_id": project.id, "project_id": project.id, "name": who.name, "role": "owner"}
            known_as = {"external_id": who.external_id, "external_id_type": who.kind}
            tx.insert(ProjectMember, state="active", **known_as, **values)
