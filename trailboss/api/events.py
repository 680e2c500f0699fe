"""What a subscriber is told: events as documents, for everybody who is shown the same (03-administration section 5).

Journal entries and rows go in, events come out, each with its position in the journal as `cursor`. Nothing here waits
or sends: who is told when is decided in `channels.py`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import msgspec

from trailboss.api import read as reading
from trailboss.api import render
from trailboss.api.access import Caller
from trailboss.api.render import Face
from trailboss.api.schemas import TypeView
from trailboss.declare import ResourceType, registry
from trailboss.resources.account import Account
from trailboss.store.journal import Loss, Position
from trailboss.store.transaction import Read

CHANGE, JOURNAL, PING, RESYNC = "resource.change", "journal", "ping", "resync"
CHANGED = ["changed"]
"""Stands for the values of a field whose values are not told."""
LOST: dict[Loss, str] = {
    "incarnation": "the database was restored or moved since that position",
    "ahead": "this database has not come to that position",
    "expired": "changes behind that position are no longer kept",
}
_EMPTY = dict.fromkeys(
    (
        "replyTo", "publisher", "previousIds", "previousNames", "transitioning", "transitioningMessage",
        "transitioningInternalMessage", "transitioningProgress", "timeoutMillis", "context",
    )
)  # fmt: skip

Entry = dict[str, Any]
"""A journal entry, as `journal.after` returns it."""
Key = tuple[str, int]
"""A resource: its type and number."""
Form = Literal["pings", "changes", "journal"]


class Event(NamedTuple):
    """One event. cursor: the position that who has read it can go on from. body: the JSON document, with it."""

    cursor: str
    body: bytes


class Placed(NamedTuple):
    """An event of one journal entry. seq: the number of that entry."""

    seq: int
    event: Event


@dataclass(frozen=True)
class View:
    """All that decides what a subscriber is told, byte by byte: those for whom it is equal share one channel.

    form: what it wants to hear. exact: every entry, one by one; else at most one event per resource and second.
    incarnation: of the database. shown_to: number of the account whose key was sent, where included rows may depend
    on it; else 0. The rest is as in `Caller` and `Face`.
    """

    form: Form
    exact: bool
    incarnation: int
    role: str
    account_id: int
    all_accounts: bool
    plain_ids: bool
    root: str = ""
    project_prefix: str | None = None
    include: tuple[str, ...] = ()
    shown_to: int = 0
    added: tuple[ResourceType, ...] = ()

    def face(self, snapshot: Read) -> Face:
        """Return how rows of a snapshot are rendered."""
        of_all, plain = self.all_accounts, self.plain_ids
        caller = Caller(self.role, self.account_id, self.shown_to, of_all, plain, self.project_prefix, added=self.added)
        return Face(caller, self.root, caller.view, snapshot)

    @property
    def only_account(self) -> int | None:
        """Number of the account whose entries are told; None for those of all."""
        return None if self.all_accounts else self.account_id

    def concerns(self, entry: Entry) -> bool:
        """Say whether an entry is told at all."""
        return self.form != "pings" and (self.all_accounts or entry["account_id"] == self.account_id)

    def position(self, seq: int) -> Position:
        """Return the position behind an entry."""
        return Position(self.incarnation, seq)


def view_of(caller: Caller, form: Form, exact: bool, incarnation: int) -> View:
    """Return what a caller is told; without what only documents of resources depend on (`with_documents`)."""
    role, account, everybody, plain = caller.role, caller.account_id, caller.all_accounts, caller.plain_ids
    return View(form, exact, incarnation, role, account, everybody, plain)


def with_documents(view: View, caller: Caller, root: str, include: Sequence[str]) -> View:
    """Return a view whose events hold resources: their links depend on how the caller reached us."""
    # offers of included projects depend on who asks; of other rows nothing does
    shown_to = caller.authenticated_id if include else 0
    prefix = caller.project_prefix
    return replace(
        view, root=root, project_prefix=prefix, include=tuple(include), shown_to=shown_to, added=caller.added
    )


def ping(position: Position) -> Event:
    """Return a sign of life."""
    return _event(PING, position)


def resync(position: Position, loss: Loss) -> Event:
    """Return the order to list again: what is told after this event goes on from its position."""
    return _event(RESYNC, position, data={"reason": loss, "message": f"{LOST[loss]}: list again, then go on"})


def changes(snapshot: Read, keys: Sequence[Key], view: View) -> list[dict[str, Any]]:
    """Return what is told of some resources as they are now: type, id and data of `resource.change` events."""
    face = view.face(snapshot)
    return [_change(snapshot, key, face, view.include) for key in keys]


def change(told: dict[str, Any], position: Position) -> Event:
    """Return a `resource.change` event that holds one of `changes`."""
    return _event(CHANGE, position, **told)


def placed(snapshot: Read, entries: Sequence[Entry], view: View) -> list[Placed]:
    """Return the events of entries, in their order; none for those that are not for this view."""
    wanted = [entry for entry in entries if view.concerns(entry)]
    events = _journal(snapshot, wanted, view) if view.form == "journal" else _changes(snapshot, wanted, view)
    return [Placed(entry["seq"], event) for entry, event in events]


def _changes(snapshot: Read, entries: Sequence[Entry], view: View) -> Iterator[tuple[Entry, Event]]:
    keys = list(dict.fromkeys((entry["type"], entry["id"]) for entry in entries))
    told = dict(zip(keys, changes(snapshot, keys, view), strict=True))
    for entry in entries:
        position = view.position(entry["seq"])
        yield entry, _event(CHANGE, position, id=str(position), **told[entry["type"], entry["id"]])


def _journal(snapshot: Read, entries: Sequence[Entry], view: View) -> Iterator[tuple[Entry, Event]]:
    face = view.face(snapshot)
    names: dict[Key, str | None] = {}
    for entry in entries:
        type_ = registry.get(entry["type"])
        shown = face.role.shown_as(type_) if type_ is not None else None
        if type_ is None or shown is None:
            continue
        key = entry["type"], entry["id"]
        if key not in names:
            row = snapshot.get(type_, entry["id"]) if "name" in shown.fields else None
            names[key] = row.values["name"] if row is not None else None
        position = view.position(entry["seq"])
        yield (
            entry,
            _event(
                JOURNAL,
                position,
                id=str(position),
                time=entry["at"],
                resourceType=shown.type.type,
                resourceId=face.id(type_, entry["id"]),
                data={"entry": _entry(entry, names[key], shown, face)},
            ),
        )


def _entry(entry: Entry, name: str | None, shown: TypeView, face: Face) -> dict[str, Any]:
    """Return the document of an entry. name: what the resource is called now."""
    actor = entry["actor"]
    return {
        "sequence": entry["seq"],
        "actor": None if actor is None else face.id(Account, actor),
        "cause": entry["cause"],
        "resourceName": name,
        "change": dict(_shown_values(entry["change"], shown, face.caller.plain_ids)),
        "message": entry["message"],
    }


def _shown_values(change: dict[str, list[Any]], shown: TypeView, plain_ids: bool) -> Iterator[tuple[str, list[Any]]]:
    """Give old and new value of the fields that the view has, as the API writes them."""
    for wire, values in change.items():
        field = shown.fields.get(wire)
        if field is None:
            continue
        if values == CHANGED or field.secret or field.read_on_create_only or field.computed:
            yield wire, CHANGED
            continue
        yield wire, _converted(values, field.type, plain_ids)


def _converted(values: list[Any], type_: str, plain_ids: bool) -> list[Any]:
    convert = render.converter(type_, plain_ids)
    try:
        return [v if v is None or convert is None else convert(v) for v in values]
    except (TypeError, ValueError, AttributeError):
        # written when the field was of another type: an entry of then must not end the stream of now
        return CHANGED


def _change(snapshot: Read, key: Key, face: Face, include: Sequence[str]) -> dict[str, Any]:
    type_ = registry.get(key[0])
    if type_ is None:
        return {"resourceType": key[0], "resourceId": None, "data": None}
    row = snapshot.get(type_, key[1])
    if row is not None and reading.is_visible(row, face.caller):
        view = face.role.of_row(row)
        if view is not None:
            # it goes to whoever listens, and nobody notes who that is: a secret is only there for who asks for it
            document = render.unrevealed(reading.with_included(row, include, face))
            data = msgspec.Raw(render.encode({"resource": document}))
            return {"resourceType": view.type.type, "resourceId": document["id"], "data": data}
    return {"resourceType": type_.base.type, "resourceId": face.id(type_, key[1]), "data": None}


def _event(name: str, position: Position, **values: Any) -> Event:
    cursor = str(position)
    common = {"id": str(uuid.uuid4()), "name": name, "resourceType": None, "resourceId": None, "data": None}
    document = {**common, "time": time.time_ns() // 1_000_000, **_EMPTY, **values, "cursor": cursor}
    return Event(cursor, render.encode(document))
