"""Types that are added at run time, each for one account: a kind of a type that there is, with fields of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from trailboss.declare import Behaviour, generic, ref, registry, text
from trailboss.errors import ApiError
from trailboss.resources.entity import Entity

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx

_SIMPLE = "string|int|enum|password|float|date|boolean|json"
_FIELD = re.compile(rf"({_SIMPLE})|(map|array)\[({_SIMPLE.removesuffix('|json')})\]")
"""Types that a field of such a type can have (20-stacks-and-services section 13)."""


class DynamicSchema(Entity):
    """A type of one account: a kind of `parent`, with further fields."""

    type = "dynamicSchema"
    roles = {"superadmin": "crud"}
    served = False
    machine = generic("dynamicschema")

    name = text(create=True, required=True, column=True, valid_chars="a-zA-Z0-9", min_length=1)
    parent = text(create=True, required=True, column=True)
    """The type that it is a kind of."""
    definition = text(create=True, update=True, nullable=False, default='{"resourceFields":{}}', max_length=65535)
    """Its fields, as JSON."""
    service_id = ref("service", create=True, column=True)
    """The service that has brought it, and takes it along."""


def prepare(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Check a new type. Raises ApiError 422 for a name that is taken, a parent without rows, and wrong fields."""
    name = values["name"]
    taken = {type_.lower() for type_ in registry} | {type_.plural.lower() for type_ in registry.values()}
    taken |= {(row.name or "").lower() for row in tx.find(DynamicSchema, account_id=values["account_id"])}
    if name.lower() in taken:
        raise ApiError(422, "NotUnique", f"there is a type {name} already", field="name")
    parent = registry.get(values["parent"])
    if parent is None or not parent.stored or parent.window:
        raise ApiError(422, "InvalidReference", f"{values['parent']!r} is no type that has kinds", field="parent")
    _check(parent.by_wire.keys(), values["definition"])
    return values


def update(tx: Tx, row: DynamicSchema, values: dict[str, Any], caller: Any) -> DynamicSchema:
    """Store changed fields. Raises ApiError 422 for a definition that is wrong."""
    if "definition" in values:
        _check(registry[row.parent].by_wire.keys(), values["definition"])
    return tx.change(row, **values)


def _check(taken: Any, definition: str) -> None:
    """Check the fields of a definition. taken: names that the parent has. Raises ApiError 422."""
    try:
        fields = msgspec.json.decode(definition, type=_Definition).resourceFields
    except msgspec.DecodeError as error:
        raise _wrong(str(error)) from error
    for name, field in fields.items():
        if name in taken:
            raise _wrong(f"the field {name} is the parent's")
        if not _FIELD.fullmatch(field.type):
            raise _wrong(f"the field {name} cannot be of type {field.type!r}")


class _FieldDefinition(msgspec.Struct):
    type: str


class _Definition(msgspec.Struct):
    resourceFields: dict[str, _FieldDefinition] = {}


def _wrong(because: str) -> ApiError:
    return ApiError(422, "InvalidFormat", f"definition: {because}", field="definition")


DynamicSchema.behaviour = Behaviour(prepare=prepare, update=update)
