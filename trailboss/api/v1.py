"""One request below `/v1`, from its headers to its answer, in the order of 01-api-wire section 7.

A GET is one function on one snapshot: who asks, what it names, the document. Anything else first finds out who asks,
then reads its body, then is one transaction (`write.py`). Every refusal becomes an error document here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response

from trailboss.api import (
    audit,
    body,
    conditions,
    consult,
    guard,
    html,
    lines,
    openapi,
    paging,
    read,
    render,
    repeat,
    scripts,
    validate,
    write,
)
from trailboss.api.access import Caller, identify
from trailboss.api.attempts import limits_of
from trailboss.api.context import Context
from trailboss.api.read import File
from trailboss.api.render import Face
from trailboss.api.request import Target, base_url, client_ip, overriding_url, peer_of, target_of
from trailboss.api.schemas import RoleView, TypeView
from trailboss.api.validate import Check, Checked
from trailboss.declare import format_id
from trailboss.errors import ApiError, Lost, Unreachable
from trailboss.resources.account import Account
from trailboss.resources.setting import value_of
from trailboss.store.transaction import Read, Tx

log = structlog.get_logger()

METHODS = ("GET", "PUT", "POST", "DELETE")
_FLAGS = ("purge",)
"""Parameters that actions and removals understand, whatever the type."""


@dataclass
class Call:
    """A request on its way. caller, role: once it is known who asks. params: the query, and a form if there was one.
    headers: those of the answer that only this request has. method: what is done, whatever it was sent by.
    shown_secrets: names of the secret fields in the answer to a GET."""

    request: Request
    target: Target
    root: str = ""
    caller: Caller | None = None
    role: RoleView | None = None
    params: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""
    shown_secrets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.method = self.request.query_params.get("_method", self.request.method).upper()

    @property
    def context(self) -> Context:
        """The parts of the server."""
        found: Context = self.request.app.state.context
        return found

    @property
    def request_id(self) -> str:
        """Id of the request, the cause of what it changes."""
        found: str = self.request.state.request_id
        return found


@dataclass(frozen=True)
class Place:
    """What a URL names: a type, and maybe one of its rows (id as stored), a link of that row, an action on it."""

    view: TypeView
    raw: str | None
    link: str | None
    action: str | None


async def serve(request: Request) -> Response:
    """Answer one request below `/v1`."""
    call = Call(request, target_of(request.scope["path"]))
    try:
        call.root = base_url(request) + "/v1"
        if (call.target.type or "").lower() == "scripts":
            return await scripts.serve(request, call.context, call.target.id or "", call.root)
        status, content = await _answer(call)
    except Unreachable as error:
        status, content = 503, ApiError(503, message=str(error))
        audit.note_failure(call, content)
    except Lost as error:
        status, content = 409, ApiError(409, message=str(error))
        await audit.note_refusal(call, content)
    except ApiError as error:
        status, content = error.status, error
        await audit.note_refusal(call, error)
    except Exception:
        audit.note_failure(call, ApiError(500))
        raise
    headers = _headers(call)
    if isinstance(content, File):
        disposition = {"Content-Disposition": f'attachment; filename="{content.name}"'}
        return Response(content.content, status, headers | disposition | content.headers, content.media_type)
    if isinstance(content, ApiError):
        headers |= content.headers
        content = render.encode(render.error(content))
    return await html.answer(request, content, status, headers)


async def _answer(call: Call) -> tuple[int, bytes | File | ApiError]:
    """Return status and content of the answer. Raises ApiError."""
    request = call.request
    if call.method == "GET" and request.method == "GET":
        return 200, await _read(call, few=_is_point(call))
    caller = await call.context.read(lambda r: _enter(r, call), few=True)
    sent = await body.fields_of(request)
    call.params = body.merged(request.query_params.multi_items()) | sent
    method = call.method = str(call.params.get("_method", call.method)).upper()
    guard.check_csrf(request, method)
    if method not in METHODS:
        raise ApiError(405)
    if method == "GET":
        return 200, await _read(call)
    caller.options = {name: True for name in _FLAGS if str(call.params.get(name, "")).lower() == "true"}
    place = _locate(call, caller)
    operation = _operation(call, place, method)
    once = repeat.once(request, method, caller, call.params)
    counted = await _counted(call, place, method)
    with counted, once.alone(call.context.running) if once is not None else nullcontext():
        await consult.before_writing(
            call.context, _face_of(call, caller), place.view, place.raw, place.action, call.params
        )
        written = await call.context.write(
            lambda tx: _write(tx, call, place, operation, once),
            cause=call.request_id,
            actor=caller.authenticated_id,
        )
    call.headers |= written.headers
    return written.status, render.encode(_with_stream(call, caller, written))


async def _counted(call: Call, place: Place, method: str) -> AbstractContextManager[None]:
    """Count a login that fails; nothing else proves here who somebody is."""
    if (place.view.type.type, method) != ("token", "POST"):
        return nullcontext()
    name = str(call.params.get("code") or "").partition(":")[0]
    limits = await call.context.read(limits_of, few=True)
    return call.context.attempts.counted(peer_of(call.request, call.context.proxies), name, limits)


async def _read(call: Call, *, few: bool = False) -> bytes | File:
    """Answer a GET. What others have to be asked before is asked by who may ask at all; where the answer shows secrets,
    that is in the audit log before it leaves."""
    asked, consulted = consult.of_reading(call.target), None
    if asked is not None:
        query = dict(call.request.query_params)

        def question(r: Read) -> consult.Question | None:
            caller = _enter(r, call)
            return consult.reading(r, asked, _locate(call, caller).raw, query, caller)

        consulted = await consult.answer_of(await call.context.read(question))
    answer = await call.context.read(lambda r: _get(r, call, consulted), few=few)
    if call.shown_secrets:
        await audit.note_shown(call, call.shown_secrets)
    return answer


def _is_point(call: Call) -> bool:
    """Say whether a GET is for one row, and nothing that belongs to it."""
    return call.target.id is not None and call.target.link is None and not call.request.scope["query_string"]


def _write(tx: Tx, call: Call, place: Place, operation: Operation, once: repeat.Once | None) -> write.Written:
    """Do what a request asks for, unless that was done before or the resource is not as it was when it was read."""
    assert call.caller is not None
    if once is not None and (before := once.answered(tx)) is not None:
        return before
    wanted = call.request.headers.get("if-match")
    if wanted is not None and place.raw is not None and place.link is None:
        conditions.check(read.find(tx, place.view, place.raw, call.caller), wanted)
    written = operation(tx, write.fresh(tx, _face(call, call.caller, tx)))
    if once is not None:
        once.keep(tx, written)
    audit.changed(tx, call, audit.deed_of(call, call.method), written.status, written.document)
    return written


def _enter(r: Read, call: Call) -> Caller:
    """Find out who asks, and note it for the headers of the answer."""
    call.caller = identify(r, call.request, call.target.project)
    if "x-api-request-url" in call.request.headers and value_of(r, "api.allow.client.override") == "true":
        call.root = f"{overriding_url(call.request) or base_url(call.request)}/v1"
    call.role = call.caller.view
    call.context.uses.note(call.caller, r.now)
    return call.caller


def _face(call: Call, caller: Caller, r: Read) -> Face:
    return _face_of(call, caller)(r)


def _face_of(call: Call, caller: Caller) -> Callable[[Read], Face]:
    query = dict(call.request.query_params)
    return lambda r: Face(caller, call.root, caller.view, r, query)


def _locate(call: Call, caller: Caller) -> Place:
    """Find what a URL names. Raises ApiError 404."""
    target, role = call.target, caller.view
    if target.type is None:
        raise ApiError(405)
    view = role.names.get(target.type.lower())
    raw = target.id
    if raw is not None and (view is None or view.type.type != "schema"):
        raw = read.id_of(raw, caller)
    if view is None or target.rest:
        raise ApiError(404)
    action = call.params.get("action")
    return Place(view, raw, target.link, str(action).lower() if action is not None else None)


def _get(r: Read, call: Call, consulted: object = None) -> bytes | File:
    """Return what a GET answers. Raises ApiError."""
    caller = _enter(r, call)
    caller.consulted = consulted
    face = _face(call, caller, r)
    if call.target.type is None:
        return render.encode(version(face))
    if (call.target.type.lower(), call.target.id) == (openapi.NAME, None):
        return openapi.document(caller.role, face.base)
    place = _locate(call, caller)
    answer = _document(place, face, call)
    if isinstance(answer, File):
        return answer
    call.shown_secrets = audit.shown_secrets(answer, "include" in call.request.query_params)
    return render.encode(answer)


def _document(place: Place, face: Face, call: Call) -> dict[str, Any] | File:
    view, pairs = place.view, call.request.query_params.multi_items()
    allowed = view.collection_methods if place.raw is None else view.resource_methods
    if "GET" not in allowed:
        raise ApiError(405)
    if view.type.type == "schema":
        return _schemas(place, face)
    if place.raw is None:
        page = read.collection(view, face, paging.wanted(view, pairs, plain_ids=face.caller.plain_ids))
        form = call.request.query_params.get("_format")
        if form is not None:
            call.shown_secrets = audit.shown_secrets(page, with_included=True)
        return page if form is None else lines.of(page, view, form)
    if place.link is not None:
        return read.linked(view, place.raw, place.link, face, pairs)
    row = read.find(face.read, view, place.raw, face.caller)
    call.headers |= conditions.headers_of(row)
    return read.with_included(row, [value for name, value in pairs if name == "include"], face)


def _schemas(place: Place, face: Face) -> dict[str, Any]:
    if place.raw is None:
        return read.schemas(place.view, face)
    found = face.role.names.get(place.raw.lower())
    if found is None or place.link is not None:
        raise ApiError(404)
    return read.schema(found, face)


def version(face: Face) -> dict[str, Any]:
    """Return the document of `/v1`: where every collection is that the caller can read."""
    links = {"self": face.base}
    links |= {v.type.plural: f"{face.base}/{v.type.plural.lower()}" for v in face.role.types.values() if v.is_listable}
    return {"id": "v1", "type": "apiVersion", "links": links, "actions": {}}


Operation = Callable[[Tx, Face], write.Written]


def _operation(call: Call, place: Place, method: str) -> Operation:
    """Return what a request that changes something is to do in its transaction. Raises ApiError 405, 422."""
    view, raw, link, action, params = place.view, place.raw, place.link, place.action, call.params
    if action is not None and method == "POST" and raw is not None:
        if action not in view.actions:
            raise ApiError(422, "InvalidAction", f"{view.type.type} has no action {action}", field="action")
        return lambda tx, face: write.act(tx, view, raw, action, params, face)
    if raw is None or link is not None:
        return _creation(call, place, method)
    if method not in view.resource_methods:
        raise ApiError(405)
    if method == "PUT":
        check = _checked_ahead(validate.for_update, call, view, params)
        return lambda tx, face: write.update(tx, view, raw, check, face)
    return lambda tx, face: write.delete(tx, view, raw, face)


def _creation(call: Call, place: Place, method: str) -> Operation:
    """Return the creation of a row, in its collection or as a child by a link of another row."""
    view, raw, params = place.view, place.raw, call.params
    if raw is None:
        if method not in view.collection_methods:
            raise ApiError(405)
        check = _checked_ahead(validate.for_create, call, view, params)
        return lambda tx, face: write.create(tx, view, check, face)
    relation = read.link_of(view, place.link or "")
    assert call.role is not None
    target = call.role.types[relation.target]
    foreign = read.foreign_field(relation, target)
    if method not in target.collection_methods or foreign is None:
        raise ApiError(405)
    assert call.caller is not None
    owner_id = raw if call.caller.plain_ids else format_id(view.type, raw)
    check = _checked_ahead(validate.for_create, call, target, {foreign.wire: owner_id, **params})

    def run(tx: Tx, face: Face) -> write.Written:
        read.find(tx, view, raw, face.caller)
        return write.create(tx, target, check, face)

    return run


def _checked_ahead(rule: Callable[..., Checked], call: Call, view: TypeView, params: dict[str, Any]) -> Check:
    assert call.caller is not None and call.role is not None
    role, plain_ids = call.role, call.caller.plain_ids
    return validate.ahead(lambda: rule(view, role, params, plain_ids=plain_ids))


def _with_stream(call: Call, caller: Caller, written: write.Written) -> dict[str, Any]:
    """Return the document of a write; for a live stream, where it is to be had."""
    if written.stream is None:
        return written.document
    opened = call.context.open_stream(written.stream, caller)
    url = "ws" + call.root.removesuffix("/v1").removeprefix("http") + opened["url"]
    return {"type": "hostAccess", "links": {}, "actions": {}, "token": opened["token"], "url": url}


def _headers(call: Call) -> dict[str, str]:
    """Return the headers that every answer of the API has."""
    prefix = call.target.project
    if prefix is None and call.target.id is not None and (call.target.type or "").lower() in ("project", "projects"):
        # a client that was pointed at a project wants what can be done inside it
        prefix = call.target.id
    # quoted: here it may still be any text that a path can hold, line ends included
    base = f"{call.root}/projects/{quote(prefix, safe='!')}" if prefix else call.root
    headers = {"X-API-Schemas": f"{base}/schemas", "X-API-Client-IP": client_ip(call.request)}
    if call.caller is not None:
        account = call.caller.account_id
        headers["X-API-Account-Id"] = str(account) if call.caller.plain_ids else format_id(Account, account)
    if cookie := guard.new_cookie(call.request):
        headers["Set-Cookie"] = cookie
    return headers | call.headers
