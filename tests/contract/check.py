"""Compares schema documents with what the v1 API offered, as `v1.json` beside this file says (made by `trim.py`).

What a server has on top is no difference. Knows nothing of our declarations: documents come in, sentences go out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

OFFERED: dict[str, Any] = json.loads(Path(__file__).with_name("v1.json").read_text(encoding="utf-8"))
FLAGS = ("required", "nullable", "unique")
_UNCHECKED_FILTERS = ("agent", "agentRegister")
"""Views of which the description does not say which filters they have."""

Document = Mapping[str, Any]


def types_of(role: str) -> list[str]:
    """Return the types that a role sees."""
    return [name for name, spec in OFFERED.items() if role in spec["methods"]]


def differences(role: str, schemas: Mapping[str, Document]) -> Iterator[str]:
    """Say what of the offer is missing or different in the schema documents (by id) that a role was given."""
    for name in types_of(role):
        if name not in schemas:
            yield f"{name} is missing"
            continue
        yield from (f"{name}: {line}" for line in _type(role, OFFERED[name], schemas[name]))


def _type(role: str, spec: Document, found: Document) -> Iterator[str]:
    yield from _same("pluralName", spec["plural"], found["pluralName"])
    for kind, methods in zip(("collectionMethods", "resourceMethods"), spec["methods"][role], strict=True):
        yield from _same(kind, set(methods), set(found[kind]))
    if role == spec["view"]:
        yield from _within("includeableLinks", map(str.lower, spec["includeableLinks"]), found["includeableLinks"])
    for field, rules in spec["fields"].items():
        if role in rules["roles"]:
            yield from _field(field, rules, rules["roles"][role], found["resourceFields"].get(field))
    wanted = spec["actionsByRole"].get(role, spec["actions"])
    yield from _actions({n: spec["actions"][n] for n in wanted}, found["resourceActions"])
    yield from _actions(spec["collectionActions"], found["collectionActions"])
    for name, modifiers in spec["filters"].items():
        field = spec["fields"].get(name)
        if role not in _UNCHECKED_FILTERS and (field is None or role in field["roles"]):
            has = found["collectionFilters"].get(name, {}).get("modifiers", ())
            yield from _within(f"filter {name}", modifiers, has)


def _field(name: str, rules: Document, letters: str, found: Document | None) -> Iterator[str]:
    if found is None:
        yield f"field {name} is missing"
        return
    wanted = {"create": "c" in letters, "update": "u" in letters, "readOnCreateOnly": "o" in letters}
    wanted |= {flag: rules.get(flag, False) for flag in FLAGS}
    for flag, value in wanted.items():
        yield from _same(f"field {name}.{flag}", value, bool(found.get(flag)))
    for rule, value in rules.items():
        if rule == "options":
            yield from _within(f"field {name}.options", value, found.get("options") or ())
        elif rule not in (*FLAGS, "roles"):
            yield from _same(f"field {name}.{rule}", str(value).lower(), str(found.get(rule)).lower())


def _actions(wanted: Mapping[str, list[str | None]], found: Mapping[str, Document]) -> Iterator[str]:
    for name, (input_, output) in wanted.items():
        if name not in found:
            yield f"action {name} is missing"
            continue
        yield from _same(f"action {name}.input", input_, found[name]["input"])
        yield from _same(f"action {name}.output", output, found[name]["output"])


def _same(what: str, wanted: object, found: object) -> Iterator[str]:
    if wanted != found:
        yield f"{what}: want {wanted}, got {found}"


def _within(what: str, wanted: Any, found: Any) -> Iterator[str]:
    missing = set(wanted) - {str(value).lower() if "Links" in what else value for value in found}
    if missing:
        yield f"{what}: {sorted(missing)} missing"
