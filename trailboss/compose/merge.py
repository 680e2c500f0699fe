"""`extends`: the keys of a service laid over those of the service that it extends.

Documents and the name of a service come in, its merged tree without `extends` comes out. Lists are appended,
maps are united, single values are replaced, `image` and `build` exclude each other. Files named by `extends`
come from the mapping that the caller gives; nothing is read from disk. Next: `launch_config.py`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from trailboss.compose.parse import Document, Items, Map, Node, Scalar, fail, is_null
from trailboss.compose.read import mapping, pairs, text

PAIRS = {"environment", "labels", "log_opt"}
LISTS = {
    *("cap_add", "cap_drop", "devices", "dns", "dns_search", "env_file", "expose", "external_links"),
    *("extra_hosts", "ports", "security_opt", "volumes"),
}
NOT_EXTENDABLE = ("links", "volumes_from", "depends_on")


def merged_service(
    document: Document,
    name: str,
    load: Callable[[str, Node], Document],
    seen: tuple[tuple[str, str], ...] = (),
) -> Map:
    """Return a service with everything that it extends, directly or not.

    load: gives the document of another file, by its name relative to the first one; raises when there is
    none.
    """
    service = document.services.entries[name]
    if is_null(service):
        return Map(service.place, {})
    if not isinstance(service, Map):
        raise fail(service, "a service must be a mapping")
    extends = service.entries.get("extends")
    if extends is None or is_null(extends):
        return _without(service, "extends")
    here = (document.file, name)
    if here in seen:
        raise fail(extends, "extends itself, by way of " + " and ".join(other for _, other in seen))
    base_name, base_document = _target(document, extends, load)
    if base_name not in base_document.services.entries:
        raise fail(extends, f"there is no service {base_name} in {base_document.file}")
    base = merged_service(base_document, base_name, load, (*seen, here))
    for key in NOT_EXTENDABLE:
        if key in base.entries:
            raise fail(extends, f"{base_name} cannot be extended because it has {key}")
    return _over(base, _without(service, "extends"))


def _target(document: Document, extends: Node, load: Callable[[str, Node], Document]) -> tuple[str, Document]:
    if isinstance(extends, Scalar):
        return extends.text, document
    keys = mapping(extends, ("service", "file"))
    if "service" not in keys:
        raise fail(extends, "needs the key service")
    if "file" not in keys:
        return text(keys["service"]), document
    file = posixpath.normpath(posixpath.join(posixpath.dirname(document.file), text(keys["file"])))
    return text(keys["service"]), load(file, keys["file"])


def _without(service: Map, *keys: str) -> Map:
    return Map(service.place, {key: node for key, node in service.entries.items() if key not in keys})


def _over(base: Map, child: Map) -> Map:
    if "image" in child.entries:
        base = _without(base, "build", "dockerfile")
    if "build" in child.entries:
        base = _without(base, "image")
    entries = dict(base.entries)
    for key, node in child.entries.items():
        entries[key] = _united(key, entries[key], node) if key in entries else node
    return Map(child.place, entries)


def _united(key: str, base: Node, child: Node) -> Node:
    if is_null(base) or is_null(child):
        return base if is_null(child) else child
    if key in PAIRS:
        return Map(child.place, {**pairs(base), **pairs(child)})
    if key in LISTS:
        return Items(child.place, _appended(_as_nodes(base), _as_nodes(child)))
    if isinstance(base, Map) and isinstance(child, Map):
        return Map(child.place, {**base.entries, **child.entries})
    return child


def _as_nodes(node: Node) -> tuple[Node, ...]:
    """Read a list, a single value, or a map of names to addresses (extra_hosts) as a list."""
    if isinstance(node, Items):
        return node.nodes
    if isinstance(node, Scalar):
        return (node,)
    return tuple(
        Scalar(child.place, f"{name}:{text(child)}", f"{name}:{text(child)}") for name, child in node.entries.items()
    )


def _appended(base: tuple[Node, ...], child: tuple[Node, ...]) -> tuple[Node, ...]:
    known = {node.text for node in base if isinstance(node, Scalar)}
    return base + tuple(node for node in child if not (isinstance(node, Scalar) and node.text in known))
