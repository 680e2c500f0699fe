"""From declarations to what a role sees of them: schema documents, fields, rights, actions, relations.

`role_view(role)` is computed once per role. `access.py` says which role a caller has; `render.py`, `read.py`,
`validate.py` and `write.py` go by the `TypeView`s found here and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from trailboss import resources
from trailboss.api import links
from trailboss.declare import ROLES, Action, Field, Link, Resource, ResourceType, registry

assert resources  # the declarations register themselves when they are imported

_LIKE = {"owner": "project", "member": "project", "restricted": "project", "readAdmin": "admin"}
_RESTRICTED = {
    "cluster": "r", "host": "r", "machine": "r", "physicalHost": "r", "register": "r", "registrationToken": "",
}  # fmt: skip
"""What a restricted member may do with these types; with others, the same as a member."""
_READERS = ("readonly", "readAdmin")
_OPEN_DOORS = ("registrationToken",)
"""What nobody sees who may change nothing: with it, hosts join."""
_WITHOUT_ACTIONS = ("readonly", "readAdmin", "agent", "agentRegister", "register", "token")
_COLLECTION = {"r": "GET", "c": "POST"}
_RESOURCE = {"r": "GET", "u": "PUT", "d": "DELETE"}
_PRIMITIVE = {"string", "password", "float", "int", "date", "blob", "boolean", "enum", "json"}


@dataclass(frozen=True, eq=False)
class TypeView:
    """What one role sees of one type.

    fields: readable ones by wire name; create, update: those it may send. actions, filters, relations (by name in
    lower case): those it may use. document: the schema without its links.
    """

    type: ResourceType
    role: str
    fields: Mapping[str, Field[Any]]
    create: Mapping[str, Field[Any]]
    update: Mapping[str, Field[Any]]
    collection_methods: tuple[str, ...]
    resource_methods: tuple[str, ...]
    actions: Mapping[str, Action]
    filters: Mapping[str, Field[Any]]
    relations: Mapping[str, Link]
    document: Mapping[str, Any]

    @property
    def is_listable(self) -> bool:
        """Whether its collection can be read."""
        return "GET" in self.collection_methods


@dataclass(frozen=True, eq=False)
class RoleView:
    """All that a role sees. types: by API name. names: the same by singular and plural in lower case. added: those of
    the types that were added for the account in effect."""

    role: str
    types: Mapping[str, TypeView]
    names: Mapping[str, TypeView]
    added: Mapping[str, TypeView] = field(default_factory=dict)

    def shown_as(self, type_: ResourceType) -> TypeView | None:
        """Return the view under which a row of a type is shown: its own, else its base type's; None: not at all."""
        return self.types.get(type_.type) or self.types.get(type_.base.type)

    def of_row(self, row: Resource) -> TypeView | None:
        """Return the view under which a row is shown: that of its kind, if this was added, else that of its type."""
        added = self.added.get(row.values.get("kind") or "") if self.added else None
        return added if added is not None and issubclass(added.type, type(row)) else self.shown_as(type(row))


@cache
def role_view(role: str) -> RoleView:
    """Return what a role sees; nothing for a role that there is not."""
    known = role in ROLES or role in _LIKE
    visible = [t for t in registry.values() if known and "r" in _letters(t, role)]
    names = {t.type for t in visible}
    types = {t.type: _type_view(t, role, names) for t in visible}
    by_name = {v.type.type.lower(): v for v in types.values()} | {v.type.plural.lower(): v for v in types.values()}
    return RoleView(role, types, by_name)


@lru_cache(maxsize=64)
def with_added(view: RoleView, types: tuple[ResourceType, ...]) -> RoleView:
    """Return a view with the types that were added for the account in effect, as far as the role sees their parents."""
    visible = {*view.types, *(t.type for t in types)}
    added = {t.type: _type_view(t, view.role, visible) for t in types if "r" in _letters(t, view.role)}
    names = {v.type.type.lower(): v for v in added.values()} | {v.type.plural.lower(): v for v in added.values()}
    return RoleView(view.role, {**view.types, **added}, {**view.names, **names}, added)


def _letters(type_: ResourceType, role: str) -> str:
    """Return which of c(reate), r(ead), u(pdate), d(elete) a role may do with a type."""
    if role == "superadmin" and not type_.appended and role not in type_.roles:
        return "crud" if type_.stored else "".join(sorted(set("".join(type_.roles.values()))))
    if role == "restricted" and type_.type in _RESTRICTED:
        return _RESTRICTED[type_.type]
    known_as = "admin" if role not in type_.roles and role == "superadmin" else _LIKE.get(role, role)
    letters = type_.roles.get(known_as, "")
    if role not in _READERS:
        return letters
    return "r" if "r" in letters and type_.type not in _OPEN_DOORS else ""


def _may(rule: bool | tuple[str, ...], role: str) -> bool:
    if role in _READERS:
        return False
    return rule if isinstance(rule, bool) else role == "superadmin" or _LIKE.get(role, role) in rule


def _is_readable(type_: ResourceType, field: Field[Any], role: str, visible: set[str]) -> bool:
    role = _LIKE.get(role, role)
    if role in type_.narrow and field.name not in type_.narrow[role]:
        return False
    if role == "superadmin":
        return field.read != () or not field.secret
    if field.read is not None:
        return role in field.read
    return "reference[" in field.type or field.inner in _PRIMITIVE or field.inner in visible


def _type_view(type_: ResourceType, role: str, visible: set[str]) -> TypeView:
    letters = _letters(type_, role)
    fields = {f.wire: f for f in type_.fields.values() if _is_readable(type_, f, role, visible)}
    create = {w: f for w, f in fields.items() if _may(f.create, role)}
    if role == "superadmin" and "accountId" in fields:
        create["accountId"] = fields["accountId"]
    update = {w: f for w, f in fields.items() if _may(f.update, role)}
    filters = {w: f for w, f in fields.items() if f.column or f.filter_as}
    collection = tuple(m for x, m in _COLLECTION.items() if x in letters and (x != "r" or type_.listable))
    resource = tuple(m for x, m in _RESOURCE.items() if x in letters)
    actions = _actions(type_, role)
    document = {
        "pluralName": type_.plural,
        "resourceFields": {w: _field_document(type_, f, w in create, w in update) for w, f in fields.items()},
        "collectionFilters": {w: {"modifiers": f.modifiers} for w, f in filters.items()},
        "includeableLinks": links.includeable(type_, fields, visible),
        "resourceActions": {n: {"input": a.input, "output": a.output} for n, a in actions.items()},
        "collectionActions": {},
        "collectionFields": {},
        "resourceMethods": tuple(m for x, m in _RESOURCE.items() if m in resource and x not in type_.unlisted),
        "collectionMethods": collection,
    }
    related = links.relations(type_, fields) if type_.stored else {}
    shown = {n: link for n, link in related.items() if link.target in visible}
    return TypeView(type_, role, fields, create, update, collection, resource, actions, filters, shown, document)


def _actions(type_: ResourceType, role: str) -> dict[str, Action]:
    """Return the actions of a type for a role: its processes and those declared, with what they take and give."""
    declared = {action.name: action for action in type_.actions}
    base = type_.base.type
    found: dict[str, Action] = {}
    for name in sorted({*(type_.machine.processes if type_.machine else ()), *declared}):
        action = declared.get(name, Action(name))
        is_process = type_.machine is not None and name in type_.machine.processes
        if is_process:
            capability = action.capability or type_.capability
            action = Action(name, action.input, action.output or base, action.states, capability)
        found[name] = action
    if role in _WITHOUT_ACTIONS or (role == "restricted" and type_.type in _RESTRICTED):
        return {n: a for n, a in found.items() if a.for_readers and role in _READERS and type_.stored}
    return found


def _field_document(type_: ResourceType, field: Field[Any], create: bool, update: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": field.type,
        "create": create,
        "update": update,
        "readOnCreateOnly": field.read_on_create_only,
    }
    options = field.options
    if field.name == "state" and field.type == "enum" and type_.machine is not None:
        options = type_.machine.states
    optional = {
        "nullable": field.nullable or None,
        "required": field.required or None,
        "unique": field.unique or None,
        "default": field.default,
        "options": options or None,
        "min": field.min,
        "max": field.max,
        "minLength": field.min_length,
        "maxLength": field.max_length,
        "validChars": field.valid_chars,
        "invalidChars": field.invalid_chars,
    }
    return found | {name: value for name, value in optional.items() if value is not None}
