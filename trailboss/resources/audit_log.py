"""The audit log: who asked for what, from where, and what came of it. `api/audit.py` writes it; nobody changes it.

A row of a change is written in the transaction of the change. It holds no secrets: what is declared secret, and what is
not declared at all, is left out of it. How much is kept the settings say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trailboss.declare import Resource, date, document, number, ref, text
from trailboss.resources.setting import number_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx

SLICE = 1_000


class AuditLog(Resource):
    """One request that changed something, was refused, or was shown a secret."""

    type = "auditLog"
    roles = {"project": "r", "user": "r", "admin": "r", "service": "r"}
    stored = True
    appended = True

    id = number(column=True)
    account_id = ref("account", column=True)
    """The environment or account that it was about; none for failed logins."""
    authenticated_as_account_id = ref("account", column=True, indexed=False)
    """The account whose keys were sent."""
    authenticated_as_identity_id = text(column=True, indexed=False)
    """The person that it is, if it is one."""
    auth_type = text(column=True, indexed=False)
    """How it has proved itself: `BasicAuth`, `RegistrationToken`, `TokenAuth`; `AdminAuth`: access control is off."""
    client_ip = text(column=True, indexed=False)
    """The address that it came from; no header changes that, unless a trusted proxy has sent it."""
    created = date(column=True)
    """When it was done."""
    description = text(column=True, max_length=1024, indexed=False)
    """The request in words."""
    event_type = text(column=True, indexed=False)
    """What was asked for: `api.container.create`, `api.container.logs`, `api.login`."""
    request_id = text(column=True, indexed=False)
    """The id of the request, which its answer, the logs and the journal carry too."""
    request_object = document()
    """The fields that were sent, without secrets."""
    resource_type = text(column=True, indexed=False)
    """The type of what it was about."""
    resource_id = text(column=True)
    """The id of what it was about."""
    response_code = number(column=True, indexed=False)
    """The HTTP status of the answer."""
    response_object = document()
    """What it is now: id, type, name and state; of a refusal the error."""
    kind = text(column=True, read=())
    uuid = text(column=True, read=(), indexed=False)
    removed = number(column=True, read=())


def prune(tx: Tx) -> int:
    """Take away the oldest rows of those that are too old or too many, at most a slice; return how many."""
    oldest_allowed = tx.now - number_of(tx, "audit_log.purge.after.seconds") * 1000
    most = number_of(tx, "audit_log.max.rows")
    oldest = tx.find(AuditLog, limit=SLICE)
    newest = tx.find(AuditLog, limit=1, newest=True)
    if not oldest:
        return 0
    last_to_go = newest[0].id - most
    gone = [row for row in oldest if row.id <= last_to_go or row.created < oldest_allowed]
    if gone:
        tx.prune(AuditLog, up_to=gone[-1].id)
    return len(gone)
