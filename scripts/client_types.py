"""Print `trailboss/client/types.py`, a class for every type of the API, from the declarations: `just client` writes it.

Of a type it has what the administrator sees: who sees less finds None. Fields keep their Python names; relations are
fields too, which are there when they were asked for by `include`. A kind of a type is a class below the type's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from trailboss.api.schemas import TypeView, role_view
from trailboss.declare import Link, Resource

HEAD = '''\
"""Every type of the API as a class. Written by `just client` from the declarations: change those instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from trailboss.client.resource import Resource

if TYPE_CHECKING:
    from trailboss.client.collection import Collection

'''
ROLE = role_view("superadmin")
SCALARS = {
    "string": "str", "password": "str", "blob": "str", "enum": "str", "int": "int", "float": "float",
    "boolean": "bool", "date": "datetime", "json": "Any",
}  # fmt: skip
OWN = ("id", "type", "links", "actions")


def main() -> None:
    """Print the module."""
    views = [ROLE.types[name] for name in sorted(ROLE.types)]
    classes = [view for view in views if view.type.type not in ("schema", "error")]
    print(HEAD)
    for view in in_order(classes):
        print("\n".join(class_of(view)), end="\n\n\n")
    print("TYPES: dict[str, type[Resource]] = {")
    for view in classes:
        print(f'    "{view.type.type}": {class_name(view.type.type)},')
    print('}\n"""The class of each type."""\n\n\nclass Collections:')
    print('    """The collections of the API, each by the plural of its type."""\n')
    listed = [view for view in classes if view.is_listable and has_rows(view)]
    for view in listed:
        held = class_name(view.type.answered_as or view.type.type)
        print(f"    {snake(view.type.plural)}: Collection[{held}]")
    print("\n\nCOLLECTIONS = {")
    for view in listed:
        print(f'    "{snake(view.type.plural)}": "{view.type.plural}",')
    print('}\n"""Plural in the API of each attribute of `Collections`."""')


def has_rows(view: TypeView) -> bool:
    return view.type.stored or (view.type.served and view.type.behaviour.listed is not None)


def in_order(views: list[TypeView]) -> Iterator[TypeView]:
    """Give views so that each comes after the one whose kind it is."""
    done: set[str] = set()
    left = list(views)
    while left:
        for view in [v for v in left if (above := parent_of(v)) is None or above.type.type in done]:
            yield view
            done.add(view.type.type)
            left.remove(view)


def parent_of(view: TypeView) -> TypeView | None:
    above = (c for c in view.type.__mro__[1:] if issubclass(c, Resource) and c.type in ROLE.types)
    parent = next(above, None)
    return ROLE.types[parent.type] if parent is not None else None


def class_of(view: TypeView) -> Iterator[str]:
    """Give the lines of a class."""
    above = parent_of(view)
    inherited = dict(attributes(above)) if above is not None else {}
    yield f"class {class_name(view.type.type)}({class_name(above.type.type) if above is not None else 'Resource'}):"
    documented = (view.type.__doc__ or "").strip().partition("\n\n")[0]
    yield f'    """{" ".join(documented.split())}"""' if documented else f'    """{view.type.type}"""'
    yield ""
    yield f'    type: str = "{view.type.type}"'
    for name, annotation in attributes(view):
        if name not in inherited:
            yield f"    {name}: {annotation}"
        elif inherited[name] != annotation:
            is_any = "Any" in (inherited[name].split()[0], annotation.split()[0])
            yield f"    {name}: {annotation}" + ("" if is_any else "  # type: ignore[assignment]")


def attributes(view: TypeView) -> Iterator[tuple[str, str]]:
    """Give name and annotation with default of each field, then of each relation."""
    related = {link.name: link for link in view.relations.values()}
    for wire, field in view.fields.items():
        if wire not in OWN:
            kind = with_resources(annotation_of(field.type), related.pop(wire, None))
            yield field.name, default(kind, field.name, wire)
    for wire, link in related.items():
        target = class_name(ROLE.types[link.target].type.answered_as or link.target)
        yield snake(wire), default(f"list[{target}]" if link.many else target, snake(wire), wire)


def with_resources(kind: str, link: Link | None) -> str:
    """Return the annotation of a field in whose place a link's resources are put when they are included."""
    if link is None:
        return kind
    return f"list[str | {class_name(link.target)}]" if kind == "list[str]" and link.many else "Any"


def default(kind: str, name: str, wire: str) -> str:
    optional = kind if kind == "Any" else f"{kind} | None"
    if msgspec.defstruct("Named", [name], rename="camel").__struct_encode_fields__ == (wire,):
        return f"{optional} = None"
    return f'{optional} = msgspec.field(default=None, name="{wire}")'


def annotation_of(type_: str) -> str:
    """Return the Python type of a schema type."""
    if type_.startswith("array["):
        return f"list[{annotation_of(type_[len('array[') : -1])}]"
    if type_.startswith("map["):
        inner = annotation_of(type_[len("map[") : -1])
        return f"Mapping[str, {inner if inner == 'Any' else inner + ' | None'}]"
    if type_.startswith("reference["):
        return "str"
    if type_ in SCALARS:
        return SCALARS[type_]
    return class_name(type_) if type_ in ROLE.types and type_ != "schema" else "Any"


def class_name(type_: str) -> str:
    return type_[:1].upper() + type_[1:]


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


if __name__ == "__main__":
    main()
