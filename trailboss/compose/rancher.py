"""rancher-compose.yml in, what it says of each service and of the catalog entry out.

Both forms are read: services at the top level, or under `services:` with a version. `.catalog` describes the
template and is not interpolated, because the texts of its questions may hold a `$`. Next: `to_resources.py`
joins these entries with the launch configs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trailboss.compose import read
from trailboss.compose.interpolate import interpolate
from trailboss.compose.parse import Node, Scalar, at, fail, is_null, parse_map

FILE = "rancher-compose.yml"
CATALOG_KEYS = ("name", "version", "description", "uuid", "questions")

Reader = Callable[[Node], Any]
Fields = Mapping[str, tuple[str, Reader]]

HEALTH_CHECK: Fields = {
    "port": ("port", read.integer),
    "interval": ("interval", read.integer),
    "response_timeout": ("responseTimeout", read.integer),
    "healthy_threshold": ("healthyThreshold", read.integer),
    "unhealthy_threshold": ("unhealthyThreshold", read.integer),
    "request_line": ("requestLine", read.text),
    "name": ("name", read.text),
}
APP_COOKIE_POLICY: Fields = {
    "cookie": ("cookie", read.text),
    "max_length": ("maxLength", read.integer),
    "prefix": ("prefix", read.boolean),
    "request_learn": ("requestLearn", read.boolean),
    "timeout": ("timeout", read.integer),
    "mode": ("mode", read.text),
}
LB_COOKIE_POLICY: Fields = {
    "cookie": ("cookie", read.text),
    "domain": ("domain", read.text),
    "indirect": ("indirect", read.boolean),
    "nocache": ("nocache", read.boolean),
    "postonly": ("postonly", read.boolean),
    "mode": ("mode", read.text),
}


def fields(node: Node, table: Fields) -> dict[str, Any]:
    """Read a mapping of snake_case keys by its table into wire names."""
    keys = read.mapping(node, table.keys())
    return {table[key][0]: table[key][1](child) for key, child in keys.items()}


LOAD_BALANCER_CONFIG: Fields = {
    "name": ("name", read.text),
    "description": ("description", read.text),
    "app_cookie_stickiness_policy": (
        "appCookieStickinessPolicy",
        lambda node: fields(node, APP_COOKIE_POLICY),
    ),
    "lb_cookie_stickiness_policy": ("lbCookieStickinessPolicy", lambda node: fields(node, LB_COOKIE_POLICY)),
}


def _health_check(node: Node) -> dict[str, Any]:
    found = fields(node, HEALTH_CHECK)
    if not 1 <= found.get("port", 0) <= 65535:
        raise fail(node, "needs the key port, between 1 and 65535")
    return found


def _metadata(node: Node) -> dict[str, Any]:
    return {key: read.plain(child, integers=True) for key, child in read.mapping(node).items()}


def _service_schemas(node: Node) -> dict[str, Any]:
    return {key: read.plain(child) for key, child in read.mapping(node).items()}


def _start_first(node: Node) -> bool:
    keys = read.mapping(node, ("start_first", "batch_size", "interval_millis"))
    return "start_first" in keys and read.boolean(keys["start_first"])


SERVICE_KEYS: dict[str, Reader] = {
    "scale": read.integer,
    "health_check": _health_check,
    "load_balancer_config": lambda node: fields(node, LOAD_BALANCER_CONFIG),
    "default_cert": read.text,
    "certs": read.texts,
    "external_ips": read.texts,
    "hostname": read.text,
    "metadata": _metadata,
    "service_schemas": _service_schemas,
    "upgrade_strategy": _start_first,
    "uuid": read.text,
}
USELESS = {"upgrade_strategy", "uuid"}
"""Read, so that their errors are found, and without effect: upgrades are not served yet."""


@dataclass(frozen=True)
class RancherEntry:
    """What rancher-compose.yml says of one service; values by the key they stand under, already read."""

    nodes: dict[str, Node] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def is_external(self) -> bool:
        return "external_ips" in self.values or "hostname" in self.values


@dataclass(frozen=True)
class RancherFile:
    entries: dict[str, RancherEntry]
    nodes: dict[str, Node]
    catalog: dict[str, Any]


def read_rancher(source: str | None, variables: Mapping[str, str], warn: Callable[[str], None]) -> RancherFile:
    """Read the text; None and an empty text say nothing of any service.

    warn: called with a sentence for what is accepted without effect. Raises ComposeError.
    """
    top = parse_map(source or "", FILE)
    entries = dict(top.entries)
    catalog = entries.pop(".catalog", None)
    if isinstance(entries.get("version"), Scalar):
        del entries["version"]
        services = entries.pop("services", None)
        for key, child in entries.items():
            if not key.startswith("x-"):
                raise fail(child, "is not supported at the top level; put services under `services`")
        entries = dict(read.mapping(services)) if services is not None and not is_null(services) else {}
    found = {}
    for name, node in entries.items():
        found[name] = _entry(interpolate(node, variables, warn), warn)
    return RancherFile(found, entries, _catalog(catalog))


def _entry(node: Node, warn: Callable[[str], None]) -> RancherEntry:
    if is_null(node):
        return RancherEntry()
    keys = read.mapping(node, SERVICE_KEYS.keys())
    for key in sorted(USELESS & keys.keys()):
        warn(f"{at(keys[key])} is ignored")
    if "external_ips" in keys and "hostname" in keys:
        raise fail(keys["hostname"], "an external service has external_ips or hostname, not both")
    return RancherEntry(keys, {key: SERVICE_KEYS[key](child) for key, child in keys.items()})


def read_catalog(source: str | None) -> dict[str, Any]:
    """Return the `.catalog` entry of a rancher-compose text as JSON values; empty if there is none."""
    return _catalog(parse_map(source or "", FILE).entries.get(".catalog"))


def _catalog(node: Node | None) -> dict[str, Any]:
    if node is None or is_null(node):
        return {}
    keys = read.mapping(node, CATALOG_KEYS)
    return {key: read.plain(child) if key == "questions" else read.text(child) for key, child in keys.items()}
