"""What GET answers: one row, a collection (filtered, sorted, paged), what a link leads to, schemas.

Everything a request reads comes from one snapshot. Filters and sorts run in the database on declared columns
(`store/query.py`); types whose visibility is a rule of their own bring it (`Behaviour.listed`, `found`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from trailboss.api import paging, render
from trailboss.api.access import Caller
from trailboss.api.paging import Pairs, Wanted
from trailboss.api.render import Face
from trailboss.api.schemas import TypeView
from trailboss.api.validate import Reference, raw_id, row_number
from trailboss.declare import Field, Link, Resource, ResourceType, registry
from trailboss.errors import ApiError
from trailboss.resources.account import Account
from trailboss.resources.setting import number_of
from trailboss.store import query
from trailboss.store.query import Condition, Query
from trailboss.store.sorting import may_sort
from trailboss.store.transaction import Read

LINK_LIMIT = 1000
"""Most rows of one page of a link."""


@dataclass(frozen=True)
class File:
    """An answer that is no document. name: what a browser would save it as. headers: further ones of the answer."""

    name: str
    media_type: str
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)


def find(read: Read, view: TypeView, raw: str, caller: Caller) -> Resource:
    """Return the row of a stored id if the caller may see it. Raises ApiError 404."""
    own_rule = view.type.behaviour.found
    if own_rule is not None:
        row = own_rule(read, caller, raw)
    else:
        number = row_number(raw)
        row = read.get(declared(view), number) if view.type.stored and number is not None else None
        if row is not None and not (is_visible(row, caller) and is_of(row, view)):
            row = None
    if row is None:
        raise ApiError(404)
    found: Resource = row
    return found


def declared(view: TypeView) -> ResourceType:
    """Return the type of which rows of a view are: of one that was added at run time, the type that it is a kind of."""
    return view.type.added_to or view.type


def is_of(row: Resource, view: TypeView) -> bool:
    """Say whether a row of the type is of the kind that was added, if the view is of one that was."""
    return view.type.added_to is None or row.values["kind"] == view.type.type


def _sees_all(type_: ResourceType, caller: Caller) -> bool:
    """Say whether a caller sees every account's rows of a type."""
    return caller.all_accounts and (not type_.personal or caller.role == "superadmin")


def is_visible(row: Resource, caller: Caller) -> bool:
    """Say whether a row belongs to the caller: to its account in effect, or to anybody's if it sees them all."""
    if _sees_all(type(row), caller):
        return True
    if isinstance(row, Account):
        return bool(row.id == caller.account_id)
    return "account_id" not in type(row).fields or row.values["account_id"] == caller.account_id


def check_references(read: Read, references: Iterable[Reference], caller: Caller) -> None:
    """Look references up. Raises ApiError 422 for the first that leads to nothing the caller sees."""
    for reference in references:
        target = registry.get(reference.type)
        row = read.get(target, int(reference.raw)) if target is not None and target.stored else None
        if row is None or not is_visible(row, caller):
            message = f"there is no {reference.type} with this id"
            raise ApiError(422, "InvalidReference", message, field=reference.field)


def with_included(row: Resource, include: Iterable[str], face: Face) -> dict[str, Any]:
    """Return the document of a row with the rows of some links in it, under the links' names."""
    document = render.resource(row, face)
    view = face.role.of_row(row)
    for name in dict.fromkeys(name.lower() for name in include):
        link = view.relations.get(name) if view is not None else None
        if link is None:
            continue
        documents = rendered(related(row, link, face).rows, face)
        document[link.name] = documents if link.many else next(iter(documents), None)
    return document


def rendered(rows: Iterable[Resource], face: Face, include: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the documents of rows; those of types that the caller does not see are left out."""
    return [with_included(row, include, face) for row in rows if face.role.shown_as(type(row)) is not None]


def collection(view: TypeView, face: Face, wanted: Wanted) -> dict[str, Any]:
    """Return a collection document: the page that is wanted of the rows that the caller sees."""
    own_rule = view.type.behaviour.listed
    url = f"{face.base}/{view.type.plural.lower()}"
    if own_rule is not None:
        rows = own_rule(face.read, face.caller, face.query)
        return _document(view, face, url, rendered(rows, face, wanted.include), wanted, None)
    rows, more = _page(view, face, wanted)
    following = paging.marker_after(rows[-1], wanted) if more and rows else None
    pagination = _pagination(url, wanted, wanted.limit, following)
    return _document(view, face, url, rendered(rows, face, wanted.include), wanted, pagination)


def _pagination(url: str, wanted: Wanted, limit: int, following: str | None) -> dict[str, Any]:
    next_url = f"{url}?{_query_with(wanted, 'marker', following)}" if following else None
    return {
        "first": None,
        "previous": None,
        "next": next_url,
        "limit": limit,
        "total": None,
        "partial": next_url is not None,
    }


def _page(view: TypeView, face: Face, wanted: Wanted) -> tuple[list[Resource], bool]:
    if not view.type.stored or wanted.limit == 0 or wanted.is_empty:
        return [], False
    kind = () if view.type.added_to is None else (Condition("kind", "eq", view.type.type),)
    asked = Query(
        declared(view),
        (*_owned(view, face.caller), *kind, *wanted.conditions),
        _hide_before(view, face.read),
        wanted.sort_column,
        wanted.descending,
        wanted.after,
        wanted.limit + 1,
    )
    rows = query.rows(face.read, asked)
    return rows[: wanted.limit], len(rows) > wanted.limit


def _owned(view: TypeView, caller: Caller) -> tuple[Condition, ...]:
    """Return the condition that leaves the rows of the caller's account only."""
    if _sees_all(view.type, caller):
        return ()
    if issubclass(view.type, Account):
        return (Condition("id", "eq", caller.account_id),)
    return (Condition("account_id", "eq", caller.account_id),) if "account_id" in view.type.fields else ()


def _hide_before(view: TypeView, read: Read) -> int | None:
    """Return the moment before which a removal makes a row vanish from lists; None for types that are not removed."""
    if view.type.machine is None and not view.type.window:
        return None
    return read.now - number_of(read, "api.show.removed.for.seconds") * 1000


def _document(
    view: TypeView, face: Face, url: str, data: list[dict[str, Any]], wanted: Wanted, pagination: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "type": "collection",
        "resourceType": view.type.type,
        "links": {"self": url},
        "createTypes": _create_types(view, face),
        "actions": {},
        "data": data,
        "sortLinks": {
            name: f"{url}?{_query_with(wanted, 'sort', name)}"
            for name, field_ in view.filters.items()
            if may_sort(field_)
        },
        "pagination": pagination,
        "sort": _sort(url, wanted),
        "filters": {name: wanted.shown.get(name) for name in view.filters},
        "createDefaults": {},
    }


def _create_types(view: TypeView, face: Face) -> dict[str, str]:
    """Return where each kind of a type that has kinds can be created."""
    if not view.type.children:
        return {}
    kinds = [face.role.types.get(t.type) for t in (view.type, *view.type.children)]
    return {
        v.type.type: f"{face.base}/{v.type.plural.lower()}"
        for v in kinds
        if v is not None and v.type.stored and "POST" in v.collection_methods
    }


def _sort(url: str, wanted: Wanted) -> dict[str, str] | None:
    if wanted.sort is None:
        return None
    order, other = ("desc", "asc") if wanted.descending else ("asc", "desc")
    reverse = f"{url}?{_query_with(wanted, 'sort', wanted.sort)}&order={other}"
    return {"name": wanted.sort, "order": order, "reverse": reverse}


def _query_with(wanted: Wanted, name: str, value: str) -> str:
    """Return the query of the request with one parameter in place of what was there; a sort begins anew."""
    dropped = {"marker"} if name == "marker" else {"marker", "sort", "order"}
    return urlencode([*((n, v) for n, v in wanted.pairs if n not in dropped), (name, value)])


# --- links ------------------------------------------------------------------------------------------------------


def link_of(view: TypeView, name: str) -> Link:
    """Return the relation that a link's name in a URL stands for. Raises ApiError 404."""
    link = view.relations.get(name.lower())
    if link is None:
        raise ApiError(404)
    return link


def linked(view: TypeView, raw: str, name: str, face: Face, pairs: Pairs) -> dict[str, Any] | File:
    """Return what a link of a row leads to: one row, a collection (pairs: its query), a file. Raises ApiError 404."""
    row = find(face.read, view, raw, face.caller)
    for file_name, download in type(row).behaviour.downloads.items():
        if file_name.lower() == name.lower():
            return File(*download(face.read, row))
    link = link_of(view, name)
    target = face.role.types[link.target]
    wanted = paging.wanted(target, pairs, plain_ids=face.caller.plain_ids)
    found = related(row, link, face, wanted)
    if not link.many:
        if not found.rows:
            raise ApiError(404)
        return with_included(found.rows[0], wanted.include, face)
    url = f"{face.base}/{view.type.plural.lower()}/{face.id(view.type, raw)}/{name.lower()}"
    pagination = _pagination(url, wanted, LINK_LIMIT, found.following) if found.following or wanted.after else None
    document = _document(target, face, url, rendered(found.rows, face, wanted.include), wanted, pagination)
    if (foreign := foreign_field(link, target)) and "POST" in target.collection_methods:
        document["createDefaults"] = {foreign.wire: face.id(view.type, raw)}
    return document


def foreign_field(link: Link, target: TypeView) -> Field[Any] | None:
    """Return the field by which rows of a link's type refer to the owner; None if only some kinds of it have one."""
    return target.type.fields.get(link.foreign or "")


@dataclass(frozen=True)
class Related:
    """Rows that a link leads to. following: marker of the page after them, if there are more."""

    rows: list[Resource] = field(default_factory=list)
    following: str | None = None


def related(row: Resource, link: Link, face: Face, wanted: Wanted | None = None) -> Related:
    """Return the rows that a link of a row leads to and that the caller sees.

    wanted: filters and order, for rows that refer to this one; where to go on.
    """
    target, read = registry[link.target], face.read
    view = face.role.types[link.target]
    wanted = wanted or Wanted(view)
    if link.through is not None:
        return _by_way_of(row, link, face, wanted)
    if link.foreign is None:
        own = row.values.get(link.own) if link.own else None
        found = read.get(target, own) if isinstance(own, int) else None
        return Related([found] if found is not None and is_visible(found, face.caller) else [])
    if wanted.is_empty:
        return Related()
    # what is inside a project belongs to the project, which the caller sees, and not to the caller
    owned = () if type(row).scope else _owned(view, face.caller)
    children = Query(
        target,
        (Condition(link.foreign, "eq", row.values["id"]), *owned, *wanted.conditions),
        _hide_before(view, read),
        wanted.sort_column,
        wanted.descending,
        wanted.after,
        LINK_LIMIT + 1,
    )
    rows = query.rows(read, children)
    return Related(rows[:LINK_LIMIT], paging.marker_after(rows[LINK_LIMIT - 1], wanted) if rows[LINK_LIMIT:] else None)


def _by_way_of(row: Resource, link: Link, face: Face, wanted: Wanted) -> Related:
    """Return what the rows of a third type lead to that have not been removed; what they lead to may have been."""
    assert link.through is not None
    type_name, ours, theirs = link.through
    conditions = (Condition(ours, "eq", row.values["id"]), Condition("removed", "null"))
    after = (None, wanted.after[1]) if wanted.after else None
    maps = query.rows(face.read, Query(registry[type_name], conditions, after=after, limit=LINK_LIMIT + 1))
    following = paging.marker_after(maps[LINK_LIMIT - 1], Wanted(wanted.view)) if maps[LINK_LIMIT:] else None
    found = (face.read.get(registry[link.target], m.values[theirs]) for m in maps[:LINK_LIMIT])
    return Related([r for r in found if r is not None and is_visible(r, face.caller)], following)


# --- schemas ----------------------------------------------------------------------------------------------------


def schema(view: TypeView, face: Face) -> dict[str, Any]:
    """Return the schema document of a type."""
    links = {"self": f"{face.base}/schemas/{view.type.type}"}
    if view.is_listable:
        links["collection"] = f"{face.base}/{view.type.plural.lower()}"
    return {"id": view.type.type, "type": "schema", "links": links, "actions": {}, **view.document}


def schemas(view: TypeView, face: Face) -> dict[str, Any]:
    """Return the collection of all schemas that the caller sees."""
    data = [schema(v, face) for v in face.role.types.values()]
    document = _document(view, face, f"{face.base}/schemas", data, paging.wanted(view, []), None)
    return document | {"createTypes": {}, "sortLinks": {}, "filters": {}}


def id_of(text: str, caller: Caller) -> str:
    """Return the stored id that the id in a URL stands for. Raises ApiError 404 if it is none."""
    raw = raw_id(text, caller.plain_ids)
    if raw is None:
        raise ApiError(404)
    return raw
