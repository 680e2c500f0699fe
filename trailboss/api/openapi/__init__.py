"""OpenAPI 3.1: what a role sees of the API, for tools that do not speak its schemas.

`document(role, address)` gives the JSON. It is made from the same `RoleView` by which requests are checked: the types
and their rules in `components.py`, what can be asked of them in `paths.py`. What OpenAPI cannot say is left out:
websockets, the raw ids of `_plainId`, and that the server is lenient (numbers as texts, unknown fields ignored).
"""

from __future__ import annotations

from functools import cache

import msgspec

from trailboss import __version__
from trailboss.api.openapi import components, paths
from trailboss.api.render import encode
from trailboss.api.schemas import role_view

NAME = "openapi.json"
"""What it is called below `/v1`, and below every project."""

_INFO = {
    "title": "Trailboss",
    "version": __version__,
    "description": "The Rancher v1 API: resources of declared types, their links and their actions.",
}


def document(role: str, address: str) -> bytes:
    """Return the OpenAPI document of a role. address: URL under which its collections are."""
    found = {"openapi": "3.1.0", "info": _INFO, "servers": [{"url": address}], "security": [{"key": []}]}
    return encode(found | _parts(role))


@cache
def _parts(role: str) -> dict[str, msgspec.Raw]:
    """Return what does not depend on where the API is, as JSON."""
    view = role_view(role)
    parts = {"paths": paths.of(view), "components": components.of(view)}
    return {name: msgspec.Raw(encode(part)) for name, part in parts.items()}
