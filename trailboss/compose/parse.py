"""YAML text in, a tree of nodes out; every node knows its file, line and dotted key.

The tree keeps the text of each scalar beside its YAML 1.2 value, so that `22:22`, `1.10` and `0777` reach a
label or an environment variable as they were written. Anchors, aliases and merge keys (`<<`) are resolved
here; duplicate keys, tags, endless aliases and texts that are too large are refused.

A `Document` is one compose file: its services and named volumes, whatever its form (services at the top, or
under `services:`). Nothing is known here about the keys of a service. Next: `interpolate.py`, then
`merge.py`.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode

from trailboss.errors import ComposeError

MAX_CHARACTERS = 1 << 20
MAX_NODES = 50_000
MAX_DEPTH = 64

INTEGER = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?")
TAG = "tag:yaml.org,2002:"
TAGS = {TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")}


@dataclass(frozen=True)
class Place:
    """Where a node stands. line is 1-based; for a value in a mapping it is the line of its key."""

    file: str
    line: int
    key: str


@dataclass(frozen=True)
class Scalar:
    place: Place
    text: str
    value: str | int | float | bool | None


@dataclass(frozen=True)
class Items:
    place: Place
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Map:
    place: Place
    entries: dict[str, Node]


Node = Scalar | Items | Map


@dataclass(frozen=True)
class Document:
    """One compose file. classic: version 1, services at the top level, no declared volumes."""

    file: str
    classic: bool
    services: Map
    volumes: Map


def fail(node: Node, message: str) -> ComposeError:
    """Make the error for this node; the caller raises it."""
    place = node.place
    return ComposeError(message, file=place.file, line=place.line, key=place.key or None)


def at(node: Node) -> str:
    """Name the place of a node, to begin a warning with."""
    return f"{node.place.file}, line {node.place.line}: {node.place.key}"


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def parse_map(text: str, file: str) -> Map:
    """Parse a text whose top level is a mapping; an empty text is an empty mapping.

    Raises ComposeError for anything that is not YAML 1.2, for duplicate keys, tags, and texts beyond the
    limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise ComposeError(f"is longer than {MAX_CHARACTERS} characters", file=file)
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        if root is None:
            return Map(Place(file, 1, ""), {})
        top = _Builder(file).build(root, _line(root), "", 0)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        raise ComposeError(message, file=file, line=mark.line + 1 if mark else None) from error
    except YAMLError as error:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        raise ComposeError("holds a character that YAML does not allow", file=file, line=line) from error
    except RecursionError as error:
        raise ComposeError("is nested too deeply", file=file) from error
    if is_null(top):
        return Map(top.place, {})
    if not isinstance(top, Map):
        raise fail(top, "must be a mapping at the top level")
    return top


def parse_compose(text: str, file: str) -> Document:
    """Parse a docker-compose text of version 1, 2, 3 or of the present form without a version."""
    top = parse_map(text, file)
    entries = dict(top.entries)
    version = entries.pop("version", None)
    if version is None and not _has_services(top):
        return Document(file, True, top, Map(top.place, {}))
    if version is not None and not (isinstance(version, Scalar) and re.fullmatch(r"[23](\.\d+)?", version.text)):
        raise fail(version, "must be 2, 3 or a minor version of these; leave it out in a version 1 file")
    services = entries.pop("services", None)
    volumes = entries.pop("volumes", None)
    _only_default_network(entries.pop("networks", None))
    entries.pop("name", None)
    for key, node in entries.items():
        if not key.startswith("x-"):
            raise fail(node, "is not supported at the top level; put services under `services`")
    return Document(file, False, _map_or_empty(services, top), _map_or_empty(volumes, top))


def _has_services(top: Map) -> bool:
    """Tell the key `services` of the present form from a version 1 service of that name."""
    node = top.entries.get("services")
    if node is None:
        return False
    return not (isinstance(node, Map) and any(isinstance(node.entries.get(k), Scalar) for k in ("image", "build")))


def _only_default_network(node: Node | None) -> None:
    if node is None or is_null(node):
        return
    if not isinstance(node, Map):
        raise fail(node, "must be a mapping")
    for name, network in node.entries.items():
        if name != "default" or not (is_null(network) or (isinstance(network, Map) and not network.entries)):
            raise fail(network, "is not supported; every service is on the one managed network (`default`)")


def _map_or_empty(node: Node | None, top: Map) -> Map:
    if node is None or is_null(node):
        return Map(node.place if node else top.place, {})
    if not isinstance(node, Map):
        raise fail(node, "must be a mapping")
    return node


def _line(node: YamlNode) -> int:
    return int(node.start_mark.line) + 1


class _Builder:
    """Turns composed YAML nodes into ours; counts them, because an alias can stand for thousands."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0

    def build(self, node: YamlNode, line: int, key: str, depth: int) -> Node:
        place = Place(self.file, line, key)
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise ComposeError("is too large or nested too deeply", file=self.file, line=line, key=key or None)
        if str(node.tag) not in TAGS:
            raise ComposeError(f"the tag {node.tag} is not supported", file=self.file, line=line, key=key or None)
        if isinstance(node, MappingNode):
            return Map(place, self._entries(node, key, depth))
        if isinstance(node, SequenceNode):
            children = (
                self.build(child, _line(child), f"{key}[{index}]", depth + 1) for index, child in enumerate(node.value)
            )
            return Items(place, tuple(children))
        assert isinstance(node, ScalarNode)
        return Scalar(place, str(node.value), _value(node))

    def _entries(self, node: MappingNode, key: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, ScalarNode):
                raise ComposeError("a key must be a plain text", file=self.file, line=line, key=key or None)
            name = str(key_node.value)
            path = f"{key}.{name}" if key else name
            value = self.build(value_node, line, path, depth + 1)
            if name == "<<" and not key_node.style:
                _merge_into(merged, value, key)
            elif name in entries:
                raise ComposeError("is a duplicate key", file=self.file, line=line, key=path)
            else:
                entries[name] = value
        return {**merged, **entries}


def _merge_into(merged: dict[str, Node], value: Node, key: str) -> None:
    """Apply a `<<` value: of several mappings the first that has a key wins (YAML merge key type)."""
    for source in value.nodes if isinstance(value, Items) else (value,):
        if not isinstance(source, Map):
            raise fail(value, "`<<` needs a mapping or a list of mappings")
        for name, node in source.entries.items():
            merged.setdefault(name, rekey(node, source.place.key, key))


def rekey(node: Node, old: str, new: str) -> Node:
    """Move a node: its dotted key and those below it begin with `new` in place of `old`."""
    rest = node.place.key.removeprefix(old)
    place = dataclasses.replace(node.place, key=new + rest if new else rest.removeprefix("."))
    if isinstance(node, Map):
        return Map(place, {name: rekey(child, old, new) for name, child in node.entries.items()})
    if isinstance(node, Items):
        return Items(place, tuple(rekey(child, old, new) for child in node.nodes))
    return dataclasses.replace(node, place=place)


def _value(node: ScalarNode) -> str | int | float | bool | None:
    """Resolve by the YAML 1.2 core schema, whatever a %YAML directive says: `yes` and `22:22` are texts."""
    text = str(node.value)
    if node.style or str(node.tag) == TAG + "str":
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if FLOAT.fullmatch(text) else text
