"""Rows to JSON documents: ids, dates, links, the actions that are valid now, what is on its way (`transitioning*`).

What depends on the type and role only is worked out once per `TypeView` (`_plan`), so that a row costs one pass over
its readable fields. Errors are rendered here too. Collections are in `read.py`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import msgspec

from trailboss import states
from trailboss.api.access import Caller
from trailboss.api.schemas import RoleView, TypeView, role_view
from trailboss.declare import ABSENT, Field, Resource, ResourceType, format_id, id_prefix, registry
from trailboss.errors import ApiError
from trailboss.resources.project_member import member_roles
from trailboss.store.transaction import Read

Converter = Callable[[Any], Any]

encode = msgspec.json.Encoder().encode

VIEWS = 16_384
"""More than there are types, roles and states; those of types that are added at run time come and go."""


@dataclass
class Face:
    """For whom and how rows are rendered.

    root: address of the server with `/v1`. base: the same with the project prefix of the request, which links keep.
    role: what the caller sees. query: parameters of the request, some of which show more (`key` of a register).
    """

    caller: Caller
    root: str
    role: RoleView
    read: Read
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """What links begin with."""
        prefix = self.caller.project_prefix
        return f"{self.root}/projects/{prefix}" if prefix else self.root

    def id(self, type_: ResourceType, raw: int | str) -> str:
        """Return an id as this caller is shown it."""
        return str(raw) if self.caller.plain_ids else format_id(type_, raw)


@dataclass(frozen=True)
class _Plan:
    """How rows of a type are shown to a role. wires, names: wire and Python names of its fields, in their order.
    converted: (wire name, converter) of those that are not shown as they are stored; dates: (wire name, Python name).
    references: (link name, what it adds to the row's URL, Python name). lists: the same of links that every row has.
    """

    wires: tuple[str, ...]
    names: tuple[str, ...]
    converted: tuple[tuple[str, Converter], ...]
    dates: tuple[tuple[str, str], ...]
    references: tuple[tuple[str, str, str], ...]
    lists: tuple[tuple[str, str], ...]


def resource(row: Resource, face: Face) -> dict[str, Any]:
    """Return the document of a row. Raises ApiError 404 if its type is not shown to the caller."""
    if presented := type(row).behaviour.presented:
        row = presented(row, face)
    type_ = type(row)
    view = face.role.of_row(row)
    if view is None:
        raise ApiError(404)
    plan = _plan(view, face.caller.plain_ids)
    values = row.values if view.type.added_to is None else _with_added(row, view)
    if "id" not in values:
        return _value(row, view, plan)
    id_ = face.id(type_, values["id"])
    self_url = f"{face.base}/{view.type.plural.lower()}/{id_}"
    document: dict[str, Any] = {
        "id": id_,
        "type": view.type.type,
        "links": _links(row, view, plan, self_url, face),
        "actions": {n: f"{self_url}/?action={n.lower()}" for n in offered(row, view, face.read, face.caller)},
    }
    document.update(zip(plan.wires, map(values.get, plan.names), strict=True))
    for wire, convert in plan.converted:
        if document[wire] is not None:
            document[wire] = convert(document[wire])
    for wire, name in plan.dates:
        if document[wire] is not None:
            document[wire + "TS"] = values[name]
    _add_derived(row, view, document, face)
    return document


def _with_added(row: Resource, view: TypeView) -> dict[str, Any]:
    """Return the values of a row, with those of the fields that its kind has on top; they are kept by wire names."""
    kept = row.values["data"].get("fields", {})
    own = type(row).fields
    return row.values | {f.name: kept.get(wire) for wire, f in view.fields.items() if f.name not in own}


def _value(row: Resource, view: TypeView, plan: _Plan) -> dict[str, Any]:
    """Return the document of what is no row: the answer of an action."""
    shown = {wire: row.values.get(name) for wire, name in zip(plan.wires, plan.names, strict=True)}
    return {"id": None, "type": view.type.type, "links": {}, "actions": {}, **shown}


def _add_derived(row: Resource, view: TypeView, document: dict[str, Any], face: Face) -> None:
    """Put in what is not stored as it is shown."""
    if "data" in document and (secret := _secrets(type(row).type)):
        stored = row.values["data"] or {}
        kept = {wire: value for wire, value in stored.get("fields", {}).items() if wire not in secret}
        document["data"] = stored | {"fields": kept}
    if "transitioning" in view.fields and type(row).machine is not None:
        moving, message, progress = states.transitioning(row)
        document["transitioning"] = moving
        document["transitioningMessage"] = message
        document["transitioningProgress"] = progress
    for name, value in face.caller.shown_once.items():
        shown = type(row).fields.get(name)
        if shown is not None and shown.read_on_create_only and shown.wire in view.fields:
            document[shown.wire] = value
    computed = type(row).behaviour.computed
    if computed is not None:
        for wire, value in computed(row, face).items():
            if value is ABSENT:
                document.pop(wire, None)
            elif wire in view.fields:
                document[wire] = value


@cache
def _secrets(type_name: str) -> frozenset[str]:
    """Return the wire names of what is kept in a row's document and shown to nobody."""
    return frozenset(f.wire for f in registry[type_name].fields.values() if f.has_secrets and not f.column)


def _links(row: Resource, view: TypeView, plan: _Plan, self_url: str, face: Face) -> dict[str, str]:
    links = {"self": self_url}
    values = row.values
    for name, tail, own in plan.references:
        if values.get(own) is not None:
            links[name] = self_url + tail
    for name, tail in plan.lists:
        links[name] = self_url + tail
    if view.type.scope:
        inside, role = f"{face.root}/projects/{face.id(type(row), values['id'])}", _role_inside(row, face)
        links |= {v.type.plural: f"{inside}/{v.type.plural.lower()}" for v in role.types.values() if v.is_listable}
    for name in type(row).behaviour.downloads:
        links[name] = f"{self_url}/{name.lower()}"
    more = type(row).behaviour.links
    return links | more(row, face) if more is not None else links


def _role_inside(row: Resource, face: Face) -> RoleView:
    """Return what a caller sees inside of a project: who is asked there once more is shown that."""
    if face.caller.account_id == row.values["id"]:
        return face.role
    return role_view(member_roles(face.read, face.caller.authenticated_id).get(row.values["id"], "project"))


def offered(row: Resource, view: TypeView, read: Read, caller: Caller) -> list[str]:
    """Return the names of the actions that are valid for a row now (10-hosts section 1.2). Who is not to see the type
    of a row, only that it is there, does nothing with it."""
    if not issubclass(view.type, type(row)) and not caller.all_accounts:
        return []
    names = _actions_in(view, type(row).type, row.values.get("state"))
    if not names or all(view.actions[n].capability is None for n in names):
        return list(names)
    find = type(row).behaviour.capabilities
    present = find(read, row, caller) if find is not None else ()
    return [n for n in names if (needed := view.actions[n].capability) is None or needed in present]


@lru_cache(maxsize=VIEWS)
def _actions_in(view: TypeView, type_name: str, state: str | None) -> tuple[str, ...]:
    """Return the actions that a type serves in a state."""
    type_ = registry[type_name]
    found = []
    for name, action in view.actions.items():
        process = type_.machine is not None and name in type_.machine.processes
        if name in type_.unserved or not (process or name in type_.behaviour.actions):
            continue
        if process and type_.machine is not None and state not in type_.machine.valid_in(name):
            continue
        if not action.states or state in action.states:
            found.append(name)
    return tuple(found)


@lru_cache(maxsize=VIEWS)
def _plan(view: TypeView, plain_ids: bool) -> _Plan:
    names = sorted(view.fields, key=lambda wire: ({"name": 0, "state": 1}.get(wire, 2), wire))
    fields = [(w, view.fields[w]) for w in names if w not in ("id", "type", "links", "actions")]
    visible = view.relations.values()
    tails = {link.name: f"/{link.name.lower()}" for link in visible}
    return _Plan(
        wires=tuple(w for w, _ in fields),
        names=tuple(f.name for _, f in fields),
        converted=tuple((w, convert) for w, f in fields if (convert := _shown_as(f, plain_ids)) is not None),
        dates=tuple((w, f.name) for w, f in fields if f.type == "date"),
        references=tuple((link.name, tails[link.name], link.own) for link in visible if not link.many and link.own),
        lists=tuple((link.name, tails[link.name]) for link in visible if link.many),
    )


def _shown_as(field_: Field[Any], plain_ids: bool) -> Converter | None:
    if field_.secret or field_.read_on_create_only:
        return _nothing
    return converter(field_.type, plain_ids)


def _nothing(value: Any) -> None:
    """What is shown of a secret."""


@cache
def converter(type_: str, plain_ids: bool) -> Converter | None:
    """Return how a stored value of a schema type becomes JSON; None if it is the same.

    References are stored as numbers and dates as ms, in lists, maps and embedded objects too.
    """
    if type_ == "date":
        return moment
    if type_.startswith("reference["):
        return str if plain_ids else _reference_prefix(type_[len("reference[") : -1])
    if type_.startswith(("array[", "map[")):
        inner = converter(type_[type_.index("[") + 1 : -1], plain_ids)
        if inner is None:
            return None
        return _for_list(inner) if type_.startswith("array[") else _for_map(inner)
    return _embedded(registry[type_], plain_ids) if type_ in registry else None


def _reference_prefix(target: str) -> Converter:
    prefix = id_prefix(registry[target]) if target in registry else "1"
    return lambda raw: prefix + str(raw)


def _for_list(inner: Converter) -> Converter:
    return lambda values: [None if v is None else inner(v) for v in values]


def _for_map(inner: Converter) -> Converter:
    return lambda values: {k: None if v is None else inner(v) for k, v in values.items()}


def _embedded(type_: ResourceType, plain_ids: bool) -> Converter | None:
    inner = {w: c for w, f in type_.by_wire.items() if (c := _shown_as(f, plain_ids)) is not None}
    if not inner:
        return None
    return lambda value: {
        k: inner[k](v) if v is not None and k in inner else v for k, v in value.items()
    }  # fmt: skip


def unrevealed(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document, and those included in it, without the secrets that a GET for it shows."""
    type_ = registry.get(str(document.get("type")))
    hidden: set[str] = set()
    links = document.get("links", {})
    if type_ is not None and type_.shows_secrets:
        hidden = {wire for wire, field in type_.by_wire.items() if field.secret}
        links = {name: url for name, url in links.items() if name not in type_.secret_links}
    return {w: _unrevealed(v) for w, v in document.items() if w not in hidden} | {"links": links}


def _unrevealed(value: Any) -> Any:
    if isinstance(value, list):
        return [_unrevealed(element) for element in value]
    return unrevealed(value) if isinstance(value, dict) and {"type", "links"} <= value.keys() else value


def moment(ms: int) -> str:
    """Return a moment as the API writes it: UTC, whole seconds."""
    # years before 1000 are not padded by the C library
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms // 1000)).zfill(20)


def error(problem: ApiError) -> dict[str, Any]:
    """Return the v1 error document."""
    document = {
        "id": str(uuid.uuid4()),
        "type": "error",
        "links": {},
        "actions": {},
        "status": problem.status,
        "code": problem.code,
        "message": problem.message,
        "detail": problem.detail,
    }
    return document | {"fieldName": problem.field} if problem.field else document
