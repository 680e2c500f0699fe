"""What POST, PUT, DELETE and actions do: each one transaction, in which the row is looked up, checked and changed.

The fields themselves are checked by `validate.py`: of a new row and of an update before the transaction, which all
others wait for. What only one type asks for is checked by the type's own functions. A new row is made by
`engine/apply.create`, the one way of creation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trailboss import states
from trailboss.api import conditions, read, render, validate
from trailboss.api.render import Face
from trailboss.api.schemas import TypeView
from trailboss.api.validate import Check, Checked
from trailboss.declare import Resource
from trailboss.engine import apply
from trailboss.errors import ApiError
from trailboss.resources.instance.actions import StreamRequest
from trailboss.store.transaction import Read, Tx

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """status, document and own headers of the answer. stream: a live stream that is to be opened after the commit
    instead."""

    status: int
    document: dict[str, Any]
    stream: StreamRequest | None = None
    headers: dict[str, str] = field(default_factory=dict)


def _written(status: int, row: Resource, face: Face) -> Written:
    return Written(status, render.resource(row, face), headers=conditions.headers_of(row))


def fresh(tx: Tx, face: Face) -> Face:
    """Return the face for one attempt at a transaction: what an earlier attempt was to show is forgotten."""
    return replace(face, caller=replace(face.caller, shown_once={}), read=tx)


def create(tx: Tx, view: TypeView, check: Check, face: Face) -> Written:
    """Make a new row. Raises ApiError 422 for a body that is not right, 405 for types that have no rows."""
    own_way = view.type.behaviour.create
    if not view.type.stored and own_way is None:
        raise ApiError(405, message=f"{view.type.type} is only sent inside other resources")
    checked = check()
    read.check_references(tx, checked.references, face.caller)
    _check_unique(tx, view, checked, face, None)
    values = {"kind": view.type.type, **checked.values}
    if "account_id" in view.type.fields:
        values["account_id"] = checked.values.get("account_id") or face.caller.account_id
    kept = {n: v for n, v in checked.values.items() if view.type.fields[n].read_on_create_only}
    face.caller.shown_once.update(kept)
    row = own_way(tx, values, face.caller) if own_way else apply.create(tx, view.type, values, face.caller)
    return _written(201, row, face)


def update(tx: Tx, view: TypeView, raw: str, check: Check, face: Face) -> Written:
    """Change the fields of a row that were sent. Raises ApiError 404, 405 for a row that is gone, 422."""
    checked = check()
    read.check_references(tx, checked.references, face.caller)
    row = read.find(tx, view, raw, face.caller)
    return _written(200, _update(tx, view, row, checked, face), face)


def _update(tx: Tx, view: TypeView, row: Resource, checked: Checked, face: Face) -> Resource:
    if row.values.get("state") == "removed" and checked.values.keys() == {"remove_time"}:
        # the one thing of it that can still be changed: until when it can be restored
        return tx.change(row, **checked.values)
    if row.values.get("state") in ("removed", "purging", "purged"):
        raise ApiError(405, message=f"a {view.type.type} that is {row.values['state']} cannot be changed")
    _check_unique(tx, view, checked, face, row)
    if view.type.added_to is not None:
        row = _with_added(tx, view, row, checked)
    if checked.values.get("data") is not None:
        # the fields that are kept in it are changed by their names only
        checked.values["data"] = {**checked.values["data"], "fields": row.values["data"].get("fields", {})}
    own_way = type(row).behaviour.update
    changed: Resource = (
        own_way(tx, row, checked.values, face.caller) if own_way else tx.change(row, **checked.values)
    )  # fmt: skip
    return changed


def _with_added(tx: Tx, view: TypeView, row: Resource, checked: Checked) -> Resource:
    """Store the fields that a type which was added at run time has on top; take them out of what was checked."""
    names = [name for name in checked.values if name not in type(row).fields]
    added = {view.type.fields[name].wire: checked.values.pop(name) for name in names}
    data = row.values["data"]
    return tx.change(row, data={**data, "fields": {**data.get("fields", {}), **added}})


def _check_unique(tx: Tx, view: TypeView, checked: Checked, face: Face, own: Resource | None) -> None:
    for field_ in view.fields.values():
        value = checked.values.get(field_.name)
        if not field_.unique or value is None:
            continue
        same = {field_.name: value}
        if "account_id" in view.type.fields:
            same["account_id"] = _owner(checked, face, own)
        others = tx.find(read.declared(view), **same)
        if any(own is None or r.values["id"] != own.values["id"] for r in others):
            raise ApiError(422, "NotUnique", f"{field_.wire} {value!r} is taken", field=field_.wire)


def _owner(checked: Checked, face: Face, own: Resource | None) -> int:
    """Return the account that a row is to belong to."""
    account: int = own.values["account_id"] if own is not None else face.caller.account_id
    return checked.values.get("account_id") or account


def delete(tx: Tx, view: TypeView, raw: str, face: Face) -> Written:
    """Remove a row, or begin to. Raises ApiError 404, and 405 in a state that does not allow it."""
    row = read.find(tx, view, raw, face.caller)
    return _written(200, _delete(tx, row, face), face)


def _delete(tx: Tx, row: Resource, face: Face) -> Resource:
    state = row.values.get("state")
    if state == "removed":
        return row
    own_way = type(row).behaviour.delete
    if state != "purged" and own_way is not None:
        removed: Resource = own_way(tx, row, face.caller)
        return removed
    if type(row).machine is None:
        tx.erase(row)
        return row
    if not states.may(row, "remove"):
        raise ApiError(405, message=f"a {type(row).type} that is {state} cannot be removed; deactivate it first")
    return states.begin(tx, row, "remove")


def act(tx: Tx, view: TypeView, raw: str, name: str, body: Body, face: Face) -> Written:
    """Do an action of a row. Raises ApiError 404, 422 ActionNotAvailable, and 422 for an input that is not right."""
    row = read.find(tx, view, raw, face.caller)
    own_view = face.role.of_row(row) or view
    if name not in render.offered(row, own_view, tx, face.caller):
        raise _not_available(row, name)
    machine = type(row).machine
    is_process = machine is not None and name in machine.processes
    result = _run(tx, own_view, row, name, body, face)
    if isinstance(result, StreamRequest):
        return Written(200, {}, result)
    return _written(202 if is_process else 200, result, face)


def _not_available(row: Resource, name: str) -> ApiError:
    type_ = type(row)
    if name in type_.unserved:
        because = f"this version does not serve {name} of a {type_.type}"
    else:
        because = f"{name} is not possible while the {type_.type} is {row.values.get('state')}, or not for you"
    return ApiError(422, "ActionNotAvailable", because, field="action")


def _run(tx: Tx, view: TypeView, row: Resource, name: str, body: Body, face: Face) -> Any:
    """Run the type's own function of an action, else what PUT and DELETE do, else begin the process of that name."""
    values = _input(tx, view, name, body, face)
    handler = type(row).behaviour.actions.get(name)
    if handler is not None:
        return handler(tx, row, values, face.caller)
    if name == "update":
        checked = validate.for_update(view, face.role, body, plain_ids=face.caller.plain_ids)
        read.check_references(tx, checked.references, face.caller)
        return _update(tx, view, row, checked, face)
    return _delete(tx, row, face) if name == "remove" else states.begin(tx, row, name)


def checked_input(read_: Read, view: TypeView, action: str | None, body: Body, face: Face) -> dict[str, Any]:
    """Return what was sent, checked, by Python names: for a creation, or for an action. Raises ApiError 422."""
    if action is not None:
        return _input(read_, view, action, body, face)
    return validate.for_create(view, face.role, body, plain_ids=face.caller.plain_ids).values


def _input(tx: Read, view: TypeView, name: str, body: Body, face: Face) -> dict[str, Any]:
    wanted = view.actions[name].input
    input_view = face.role.types.get(wanted) if wanted else None
    if input_view is None:
        return {}
    # who may only look has no field that it may create, but may say which part of the output it wants to see
    fields = input_view.create or input_view.fields
    checked = validate.for_create(
        replace(input_view, create=fields), face.role, body, plain_ids=face.caller.plain_ids
    )  # fmt: skip
    read.check_references(tx, checked.references, face.caller)
    return checked.values
