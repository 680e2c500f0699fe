"""`ETag` and `If-Match`: a change that is made only if the resource is wanted as the client has last seen it.

The tag of a resource is its `generation`, which counts the changes of what is wanted of it. What is only observed (its
state, its health) leaves it alone, so that a client is not refused because a container has started meanwhile.
"""

from __future__ import annotations

import re

from trailboss.declare import Resource
from trailboss.errors import ApiError

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')


def headers_of(row: Resource) -> dict[str, str]:
    """Return the `ETag` header of a row; none for what is not stored."""
    generation = row.values.get("generation")
    return {} if generation is None else {"ETag": f'"{generation}"'}


def check(row: Resource, wanted: str) -> None:
    """Compare a row with an `If-Match` header. Raises ApiError 412 if it is of another generation, 400 for no tag."""
    if wanted.strip() == "*":
        return
    tags = [_TAG.fullmatch(part) for part in wanted.split(",")]
    if not all(tags):
        raise ApiError(400, "InvalidIfMatch", 'If-Match is "*" or tags in quotes, as ETag has them: "3"')
    generation = row.values.get("generation")
    if not any(tag is not None and tag[1] == str(generation) for tag in tags):
        now = "has no ETag" if generation is None else f'is "{generation}" now, not {wanted}'
        raise ApiError(412, "ResourceChanged", f"the {type(row).type} {now}; read it again")
