"""What can stand in the query and the headers of requests, each declared once and referred to by the paths."""

from __future__ import annotations

from typing import Any

from trailboss.api.paging import DEFAULT_LIMIT, MAX_LIMIT
from trailboss.api.schemas import RoleView, TypeView

Parameter = dict[str, Any]

_TEXT = {"type": "string"}
_PAGE = ("limit", "marker", "order")


def _query(name: str, schema: dict[str, Any], described: str = "", **more: Any) -> Parameter:
    found = {"name": name, "in": "query", "schema": schema, **more}
    return found | {"description": described} if described else found


_COMMON: dict[str, Parameter] = {
    "limit": _query("limit", {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
    "marker": _query("marker", _TEXT, "from `pagination.next`"),
    "order": _query("order", {"type": "string", "enum": ["asc", "desc"]}),
    "purge": _query("purge", {"type": "boolean"}, "at once and for good, on its hosts too"),
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "the request is done once, however often it is sent with this key",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "the ETag of the resource as it was read: it is changed only if it is still that",
        "schema": {"type": "string", "pattern": r'^(\*|"[0-9]+")$'},
    },
}


def of(role: RoleView) -> dict[str, Parameter]:
    """Return the `parameters` of the components of a role."""
    found = dict(_COMMON)
    for view in role.types.values():
        name = view.type.type
        if sortable := [wire for wire, field in view.filters.items() if field.column]:
            found[f"{name}Sort"] = _query("sort", {"type": "string", "enum": sortable})
        if view.relations:
            links = [link.name for link in view.relations.values()]
            described = "links whose resources are put into the answer, under the name of the link"
            found[f"{name}Include"] = _query(
                "include", {"type": "array", "items": {"type": "string", "enum": links}}, described
            )
        if view.filters:
            found[f"{name}Filters"] = _filters(view)
    return found


def _filters(view: TypeView) -> Parameter:
    """Return all filters of a type as one object, whose properties are parameters of the query."""
    names = {}
    for wire, field in view.filters.items():
        for modifier in field.modifiers:
            names[wire if modifier == "eq" else f"{wire}_{modifier}"] = _TEXT
    schema = {"type": "object", "properties": names, "additionalProperties": False}
    described = "a field, or a field and how it is compared: `name=web`, `name_prefix=w`, `removed_null=true`"
    return _query("filters", schema, described, style="form", explode=True)


def of_collection(view: TypeView) -> list[Parameter]:
    """Return the parameters of a list of a type."""
    found = [_ref(name) for name in _PAGE]
    if any(field.column for field in view.filters.values()):
        found.append(_ref(f"{view.type.type}Sort"))
    if view.filters:
        found.append(_ref(f"{view.type.type}Filters"))
    return found + of_read(view)


def of_read(view: TypeView) -> list[Parameter]:
    """Return the parameters of whatever is answered with resources of a type."""
    return [_ref(f"{view.type.type}Include")] if view.relations else []


def of_write(*more: str) -> list[Parameter]:
    """Return the parameters of a change; `more` of the common ones beside the key."""
    return [_ref(name) for name in ("Idempotency-Key", *more)]


def _ref(name: str) -> Parameter:
    return {"$ref": f"#/components/parameters/{name}"}
