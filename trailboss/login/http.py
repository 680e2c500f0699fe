"""Asking login providers over HTTP: with a time limit, without following redirects, JSON out."""

from __future__ import annotations

from typing import Any

import httpx2

from trailboss.errors import ApiError, Unreachable

WITHIN_S = 10
LARGEST = 1_000_000
"""Bytes of an answer that are read."""


def ask(method: str, url: str, **options: Any) -> Any:
    """Return the JSON of an answer. Raises ApiError 401 if it is refused, Unreachable if there is none."""
    headers = {"Accept": "application/json", **options.pop("headers", {})}
    try:
        answer = httpx2.request(method, url, headers=headers, timeout=WITHIN_S, **options)
        if answer.status_code in (400, 401, 403, 404):
            raise ApiError(401, message="the login provider does not accept this")
        answer.raise_for_status()
        if len(answer.content) > LARGEST:
            raise Unreachable("the login provider answers too much")
        return answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise Unreachable(f"the login provider does not answer: {error}") from error
