"""The types of a role as JSON Schemas: as they are answered, and as they are sent to create and to update.

A type `x` that is answered is the component `x`; what may be sent is `xCreate` and `xUpdate`; a page of it is
`xCollection`. In an answer every field may be null: a secret, what is not known yet, what was left out. What is sent is
described strictly, each value in its own kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trailboss.api.openapi import parameters
from trailboss.api.schemas import RoleView, TypeView
from trailboss.declare import Field, Link

JsonSchema = dict[str, Any]

_OWN = ("id", "type", "links", "actions")
_URLS = {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}
_DATE = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_KINDS: dict[str, JsonSchema] = {
    "string": {"type": "string"},
    "password": {"type": "string", "format": "password"},
    "blob": {"type": "string"},
    "enum": {"type": "string"},
    "int": {"type": "integer", "format": "int64", "minimum": -(2**63) + 1, "maximum": 2**63 - 1},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date-time", "pattern": _DATE},
    "json": {},
}
ERROR: JsonSchema = {
    "type": "object",
    "description": "Why a request was refused. `code` is for programs and stays the same.",
    "required": ["id", "type", "links", "actions", "status", "code", "message", "detail"],
    "properties": {
        "id": {"type": "string"},
        "type": {"const": "error"},
        "links": _URLS,
        "actions": _URLS,
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "message": {"type": ["string", "null"]},
        "detail": {"type": ["string", "null"]},
        "fieldName": {"type": "string", "description": "the field at fault"},
    },
}
_PAGINATION: JsonSchema = {
    "type": ["object", "null"],
    "required": ["next", "limit", "partial"],
    "properties": {
        "first": {"type": ["string", "null"]},
        "previous": {"type": ["string", "null"]},
        "next": {"type": ["string", "null"], "format": "uri", "description": "the next page, if there is one"},
        "limit": {"type": "integer"},
        "total": {"type": ["integer", "null"]},
        "partial": {"type": "boolean"},
    },
}
_HEADERS = {
    "ETag": ("the generation of the resource, for If-Match", {"type": "string"}),
    "X-API-Schemas": ("where the schemas of this scope are", {"type": "string", "format": "uri"}),
    "Idempotency-Replayed": ("the answer was given before, to the same Idempotency-Key", {"const": "true"}),
    "X-API-Withheld": ("fields that only the first answer has shown", {"type": "string"}),
}


def of(view: RoleView) -> dict[str, Any]:
    """Return the `components` of a role."""
    schemas: dict[str, JsonSchema] = {"error": ERROR, "pagination": _PAGINATION}
    for type_view in view.types.values():
        schemas |= _schemas_of(type_view, view)
    refused = {"description": "The request was refused.", "content": content(ref("error"))}
    return {
        "schemas": schemas,
        "parameters": parameters.of(view),
        "responses": {"refused": refused},
        "headers": {name: {"description": text, "schema": schema} for name, (text, schema) in _HEADERS.items()},
        "securitySchemes": {
            "key": {"type": "http", "scheme": "basic", "description": "access key and secret key of an API key"}
        },
    }


def _schemas_of(view: TypeView, role: RoleView) -> dict[str, JsonSchema]:
    name = view.type.type
    found = {name: _answered(view, role)} if name != "error" else {}
    if view.create:
        required = [wire for wire, field in view.create.items() if field.required and field.default is None]
        found[f"{name}Create"] = _sent(view.create, role, required)
    if view.update:
        found[f"{name}Update"] = _sent(view.update, role, ())
    if view.is_listable:
        found[f"{name}Collection"] = _collection(view, role)
    return found


def _answered(view: TypeView, role: RoleView) -> JsonSchema:
    properties: dict[str, JsonSchema] = {
        "id": {"type": ["string", "null"], "readOnly": True},
        "type": {"const": view.type.type},
        "links": _URLS,
        "actions": _URLS | {"description": "the actions that are possible now"},
    }
    for wire, field in view.fields.items():
        if wire in _OWN:
            continue
        schema = _value(field, field.type, "")
        if wire == "state" and (states := view.document["resourceFields"][wire].get("options")):
            schema = schema | {"enum": list(states)}
        may_be_sent = wire in view.create or wire in view.update
        properties[wire] = _nullable(schema) | ({} if may_be_sent else {"readOnly": True})
        if field.type == "date":
            properties[wire + "TS"] = {"type": "integer", "format": "int64", "description": f"`{wire}` as ms"}
    for link in view.relations.values():
        included = _included(link, role)
        # what is included stands in the place of a field of that name
        properties[link.name] = {"anyOf": [properties[link.name], included]} if link.name in properties else included
    found: JsonSchema = {"type": "object", "properties": properties}
    if view.type.stored:
        # what has no rows is found inside of others too, where it has only its fields
        found["required"] = list(_OWN)
    text = (view.type.__doc__ or "").strip()
    return {"description": text} | found if text else found


def _included(link: Link, role: RoleView) -> JsonSchema:
    target = answered(role.types[link.target], role)
    return {"type": "array", "items": target} if link.many else _nullable(target)


def _sent(fields: Mapping[str, Field[Any]], role: RoleView, required: Iterable[str]) -> JsonSchema:
    properties = {}
    for wire, field in fields.items():
        schema = _value(field, field.type, "Create" if _may_be_sent(field, role) else "")
        if field.nullable and not field.required:
            schema = _nullable(schema)
        if field.default is not None:
            schema = schema | {"default": field.default}
        properties[wire] = schema
    found: JsonSchema = {"type": "object", "properties": properties}
    needed = list(required)
    for wire in needed:
        if properties[wire].get("type") == "array":
            properties[wire]["minItems"] = 1
    return found | {"required": needed} if needed else found


def _may_be_sent(field: Field[Any], role: RoleView) -> bool:
    embedded = role.types.get(field.inner)
    return embedded is not None and bool(embedded.create)


def _value(field: Field[Any], type_: str, suffix: str) -> JsonSchema:
    """Return the schema of a value. suffix: of the component that stands for an embedded type."""
    if type_.startswith("array["):
        return {"type": "array", "items": _value(field, type_[len("array[") : -1], suffix)}
    if type_.startswith("map["):
        return {"type": "object", "additionalProperties": _nullable(_value(field, type_[len("map[") : -1], suffix))}
    if type_.startswith("reference["):
        return {"type": "string", "description": f"the id of a {type_[len('reference[') : -1]}"}
    if type_ not in _KINDS:
        return ref(type_ + suffix)
    return _KINDS[type_] | _rules(field, type_)


def _rules(field: Field[Any], type_: str) -> JsonSchema:
    """Return what is asked of one value, or of one element of a list."""
    if type_ in ("int", "float"):
        limits = {"minimum": field.min, "maximum": field.max}
        return {name: limit for name, limit in limits.items() if limit is not None}
    if type_ not in ("string", "password", "blob", "enum"):
        return {}
    rules = {
        "minLength": field.min_length,
        "maxLength": field.max_length,
        "pattern": _pattern(field),
        "enum": list(field.options) or None,
    }
    return {name: rule for name, rule in rules.items() if rule is not None}


def _pattern(field: Field[Any]) -> str | None:
    """Return the rule about characters as a regular expression; the declared rule is the inside of a class."""
    rules = [f"[{field.valid_chars}]"] if field.valid_chars else []
    rules += [f"[^{field.invalid_chars}]"] if field.invalid_chars else []
    if len(rules) == 2:
        return f"^(?:(?={rules[1]}){rules[0]})*$"
    return f"^{rules[0]}*$" if rules else None


def _nullable(schema: JsonSchema) -> JsonSchema:
    if "$ref" in schema or "oneOf" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "type" not in schema:
        return schema
    nullable = schema | {"type": [schema["type"], "null"]}
    return nullable | {"enum": [*schema["enum"], None]} if "enum" in schema else nullable


def _collection(view: TypeView, role: RoleView) -> JsonSchema:
    nothing = {"type": "object", "additionalProperties": True}
    return {
        "type": "object",
        "required": ["type", "resourceType", "links", "createTypes", "actions", "data", "pagination", "sort"],
        "properties": {
            "type": {"const": "collection"},
            "resourceType": {"const": view.type.type},
            "links": _URLS,
            "createTypes": _URLS,
            "actions": _URLS,
            "data": {"type": "array", "items": answered(view, role)},
            "sortLinks": _URLS,
            "pagination": ref("pagination"),
            "sort": {"type": ["object", "null"]},
            "filters": nothing,
            "createDefaults": nothing,
        },
    }


def answered(view: TypeView, role: RoleView) -> JsonSchema:
    """Return the schema of a resource of a type, which may be of any of its kinds."""
    children = [t.type for t in view.type.children if t.type in role.types and t.stored is view.type.stored]
    kinds = [view.type.answered_as or view.type.type, *children]
    return ref(kinds[0]) if len(kinds) == 1 else {"oneOf": [ref(kind) for kind in kinds]}


def ref(name: str) -> JsonSchema:
    """Return a reference to the schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(schema: JsonSchema) -> dict[str, Any]:
    """Return the content of a body: JSON of a schema."""
    return {"application/json": {"schema": schema}}
