"""Compares schema documents with what the v1 API offered, as `v1.json` beside this file says (made by `trim.py`).

Knows nothing of our declarations: documents come in, sentences go out. `differences` says what is missing or other
than it was, `additions` what a server has on top.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_V1: dict[str, Any] = json.loads(Path(__file__).with_name("v1.json").read_text(encoding="utf-8"))
OFFERED: dict[str, Any] = _V1["types"]
ROLES: list[str] = _V1["roles"]
SEED: list[str] = _V1["seed"]
"""The types that this project was asked for by name."""
FLAGS = ("required", "nullable", "unique")
_UNCHECKED_FILTERS = ("agent", "agentRegister")
"""Views of which the description does not say which filters they have."""

Document = Mapping[str, Any]


def types_of(role: str) -> list[str]:
    """Return the types that a role sees."""
    return [name for name, spec in OFFERED.items() if role in spec["methods"]]


def rights_of(rules: Document, role: str) -> str | None:
    """Return the letters of what a role may do with a field: c(reate), r(ead), u(pdate), o(nly after creation)."""
    for part in rules["may"].split("; "):
        letters, _, roles = part.partition(" ")
        if role in roles.split(","):
            return str(letters)
    return None


def differences(role: str, schemas: Mapping[str, Document]) -> Iterator[str]:
    """Say what of the offer is missing or different in the schema documents (by id) that a role was given."""
    for name in types_of(role):
        if name not in schemas:
            yield f"{name} is missing"
            continue
        yield from (f"{name}: {line}" for line in _type(role, name, OFFERED[name], schemas[name]))


def additions(role: str, schemas: Mapping[str, Document]) -> Iterator[str]:
    """Say what a role was given that was not offered: types, fields as `type.field`, actions as `type.action()`."""
    for name, found in schemas.items():
        if name not in OFFERED or role not in OFFERED[name]["methods"]:
            yield name
            continue
        spec = OFFERED[name]
        offered = {field for field, rules in spec.get("fields", {}).items() if rights_of(rules, role) is not None}
        yield from (f"{name}.{field}" for field in sorted(found["resourceFields"].keys() - offered))
        actions = spec.get("actionsByRole", {}).get(role, spec.get("actions", {}))
        yield from (f"{name}.{action}()" for action in sorted(found["resourceActions"].keys() - set(actions)))


def _type(role: str, name: str, spec: Document, found: Document) -> Iterator[str]:
    yield from _same("pluralName", spec["plural"], found["pluralName"])
    for kind, methods in zip(("collectionMethods", "resourceMethods"), spec["methods"][role], strict=True):
        yield from _same(kind, set(methods), set(found[kind]))
    if role == spec["view"]:
        wanted_links = [name.lower() for name in spec.get("includeableLinks", ())]
        yield from _within("includeableLinks", wanted_links, [name.lower() for name in found["includeableLinks"]])
    for field, rules in spec.get("fields", {}).items():
        if letters := rights_of(rules, role):
            yield from _field(field, rules, letters, found["resourceFields"].get(field))
    actions = spec.get("actions", {})
    wanted = spec.get("actionsByRole", {}).get(role, actions)
    yield from _actions({n: actions[n] for n in wanted}, found["resourceActions"])
    yield from _actions(spec.get("collectionActions", {}), found["collectionActions"])
    for name, modifiers in spec.get("filters", {}).items():
        field = spec.get("fields", {}).get(name)
        if role not in _UNCHECKED_FILTERS and (field is None or rights_of(field, role)):
            has = found["collectionFilters"].get(name, {}).get("modifiers", ())
            yield from _within(f"filter {name}", modifiers.split(), has)


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
        elif rule not in (*FLAGS, "may"):
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
    missing = set(wanted) - set(found)
    if missing:
        yield f"{what}: {sorted(missing)} missing"
