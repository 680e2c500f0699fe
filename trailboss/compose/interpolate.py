"""Variables in the values of a tree: `$V`, `${V}`, `${V:-default}`, `${V-default}`, `${V:?error}`,
`${V?error}`, `$$`.

A tree of nodes and the variables come in, the same tree with texts replaced comes out. Keys are never
touched, nor are values that are not texts. A variable that is not set gives a blank and a warning. What a
default holds is interpolated too, so `${A:-${B}}` works. The result stays a text: `privileged: ${P}` is read
as a boolean later, by `read.py`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping

from trailboss.compose.parse import Items, Map, Node, at, fail

UNBRACED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BRACED = re.compile(r"([A-Za-z0-9_]+)(?:(:?[-?])|\})")


class _Bad(Exception):
    """The text of a value cannot be interpolated; the caller knows where it stands."""


def interpolate(node: Node, variables: Mapping[str, str], warn: Callable[[str], None]) -> Node:
    """Return the tree with the variables of all its texts replaced.

    warn: called with a sentence for each variable that is not set. Raises ComposeError for a bad form or a
    required variable that is missing.
    """
    if isinstance(node, Map):
        return Map(node.place, {key: interpolate(child, variables, warn) for key, child in node.entries.items()})
    if isinstance(node, Items):
        return Items(node.place, tuple(interpolate(child, variables, warn) for child in node.nodes))
    if not isinstance(node.value, str) or "$" not in node.text:
        return node

    def missing(name: str) -> None:
        warn(f"{at(node)}: the variable {name} is not set; it is read as blank")

    try:
        text = substitute(node.text, variables, missing)
    except _Bad as bad:
        raise fail(node, f"{bad} in {node.text!r}") from None
    return dataclasses.replace(node, text=text, value=text)


def substitute(text: str, variables: Mapping[str, str], missing: Callable[[str], None]) -> str:
    """Replace the variables of one text; raises _Bad with the reason."""
    result, end = _scan(text, 0, variables, missing, nested=False)
    assert end == len(text)
    return result


def _scan(
    text: str, at: int, variables: Mapping[str, str], missing: Callable[[str], None], *, nested: bool
) -> tuple[str, int]:
    """Read up to the end, or (nested) behind the `}` that ends a default."""
    parts: list[str] = []
    while at < len(text):
        char = text[at]
        if nested and char == "}":
            return "".join(parts), at + 1
        if char != "$":
            parts.append(char)
            at += 1
        elif text.startswith("$$", at):
            parts.append("$")
            at += 2
        elif text.startswith("${", at):
            part, at = _braced(text, at + 2, variables, missing)
            parts.append(part)
        elif match := UNBRACED.match(text, at + 1):
            parts.append(_value(match[0], variables, missing))
            at = match.end()
        else:
            raise _Bad("`$` must be followed by a name, `{name}` or another `$`")
    if nested:
        raise _Bad("`${` without its `}`")
    return "".join(parts), at


def _braced(text: str, at: int, variables: Mapping[str, str], missing: Callable[[str], None]) -> tuple[str, int]:
    match = BRACED.match(text, at)
    if match is None:
        raise _Bad("bad `${...}`; allowed are ${V} ${V:-default} ${V-default} ${V:?error} ${V?error}")
    name, operator = match[1], match[2]
    if operator is None:
        return _value(name, variables, missing), match.end()
    unused: list[str] = []
    is_set = bool(variables.get(name)) if operator.startswith(":") else name in variables
    # A default that is not taken must not warn about variables inside it.
    rest, end = _scan(text, match.end(), variables, unused.append if is_set else missing, nested=True)
    if is_set:
        return variables[name], end
    if operator.endswith("?"):
        raise _Bad(f"the variable {name} is required" + (f" ({rest})" if rest else ""))
    return rest, end


def _value(name: str, variables: Mapping[str, str], missing: Callable[[str], None]) -> str:
    if name not in variables:
        missing(name)
    return variables.get(name, "")
