"""`ports`, `volumes` and `devices` of a service: short and long forms in, the texts of the v1 API out.

Ports become `public:private/protocol` (file order is kept, ranges are expanded), or stay as written for a
load balancer, where the same texts mean listeners. Volumes become `/path` or `source:/path[:mode]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trailboss.compose.parse import Items, Map, Node, Scalar, at, fail
from trailboss.compose.read import boolean, mapping, nodes, text

RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
PORT = re.compile(
    r"(?:(?P<ip>\[[^\]]*\]|[^:\[\]]*):(?=[^:]*:))?(?:(?P<public>[\d-]*):)?(?P<private>[\d-]+)(?:/(?P<protocol>[a-z]+))?"
)
LONG_PORT = ("target", "published", "protocol")
LONG_VOLUME = ("type", "source", "target", "read_only")


@dataclass(frozen=True)
class NamedVolume:
    """A volume declared at the top level. name: as Docker knows it. driver: "" is the host's own storage."""

    name: str
    driver: str = ""


def service_ports(node: Node, warn: Callable[[str], None]) -> list[str]:
    """Read the ports of a service; an address in front is dropped with a warning (v1 knows none)."""
    found: list[str] = []
    for child in nodes(node):
        ports = _long_port(child) if isinstance(child, Map) else _short_ports(child, warn)
        found.extend(port for port in ports if port not in found)
    return found


def listeners(node: Node) -> list[str]:
    """Read the ports or expose of a load balancer as they are written."""
    found: list[str] = []
    for child in nodes(node):
        if not isinstance(child, Map):
            found.append(text(child))
            continue
        keys = mapping(child, LONG_PORT)
        # Protocol "tcp" would turn an http listener into a tcp one, so it is written only when it is in the
        # file.
        port = _long_port(child)[0]
        found.append(port if "protocol" in keys else port.partition("/")[0])
    return found


def _short_ports(node: Node, warn: Callable[[str], None]) -> list[str]:
    written = text(node).strip()
    match = PORT.fullmatch(written)
    if match is None:
        raise fail(node, f"{written!r} is not a port; write [public:]private[/protocol]")
    protocol = match["protocol"] or "tcp"
    _check_protocol(node, protocol)
    private = _range(node, match["private"])
    public = _range(node, match["public"]) if match["public"] else None
    if match["ip"]:
        warn(f"{at(node)}: the address {match['ip']} is ignored; every address of the host publishes the port")
    if public is None:
        return [f"{port}/{protocol}" for port in private]
    if len(public) != len(private):
        raise fail(node, f"the ranges of {written!r} differ in length")
    return [f"{outer}:{inner}/{protocol}" for outer, inner in zip(public, private, strict=True)]


def _long_port(node: Map) -> list[str]:
    keys = mapping(node, LONG_PORT)
    if "target" not in keys:
        raise fail(node, "needs the key target")
    protocol = text(keys["protocol"]) if "protocol" in keys else "tcp"
    _check_protocol(keys.get("protocol", node), protocol)
    (target,) = _range(keys["target"], text(keys["target"]), single=True)
    if "published" not in keys:
        return [f"{target}/{protocol}"]
    (published,) = _range(keys["published"], text(keys["published"]), single=True)
    return [f"{published}:{target}/{protocol}"]


def _check_protocol(node: Node, protocol: str) -> None:
    if protocol not in ("tcp", "udp"):
        raise fail(node, f"the protocol {protocol!r} is not supported; use tcp or udp")


def _range(node: Node, written: str, *, single: bool = False) -> range:
    match = RANGE.fullmatch(written)
    if match is None or (single and match[2]):
        raise fail(node, f"{written!r} is not a port number" + ("" if single else " or a range of them"))
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= 65535:
        raise fail(node, f"{written!r} is not a port between 1 and 65535, or a range from low to high")
    return range(first, last + 1)


def named_volumes(declared: Map, stack_name: str) -> dict[str, NamedVolume]:
    """Read the `volumes` at the top level.

    A declared volume belongs to the stack: Docker sees it as `<stack>_<name>`, unless it is external or has a
    name.
    """
    found: dict[str, NamedVolume] = {}
    for name, node in declared.entries.items():
        keys = mapping(node, ("driver", "external", "name")) if isinstance(node, Map) else {}
        if not isinstance(node, Map) and not (isinstance(node, Scalar) and node.value is None):
            raise fail(node, "must be a mapping")
        external = "external" in keys and boolean(keys["external"])
        driver = text(keys["driver"]) if "driver" in keys else ""
        full_name = text(keys["name"]) if "name" in keys else name if external else f"{stack_name}_{name}"
        found[name] = NamedVolume(full_name, "" if driver == "local" else driver)
    return found


def service_volumes(node: Node, declared: Mapping[str, NamedVolume] | None) -> tuple[list[str], set[str]]:
    """Read the volumes of a service, those without a source first, and the drivers of the named ones.

    declared: the volumes of the top level; None in a version 1 file, where any name may be used as it is.
    """
    alone: list[str] = []
    mounts: list[str] = []
    drivers: set[str] = set()
    for child in nodes(node):
        source, target, mode = _long_volume(child) if isinstance(child, Map) else _short_volume(child)
        if not source:
            alone.append(target)
            continue
        if source.startswith((".", "~")):
            raise fail(child, f"{source!r} is relative; a host knows only absolute paths and named volumes")
        if declared is not None and not source.startswith("/"):
            if source not in declared:
                raise fail(child, f"the volume {source!r} is not declared under the top level key `volumes`")
            drivers.add(declared[source].driver)
            source = declared[source].name
        mounts.append(f"{source}:{target}" + (f":{mode}" if mode else ""))
    return alone + mounts, drivers


def _short_volume(node: Node) -> tuple[str, str, str]:
    written = text(node)
    parts = written.split(":")
    if len(parts) > 3 or not all(parts):
        raise fail(node, f"{written!r} is not a volume; write [source:]/path[:mode]")
    source, target, mode = ("", parts[0], "") if len(parts) == 1 else (parts[0], parts[1], ":".join(parts[2:]))
    if not target.startswith("/"):
        raise fail(node, f"{target!r} must be an absolute path in the container")
    return source, target, mode


def _long_volume(node: Map) -> tuple[str, str, str]:
    keys = mapping(node, LONG_VOLUME)
    kind = text(keys["type"]) if "type" in keys else "volume"
    if kind not in ("volume", "bind"):
        raise fail(keys["type"], f"the type {kind!r} is not supported; use volume or bind")
    source = text(keys["source"]) if "source" in keys else ""
    target = text(keys["target"]) if "target" in keys else ""
    if not target.startswith("/"):
        raise fail(keys.get("target", node), "needs the key target, an absolute path in the container")
    if kind == "bind" and not source.startswith("/"):
        raise fail(keys.get("source", node), "a bind needs the key source, an absolute path on the host")
    if ":" in source + target:
        raise fail(node, "a path cannot contain `:`")
    read_only = "read_only" in keys and boolean(keys["read_only"])
    if read_only and not source:
        raise fail(node, "a volume without source cannot be read-only")
    return source, target, "ro" if read_only else ""


def device_list(node: Node) -> list[str]:
    """Read devices as `host:container:permissions`; without them the path is the same, and rwm."""
    if not isinstance(node, Items):
        raise fail(node, "must be a list")
    found: list[str] = []
    for child in node.nodes:
        parts = text(child).split(":")
        if len(parts) > 3 or not all(parts):
            raise fail(child, f"{text(child)!r} is not a device; write host[:container[:permissions]]")
        if len(parts) == 2 and re.fullmatch("[rwm]{1,3}", parts[1]):
            parts = [parts[0], parts[0], parts[1]]
        host, container, permissions = (*parts, *("", "rwm")[len(parts) - 1 :])[:3] if len(parts) < 3 else parts
        found.append(f"{host}:{container or host}:{permissions}")
    return found
