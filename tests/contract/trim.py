"""Makes `v1.json` beside this file from the full description of the v1 API: `python -m tests.contract.trim FULL.json`.

Kept is, of every type, what `check.py` compares; what says where a fact was found is left out. The full description
says what the original platform offered; it is no part of the project, and nothing here is derived from our
declarations.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

RULES = (
    "type", "required", "nullable", "unique", "default", "options", "minLength", "maxLength", "min", "max",
    "validChars", "invalidChars",
)  # fmt: skip
METHODS = ("collectionMethods", "resourceMethods")


def trimmed(full: dict[str, Any]) -> dict[str, Any]:
    """Return the part that is kept: the roles, and each type with its methods, fields, actions, links, filters."""
    types = {name: _type(spec, spec["parent"] in full["types"]) for name, spec in full["types"].items()}
    return {"roles": full["rolesOrder"], "seed": full["seedTypes"], "types": types}


def _type(spec: dict[str, Any], has_base: bool) -> dict[str, Any]:
    methods = {role: [spec["methodsByRole"].get(role, spec)[kind] for kind in METHODS] for role in spec["roles"]}
    actions = {
        where: {n: [a.get("input"), a.get("output")] for n, a in spec[where].items()}
        for where in ("resourceActions", "collectionActions")
    }
    found = {
        "plural": spec["plural"],
        "idPrefix": spec["idPrefix"],
        "parent": spec["parent"],
        "view": spec["view"],
        "methods": methods,
        "fields": {name: _field(field) for name, field in spec["fields"].items()},
        "actions": actions["resourceActions"],
        "collectionActions": actions["collectionActions"],
        "actionsByRole": spec["actionsByRole"],
        "validIn": {n: a["validIn"] for n, a in spec["resourceActions"].items() if a.get("validIn")},
        "filters": {name: " ".join(modifiers) for name, modifiers in spec["filters"].items()},
        "includeableLinks": spec["includeableLinks"],
        "links": spec["links"],
        "steps": {} if has_base else _steps(spec["transitions"]),
    }
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def _field(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field's rules, and as `may` what each role may do with it: `cr project,service; r user`."""
    rules = {rule: field[rule] for rule in RULES if field.get(rule) not in (None, False)}
    if "default" in field:
        rules["default"] = field["default"]
    roles_of: dict[str, list[str]] = {}
    for role, letters in field["roles"].items():
        roles_of.setdefault(letters, []).append(role)
    return rules | {"may": "; ".join(f"{letters} {','.join(roles)}" for letters, roles in roles_of.items())}


def _steps(transitions: dict[str, Any]) -> dict[str, list[str]]:
    """Return the processes that move `state`, each as lines `from via to`; subtypes have those of their base type."""
    found = {}
    for process, way in transitions.items():
        if way["field"] != "state":
            continue
        lines = []
        for start in way["from"]:
            via = way["via"][start] if isinstance(way["via"], dict) else way["via"]
            to = way["to"][via] if isinstance(way["to"], dict) else way["to"]
            lines.append(f"{start} {via} {to}")
        found[process.partition(".")[2]] = lines
    return found


def written(kept: dict[str, Any]) -> str:
    """Return the text of the file: one line per type, so that a difference can be read."""
    lines = [f'"{name}":{_compact(spec)}' for name, spec in kept["types"].items()]
    head = f'"roles":{_compact(kept["roles"])},\n"seed":{_compact(kept["seed"])},\n"types":{{\n'
    return "{\n" + head + ",\n".join(lines) + "\n}\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


if __name__ == "__main__":
    text = written(trimmed(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    Path(__file__).with_name("v1.json").write_text(text, encoding="utf-8")
