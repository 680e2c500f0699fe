"""Typed reading of nodes: a node in, a Python value out, or a ComposeError that names the place.

These are the building blocks of the key tables in `launch_config.py` and `rancher.py`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from typing import Any

from trailboss.compose.parse import Items, Map, Node, Scalar, fail, is_null

TRUE, FALSE = {"true", "yes", "on"}, {"false", "no", "off"}
SIZE = re.compile(r"(-?\d{1,18})\s*([kmgt]?)i?b?", re.IGNORECASE)
SIZE_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
CANONICAL_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")


def text(node: Node) -> str:
    if not isinstance(node, Scalar) or node.value is None:
        raise fail(node, "must be a text")
    return node.text


def boolean(node: Node) -> bool:
    """Read true or false; also the words of YAML 1.1 (yes, no, on, off), and texts from variables."""
    if isinstance(node, Scalar):
        word = node.text.lower()
        if word in TRUE | FALSE:
            return word in TRUE
    raise fail(node, "must be true or false")


def integer(node: Node) -> int:
    if isinstance(node, Scalar):
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return node.value
        if re.fullmatch(r"[-+]?[0-9]{1,18}", node.text):
            return int(node.text)
    raise fail(node, "must be a whole number")


def size(node: Node) -> int:
    """Read a number of bytes, or a number with a unit: 512m, 2g, 64kb. Units are powers of 1024."""
    if isinstance(node, Scalar) and (match := SIZE.fullmatch(node.text.strip())):
        return int(match[1]) * SIZE_UNITS[match[2].lower()]
    raise fail(node, "must be a number of bytes, or a number with one of the units b, k, m, g")


def mapping(node: Node, allowed: Collection[str] | None = None) -> dict[str, Node]:
    """Read a mapping without its null values; a key outside `allowed` is an error at its own line."""
    if not isinstance(node, Map):
        raise fail(node, "must be a mapping")
    for key, child in node.entries.items():
        if allowed is not None and key not in allowed:
            raise fail(child, f"is not supported; supported here: {', '.join(sorted(allowed))}")
    return {key: child for key, child in node.entries.items() if not is_null(child)}


def nodes(node: Node) -> tuple[Node, ...]:
    if not isinstance(node, Items):
        raise fail(node, "must be a list")
    return node.nodes


def texts(node: Node) -> list[str]:
    return [text(child) for child in nodes(node)]


def text_or_texts(node: Node) -> list[str]:
    return [node.text] if isinstance(node, Scalar) else texts(node)


def words(node: Node) -> list[str]:
    """Read a command: a list, or a text that is split as a shell would."""
    if isinstance(node, Items):
        return texts(node)
    try:
        return shlex.split(text(node))
    except ValueError as error:
        raise fail(node, f"cannot be split into words: {error}") from None


def pairs(node: Node, separator: str = "=") -> dict[str, Node]:
    """Read a mapping, or a list of `key=value`; a value that is missing becomes a null node."""
    if isinstance(node, Map):
        for child in node.entries.values():
            if not isinstance(child, Scalar):
                raise fail(child, "must be a text, a number or a boolean")
        return dict(node.entries)
    found: dict[str, Node] = {}
    for child in nodes(node):
        key, has_value, value = text(child).partition(separator)
        if not key:
            raise fail(child, f"needs a key before `{separator}`")
        found[key] = Scalar(child.place, value, value if has_value else None)
    return found


def text_map(node: Node) -> dict[str, str]:
    """Read a map of texts (labels, options of a log driver); a key without value gets a blank."""
    return {key: "" if is_null(child) else text(child) for key, child in pairs(node).items()}


def plain(node: Node, *, integers: bool = False) -> Any:
    """Turn a tree into JSON values. integers: a text that is a decimal integer becomes a number (as in
    `metadata`).
    """
    if isinstance(node, Map):
        return {key: plain(child, integers=integers) for key, child in node.entries.items()}
    if isinstance(node, Items):
        return [plain(child, integers=integers) for child in node.nodes]
    if integers and isinstance(node.value, str) and CANONICAL_INTEGER.fullmatch(node.value):
        return int(node.value)
    return node.value
