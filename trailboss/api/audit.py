"""What of a request goes into the audit log (`resources/audit_log.py`): who, what, from where, and what came of it.

A change is noted in its own transaction (`changed`); a refusal, and a read that has shown a secret, in one of their own
before the answer leaves (`note_refusal`, `note_shown`); what failed here, when that can be (`note_failure`). Secrets
are left out by the declarations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from trailboss.api import credentials
from trailboss.api.attempts import limits_of
from trailboss.api.request import peer_of
from trailboss.api.validate import raw_id, row_number
from trailboss.declare import Field, ResourceType, format_id, registry
from trailboss.errors import ApiError, Unreachable
from trailboss.resources.account import Account
from trailboss.resources.audit_log import AuditLog
from trailboss.resources.credential import Credential
from trailboss.resources.x509 import PRIVATE

if TYPE_CHECKING:
    from trailboss.api.v1 import Call
    from trailboss.store.transaction import Tx

log = structlog.get_logger()

LONGEST = 2_048
"""Characters of one value that was sent; of a longer one only its size is kept."""
HIDDEN = "***"
_NAMES = ("id", "type", "name", "state")
_OF_LOGINS = ("authProvider", "user")
"""What is kept of a login's answer besides: it has no id."""
_PEOPLE = ("admin", "user")
_VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete", "GET": "read"}


@dataclass(frozen=True)
class Deed:
    """What was asked for. event: its last words, as `container.create`. sent: the type whose fields were sent, and the
    fields; about: type and id of what it was about, as far as they are known."""

    event: str
    sent: tuple[ResourceType | None, Mapping[str, Any]] = (None, {})
    about: tuple[str | None, str | None] = (None, None)


def deed_of(call: Call, method: str) -> Deed:
    """Say what a request asks for, by its URL and fields."""
    target = call.target
    view = call.role.names.get((target.type or "").lower()) if call.role is not None else None
    if view is None:
        return Deed(f"{target.type or 'api'}.{_VERBS.get(method, method)}")
    action = call.params.get("action")
    found = next((a for n, a in view.actions.items() if n == str(action).lower()), None) if action else None
    type_, verb = view.type, _VERBS.get(method, method)
    if found is not None and method == "POST":
        verb, sent = found.name, registry.get(found.input or "")
    elif target.link is not None and (link := view.relations.get(target.link.lower())):
        type_ = sent = registry[link.target]
    else:
        sent = type_
    about = (type_.type, target.id if target.link is None else None)
    return Deed(f"{type_.type}.{verb}", (sent, call.params), about)


def changed(tx: Tx, call: Call, deed: Deed, status: int, document: Mapping[str, Any]) -> None:
    """Note a change in its transaction. document: the answer."""
    type_, id_ = document.get("type"), document.get("id")
    about = (type_, id_) if id_ else deed.about
    type_sent, fields = deed.sent
    request = without_secrets(type_sent, fields, document)
    is_login = type_ == "token"
    names = (*_NAMES, *_OF_LOGINS) if is_login else _NAMES
    answer = {n: document[n] for n in names if document.get(n)}
    whose = row_number(raw_id(document["accountId"]) or "") if is_login else None
    _note(tx, call, deed.event, about, status, request, answer, whose)


def _refused(tx: Tx, call: Call, deed: Deed, problem: ApiError) -> None:
    """Note a request that was refused."""
    request = without_secrets(*deed.sent)
    error = {"code": problem.code, "message": problem.message, "fieldName": problem.field}
    answer = {n: v for n, v in error.items() if v is not None}
    if problem.status == 401:
        public, _ = credentials.basic(call.request.headers.get("authorization"))
        if deed.event == "token.create":
            public = str(call.params.get("code")).partition(":")[0]
        # an unknown name is not kept: people type passwords where names belong
        known = [account for (account,) in tx.columns(Credential, "account_id", public_value=public)]
        wrong = {"publicValue": public} if known else {}
        _note(tx, call, "login", ("credential", None), 401, wrong, answer, next(iter(known), None))
    else:
        _note(tx, call, deed.event, deed.about, problem.status, request, answer)


async def note_refusal(call: Call, problem: ApiError) -> None:
    """Note a change that was refused, and a proof that was wrong. Of those who have proved nothing only so many are,
    and none after too many others (429), so that nobody fills the log by guessing."""
    is_login = problem.status == 401 and "authorization" in call.request.headers
    if problem.status != 429 and (is_login or _would_change(call) or (call.caller and problem.status == 403)):
        try:
            if not await _is_told(call):
                return
            await asyncio.wrap_future(_submit(call, lambda tx: _refused(tx, call, deed_of(call, call.method), problem)))
        except Unreachable as error:
            log.warning("a refusal is not in the audit log", request=call.request_id, because=error.message)


async def _is_told(call: Call) -> bool:
    """Say whether a refusal is noted: of somebody known each one, of others no more than may fail in a while."""
    context = call.context
    if call.caller is not None and call.caller.role != "token":
        return True
    limits = await context.read(limits_of, few=True)
    return context.attempts.may_tell(peer_of(call.request, context.proxies), limits)


def note_failure(call: Call, problem: ApiError) -> None:
    """Note a change that failed here, without waiting for it: what has stopped the one may stop the other."""

    def say(noted: Future[None]) -> None:
        if (error := noted.exception()) is not None:
            log.warning("a failure is not in the audit log", request=call.request_id, because=str(error))

    if _would_change(call):
        noted = _submit(call, lambda tx: _refused(tx, call, deed_of(call, call.method), problem))
        noted.add_done_callback(say)


async def note_shown(call: Call, names: list[str]) -> None:
    """Note a read whose answer shows secrets. names: of the fields. Raises Unreachable: then nothing is shown."""
    deed, answer = deed_of(call, "GET"), {"shown": names}
    await asyncio.wrap_future(_submit(call, lambda tx: _note(tx, call, deed.event, deed.about, 200, {}, answer)))


def _would_change(call: Call) -> bool:
    """Say whether somebody who is known has asked for more than a look."""
    return call.caller is not None and call.method != "GET"


def _submit(call: Call, write: Callable[[Tx], None]) -> Future[None]:
    actor = call.caller.authenticated_id if call.caller is not None else None
    return call.context.store.submit(write, cause=call.request_id, actor=actor)


def without_secrets(
    type_: ResourceType | None, fields: Mapping[str, Any], answer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the fields of a type as they may be kept. answer: the document that was made of them; it says whether a
    field is secret that only is one in some rows."""
    kept: dict[str, Any] = {}
    for wire, value in fields.items():
        spec = type_.by_wire.get(wire) if type_ is not None else None
        if spec is None:
            continue
        if _is_secret(spec, answer) or (isinstance(value, str) and PRIVATE in value):
            kept[wire] = HIDDEN
        else:
            size = len(value) if isinstance(value, str) else len(msgspec.json.encode(value))
            kept[wire] = value if size <= LONGEST else f"({size} characters)"
    return kept


def _is_secret(spec: Field[Any], answer: Mapping[str, Any] | None) -> bool:
    if spec.secret_if is None:
        return spec.has_secrets or spec.read_on_create_only
    return answer is None or spec.secret_if(answer)


def shown_secrets(document: Mapping[str, Any], with_included: bool) -> list[str]:
    """Return the names of the secret fields that a document, or the rows of a collection, show; or those included."""
    rows = document["data"] if document.get("type") == "collection" else [document]
    included = [v for row in rows for v in row.values() if isinstance(v, list | dict)] if with_included else []
    found: dict[str, None] = {}
    for row in [*rows, *(d for v in included for d in (v if isinstance(v, list) else [v]) if isinstance(d, dict))]:
        type_ = registry.get(str(row.get("type")))
        if type_ is not None and type_.shows_secrets:
            found |= {w: None for w, f in type_.by_wire.items() if f.secret and row.get(w) is not None}
    return list(found)


def _text(value: str | None, longest: int = 255) -> str | None:
    """Return a text of a URL as a column takes it: PostgreSQL has no NUL."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")[:longest] if value is not None else None


def _note(
    tx: Tx,
    call: Call,
    event: str,
    about: tuple[str | None, str | None],
    status: int,
    request: dict[str, Any],
    response: dict[str, Any],
    whose: int | None = None,
) -> None:
    """whose: number of the account of a login, by which somebody is known from now on or that was tried."""
    caller, connection = call.caller, call.request
    if caller is None or caller.role == "token":
        about_account, proved, is_person = whose, whose if status < 400 else None, True
    else:
        about_account, proved, is_person = caller.account_id, caller.authenticated_id, caller.kind in _PEOPLE
    tx.append(
        AuditLog,
        account_id=about_account,
        authenticated_as_account_id=proved,
        authenticated_as_identity_id=f"rancher_id:{format_id(Account, proved)}" if proved and is_person else None,
        auth_type=caller.proof if caller else None,
        client_ip=peer_of(connection, call.context.proxies),
        description=_text(f"{connection.method} {connection.scope['path']}", 1024),
        event_type=_text(f"api.{event}"),
        request_id=call.request_id,
        request_object=request,
        resource_type=_text(about[0]),
        resource_id=_text(about[1]),
        response_code=status,
        response_object=response,
    )
