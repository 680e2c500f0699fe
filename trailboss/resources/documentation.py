"""What the API says about itself besides its schemas (`values.py`): documentation, and errors.

What a type and its fields are for is said where they are declared: in the docstring of the class, and in the text below
a field. It is read from there.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from trailboss.declare import Behaviour, Resource, mapping, number, registry, text

if TYPE_CHECKING:
    from trailboss.store.transaction import Read


class TypeDocumentation(Resource):
    """What a type is for. Its id is the type's name."""

    type = "typeDocumentation"
    plain_id = True

    description = text(create=True, update=True, nullable=False)
    id = text(nullable=False)
    resource_fields = mapping("fieldDocumentation", nullable=False)


class FieldDocumentation(Resource):
    """What a field is for."""

    type = "fieldDocumentation"
    plain_id = True
    listable = False

    description = text(create=True, update=True, nullable=False)


class Error(Resource):
    """Why a request was refused."""

    type = "error"
    roles = {"agent": "r", "agentRegister": "r"}
    listable = False

    code = text(nullable=False)
    """For programs: stays the same."""
    detail = text(nullable=False)
    message = text(nullable=False)
    """For people: what was wrong, and what to do."""
    status = number(nullable=False)
    """HTTP status of the answer."""


@cache
def documentation_of(name: str) -> TypeDocumentation:
    """Return the documentation of the type of this name: its own, and that of its fields that have one."""
    type_ = registry[name]
    texts: dict[str, str] = {}
    for cls in reversed(type_.__mro__):
        if issubclass(cls, Resource) and cls is not Resource:
            texts |= _texts_below_fields(cls)
    fields = {f.wire: {"description": texts[n]} for n, f in type_.fields.items() if n in texts and f.read != ()}
    description = " ".join((type_.__doc__ or "").split())
    return TypeDocumentation({"id": type_.type, "description": description, "resource_fields": fields})


def _texts_below_fields(cls: type[Resource]) -> dict[str, str]:
    """Return the text that follows each assignment in the body of a class, by the name that is assigned."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, below in zip(tree.body, tree.body[1:], strict=False):
        target = statement.target if isinstance(statement, ast.AnnAssign) else None
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]  # type: ignore[assignment]
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(target, ast.Name) and is_text:
            found[target.id] = " ".join(str(below.value.value).split())  # type: ignore[attr-defined]
    return found


def listed(read: Read, caller: Any, query: Mapping[str, str]) -> list[TypeDocumentation]:
    """Return the documentation of every type."""
    return [documentation_of(name) for name in registry]


def found(read: Read, caller: Any, raw: str) -> TypeDocumentation | None:
    """Return the documentation of the type of this name, in any case; None if there is none."""
    named = next((name for name in registry if name.lower() == raw.lower()), None)
    return documentation_of(named) if named is not None else None


TypeDocumentation.behaviour = Behaviour(listed=listed, found=found)
