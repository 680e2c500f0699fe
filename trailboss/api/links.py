"""The relations between declared types: from names in declarations to what can be followed.

A name is a reference that is a column, without its `Id` (one row), or the plural of a type: of one that refers to us
(its rows), else of one that we refer to (a list of that row), else of one that is related by rows that this version
does not keep yet (an empty list).
Reading along a relation is in `read.py`.
"""

from __future__ import annotations

from trailboss.declare import OPERATOR, Field, Link, ResourceType, registry


def relations(type_: ResourceType, readable: dict[str, Field[object]]) -> dict[str, Link]:
    """Return the relations of a type that can be followed, by their names in lower case.

    readable: the fields of the type that the role sees, by wire name; other references are no links.
    """
    found: dict[str, Link] = {}
    for field in readable.values():
        if link := _reference(field):
            found[link.name.lower()] = link
    for declared in type_.links:
        link = declared if isinstance(declared, Link) else _by_plural(type_, declared)
        if link is not None:
            found.setdefault(link.name.lower(), link)
    return found


def includeable(type_: ResourceType, readable: dict[str, Field[object]], visible: set[str]) -> list[str]:
    """Return every name that the schema lists for `include`; visible: types that the role sees."""
    names = [f.wire[:-2] for f in readable.values() if f.column and f.target and f.wire.endswith("Id")]
    declared = [link if isinstance(link, str) else link.name for link in type_.links]
    hidden = {t.plural for t in registry.values() if t.roles.keys() == {*OPERATOR} and t.type not in visible}
    names += [name for name in declared if name not in hidden]
    return sorted(dict.fromkeys(names))


def _reference(field: Field[object]) -> Link | None:
    target = field.target
    if not field.column or target is None or target not in registry or not field.wire.endswith("Id"):
        return None
    return Link(field.wire[:-2], target, own=field.name, many=False)


def _by_plural(type_: ResourceType, name: str) -> Link | None:
    target = next((t for t in registry.values() if t.plural == name), None)
    if target is None:
        return None
    if not target.stored:
        return Link(name, target.type)
    if foreign := _field_to(target, type_):
        return Link(name, target.type, foreign=foreign)
    if own := _field_to(type_, target):
        return Link(name, target.type, own=own)
    return Link(name, target.type)


def _field_to(holder: ResourceType, target: ResourceType) -> str | None:
    """Return the field by which rows of one type refer to those of another; it must be a column."""
    related = {t.type for t in (target, target.base, *target.base.children)}
    for member in (holder, *holder.children):
        for name, field in member.fields.items():
            if field.column and field.target in related:
                return name
    return None
