"""Makes `v1.json` beside this file from the full description of the v1 API: `python tests/contract/trim.py FULL.json`.

Kept are the types that this version serves, and of each what `check.py` compares. The full description says what the
original platform offered; it is no part of the project, and nothing here is derived from our declarations.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SERVED = (
    "account", "activeSetting", "addOutputsInput", "addRemoveServiceLinkInput", "agent", "apiKey", "composeConfig",
    "composeConfigInput", "container", "containerExec", "containerLogs", "credential", "dockerBuild", "environment",
    "host", "hostAccess", "image", "inServiceUpgradeStrategy", "instance", "instanceHealthCheck", "instanceStop",
    "launchConfig", "logConfig", "port", "project", "projectMember", "register", "registrationToken", "restartPolicy",
    "schema", "secondaryLaunchConfig", "service", "serviceConsumeMap", "serviceExposeMap", "serviceLink",
    "serviceUpgrade", "setLabelsInput", "setProjectMembersInput", "setServiceLinksInput", "setting", "subscribe",
    "toServiceUpgradeStrategy",
)  # fmt: skip
RULES = (
    "type", "required", "nullable", "unique", "default", "options", "minLength", "maxLength", "min", "max",
    "validChars", "invalidChars",
)  # fmt: skip


def trimmed(full: dict[str, Any]) -> dict[str, Any]:
    """Return the part that is kept: for each type its plural, methods per role, fields, actions, filters."""
    return {name: _type(full["types"][name]) for name in SERVED}


def _type(spec: dict[str, Any]) -> dict[str, Any]:
    methods = {
        role: [spec.get("methodsByRole", {}).get(role, spec)[kind] for kind in ("collectionMethods", "resourceMethods")]
        for role in spec["roles"]
    }
    actions = {
        where: {n: [a.get("input"), a.get("output")] for n, a in spec[where].items()}
        for where in ("resourceActions", "collectionActions")
    }
    return {
        "plural": spec["plural"],
        "view": spec["view"],
        "methods": methods,
        "fields": {name: _field(field) for name, field in spec["fields"].items()},
        "actions": actions["resourceActions"],
        "collectionActions": actions["collectionActions"],
        "actionsByRole": spec["actionsByRole"],
        "validIn": {n: a["validIn"] for n, a in spec["resourceActions"].items() if a.get("validIn")},
        "filters": spec["filters"],
        "includeableLinks": spec["includeableLinks"],
    }


def _field(field: dict[str, Any]) -> dict[str, Any]:
    rules = {rule: field[rule] for rule in RULES if field.get(rule) not in (None, False)}
    if "default" in field:
        rules["default"] = field["default"]
    return rules | {"roles": field["roles"]}


if __name__ == "__main__":
    kept = trimmed(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    compact = {name: json.dumps(spec, separators=(",", ":"), sort_keys=True) for name, spec in kept.items()}
    lines = ",\n".join(f'"{name}":{text}' for name, text in compact.items())
    Path(__file__).with_name("v1.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
