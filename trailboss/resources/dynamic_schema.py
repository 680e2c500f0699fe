"""Types that are added at run time, each for one account: a kind of a type that there is, with fields of its own.

In: rows of `dynamicSchema`. Out: `types_of`, the types that a request of the account knows besides the declared ones.
Rows of such a kind are rows of the parent, whose behaviour they have; only the views of the account show them as what
they are (`api/schemas.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from trailboss.declare import Behaviour, ResourceType, generic, kind_of, ref, registry, text
from trailboss.errors import ApiError
from trailboss.resources.entity import Entity

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

_SIMPLE = "string|int|enum|float|date|boolean"
_FIELD = re.compile(rf"({_SIMPLE}|json)|(map|array)\[({_SIMPLE})\]")
"""Types that a field of such a type can have (20-stacks-and-services section 13). No passwords: only what is declared
as a secret is kept as one."""
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,99}")


class DynamicSchema(Entity):
    """A type of one account: a kind of `parent`, with further fields."""

    type = "dynamicSchema"
    roles = {"superadmin": "crud"}
    machine = generic("dynamicschema")

    name = text(create=True, required=True, column=True, valid_chars="a-zA-Z0-9", min_length=1)
    parent = text(create=True, required=True, column=True)
    """The type that it is a kind of."""
    definition = text(create=True, update=True, nullable=False, default='{"resourceFields":{}}', max_length=65535)
    """Its fields, as JSON."""
    service_id = ref("service", create=True, column=True)
    """The service that has brought it."""


def prepare(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Check a new type. Raises ApiError 422 for a name that is taken, a parent without rows, and wrong fields."""
    name = values["name"]
    taken = {type_.lower() for type_ in registry} | {type_.plural.lower() for type_ in registry.values()}
    taken |= {(row.name or "").lower() for row in tx.find(DynamicSchema, account_id=values["account_id"])}
    if name.lower() in taken:
        raise ApiError(422, "NotUnique", f"there is a type {name} already", field="name")
    parent = registry.get(values["parent"])
    if parent is None or not _may_have_kinds(parent):
        raise ApiError(422, "InvalidReference", f"{values['parent']!r} is no type that can have kinds", field="parent")
    _check(parent.by_wire.keys(), values["definition"])
    return values


def _may_have_kinds(parent: ResourceType) -> bool:
    """Say whether kinds of a type can be added: it has rows with a life of their own that belong to accounts, is no
    kind itself, and shows no secrets, which are known by the declared type."""
    shows_secrets = any(f.has_secrets or f.read_on_create_only for f in parent.fields.values())
    has_rows = parent.stored and parent.machine is not None and "account_id" in parent.fields
    return has_rows and parent.base is parent and not parent.window and not shows_secrets


def types_of(read: Read, account_id: int) -> tuple[ResourceType, ...]:
    """Return the types that were added for an account and are in force."""
    rows = read.find(DynamicSchema, account_id=account_id, state="active")
    return tuple(kind_of(row.parent, row.name, _fields_of(row.definition)) for row in rows)


def settled(tx: Tx, row: DynamicSchema) -> None:
    """Note how many types an account has, so that requests need not look for those that there are not."""
    account = tx.get(registry["account"], row.account_id)
    if account is not None:
        count = len(tx.find(DynamicSchema, account_id=row.account_id, state="active"))
        tx.change(account, added_types=count or None)


def update(tx: Tx, row: DynamicSchema, values: dict[str, Any], caller: Any) -> DynamicSchema:
    """Store changed fields. Raises ApiError 422 for a definition that is wrong."""
    if "definition" in values:
        _check(registry[row.parent].by_wire.keys(), values["definition"])
    return tx.change(row, **values)


def _check(taken: Any, definition: str) -> None:
    """Check the fields of a definition. taken: names that the parent has. Raises ApiError 422."""
    try:
        fields = _fields_of(definition)
    except msgspec.DecodeError as error:
        raise _wrong(str(error)) from error
    for name, type_ in fields:
        if name in taken:
            raise _wrong(f"the field {name} is the parent's")
        if not _NAME.fullmatch(name):
            raise _wrong(f"{name!r} cannot be the name of a field")
        if not _FIELD.fullmatch(type_):
            raise _wrong(f"the field {name} cannot be of type {type_!r}")


def _fields_of(definition: str) -> tuple[tuple[str, str], ...]:
    """Return names and types of the fields of a definition. Raises DecodeError."""
    fields = _read(definition).resourceFields
    return tuple((name, field.type) for name, field in fields.items())


class _FieldDefinition(msgspec.Struct):
    type: str


class _Definition(msgspec.Struct):
    resourceFields: dict[str, _FieldDefinition] = {}


_read = msgspec.json.Decoder(_Definition).decode


def _wrong(because: str) -> ApiError:
    return ApiError(422, "InvalidFormat", f"definition: {because}", field="definition")


DynamicSchema.behaviour = Behaviour(prepare=prepare, update=update, settled=settled)
