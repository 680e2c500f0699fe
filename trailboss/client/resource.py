"""What every resource has on the client's side, and how a document of the API becomes one.

A resource is a value: it is read, and does not change by itself. Fields that a document does not have, or that are
null, are None. What a newer server sends besides is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from trailboss.errors import TrailbossError

JsonObject = dict[str, Any]

_known: set[type[Resource]] = set()
_learning = threading.Lock()


class Resource(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel", dict=True):
    """A resource of any type. links, actions: URLs by name; an action is there only while it is possible."""

    id: str = ""
    type: str = ""
    links: dict[str, str] = {}
    actions: dict[str, str] = {}

    @property
    def etag(self) -> str | None:
        """What the resource was when it was read by itself, for `only_if_unchanged`; None if it was part of a list."""
        return self.__dict__.get("etag")


def decode(document: JsonObject, types: Mapping[str, type[Resource]], etag: str | None = None) -> Resource:
    """Return the resource of a document, of the class of its type. Raises TrailbossError if it is none."""
    kind = types.get(document.get("type", ""), Resource)
    if kind not in _known:
        _learn(kind)
    try:
        resource = msgspec.convert({name: value for name, value in document.items() if value is not None}, kind)
    except msgspec.ValidationError as error:
        raise TrailbossError(f"the server's {document.get('type')} is not as this client knows it: {error}") from error
    if etag is not None:
        resource.__dict__["etag"] = etag
    return resource


def _learn(kind: type[Resource]) -> None:
    """Let msgspec look into a class, which it does once; two threads at it at once would crash the process."""
    with _learning:
        msgspec.json.Decoder(kind)
        _known.add(kind)


def encode(sent: Resource | Mapping[str, Any] | None) -> JsonObject:
    """Return the body of a request: the fields of a resource that are not None, or a document as it is."""
    if sent is None:
        return {}
    found: JsonObject = msgspec.to_builtins(sent)
    return found
