"""Bodies of requests, made from the rules of the v1 API alone: every field that a role may send, each in two variants.

`body` gives all fields of a type that a role may create or update. What only one type asks for, beyond the rules that
`v1.json` knows, is in `PARTICULAR`. References lead to what a test has prepared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.certificates import a_key, issue
from tests.contract.check import OFFERED, rights_of

Prepared = Mapping[str, str]
"""Type -> id of a resource that can be referred to."""

IMAGE = "docker:busybox:latest"
_CONTAINER: dict[str, tuple[Any, Any]] = {
    "imageUuid": (IMAGE, "docker:busybox:1"),
    "ports": (["8080:80/tcp", "53/udp"], ["8081:80"]),
    "expose": (["81", "82/udp"], ["83"]),
    "networkMode": ("managed", "bridge"),
    "dataVolumes": (["/data", "logs:/logs:ro"], ["/data"]),
    "dataVolumeMounts": ({}, {}),
    "dns": (["192.0.2.1"], ["192.0.2.2"]),
    "extraHosts": (["db:192.0.2.3"], ["db:192.0.2.4"]),
    "hostname": ("web-1", "web-2"),
    "domainName": ("one.example", "two.example"),
    "workingDir": ("/one ä", "/two"),
    "cpuSet": ("0", "0-1"),
    "volumeDriver": ("local", "other"),
    "devices": (["/dev/null:/dev/null:rwm"], ["/dev/zero"]),
    "networkLaunchConfig": ("side", "side"),
    "dataVolumesFromLaunchConfigs": (["side"], ["side"]),
}
_AUTHORITY = issue("authority", private=a_key("ec"))
PARTICULAR: dict[str, dict[str, tuple[Any, Any]]] = {
    "container": _CONTAINER | {"startOnCreate": (False, False)},
    "launchConfig": _CONTAINER,
    "secondaryLaunchConfig": _CONTAINER
    | {"name": ("side", "side"), "networkLaunchConfig": (None, None), "dataVolumesFromLaunchConfigs": ([], [])},
    "account": {"kind": ("user", "admin")},
    "agent": {"uri": ("event://one", "event://two")},
    "password": {"secretValue": ("the same", "the same")},
    "changeSecretInput": {"oldSecret": ("the same", "the same"), "newSecret": ("the same", "the same")},
    "environment": {
        "dockerCompose": (f"web:\n  image: {IMAGE.removeprefix('docker:')}\n", ""),
        "rancherCompose": ("web:\n  scale: 2\n", ""),
        "startOnCreate": (False, False),
    },
    "certificate": {
        "cert": (issue("one", _AUTHORITY).cert, issue("two", _AUTHORITY).cert),
        "certChain": (_AUTHORITY.cert, _AUTHORITY.cert),
        "key": (issue().key, issue().key),
    },
    "register": {"key": ("a key that nobody can guess", "another key that nobody can guess")},
    "projectMember": {
        "externalId": ("1a1", "1a1"),
        "externalIdType": ("rancher_id", "rancher_id"),
        "role": ("owner", "owner"),
    },
    "restartPolicy": {"name": ("always", "on-failure")},
    "logConfig": {"driver": ("json-file", "syslog")},
    "service": {"selectorContainer": ("tier=web", "tier=db"), "selectorLink": ("tier=db", "tier=web")},
}
LEFT_OUT = {
    "account": {"externalId", "externalIdType"},
    "machine": {
        name for name in OFFERED["machine"]["fields"] if name.endswith("Config") and name != "virtualboxConfig"
    },
    "project": {"members"},
}
"""What cannot be sent along with the rest: a machine has one driver, nobody serves identities of other providers yet,
and who makes a project with members it is none of does not see it."""


def body(type_: str, role: str, prepared: Prepared, variant: int = 0, right: str = "c") -> dict[str, Any]:
    """Return a body with every field that a role may create ("c") or update ("u")."""
    found = {}
    for name, rules in OFFERED[type_].get("fields", {}).items():
        if right in (rights_of(rules, role) or "") and name not in LEFT_OUT.get(type_, ()):
            found[name] = value(type_, name, rules, role, prepared, variant)
    return found


def value(type_: str, name: str, rules: Mapping[str, Any], role: str, prepared: Prepared, variant: int = 0) -> Any:
    """Return a value that a field may have."""
    if name in PARTICULAR.get(type_, {}):
        return PARTICULAR[type_][name][variant]
    return _of_type(rules["type"], name, rules, role, prepared, variant)


def _of_type(kind: str, name: str, rules: Mapping[str, Any], role: str, prepared: Prepared, variant: int) -> Any:
    outer, _, rest = kind.partition("[")
    inner = rest[:-1]
    match outer:
        case "array":
            return [_of_type(inner, name, rules, role, prepared, variant)]
        case "map":
            return {f"key{variant}": _of_type(inner, name, rules, role, prepared, variant)}
        case "reference":
            return prepared[inner]
        case "enum" | "string" | "password" | "blob":
            return _text(name, rules, variant)
        case "int":
            return max(rules.get("min", 1), 1) + variant
        case "boolean":
            return variant == 0
        case "date":
            return f"2015-11-2{4 + variant}T09:00:00Z"
        case "json":
            return {"deep": [variant, {"text": "ä"}]}
        case embedded:
            return body(embedded, role, prepared, variant)


def _text(name: str, rules: Mapping[str, Any], variant: int) -> str:
    options = rules.get("options")
    if options:
        return str(options[variant % len(options)])
    text = f"{name}{variant}" if "validChars" in rules else f"{name} ä {variant}"
    return text[: rules.get("maxLength", 255)]
