"""What a request carries besides its URL: JSON, or a form, as one flat object of fields. Bounded in size and depth.

JSON is read only under a JSON content type, or under none from who is no browser: a page of another origin can send
any text, but no such content type without being asked for leave first.
"""

from __future__ import annotations

import email.parser
import email.policy
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from trailboss.api.request import is_browser
from trailboss.errors import ApiError

MAX_FORM = 100 * 1024
MAX_JSON = 4 * 1024 * 1024
MAX_DEPTH = 50
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

_decode = msgspec.json.Decoder().decode


async def fields_of(request: Request) -> dict[str, Any]:
    """Return the fields of a body; none if it is empty. Raises ApiError 400, 413, 415."""
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    content = await _content(request, MAX_FORM if kind in _FORMS else MAX_JSON)
    if not content.strip():
        return {}
    if kind == _FORMS[0]:
        return _urlencoded(content)
    if kind == _FORMS[1]:
        return _multipart(content_type, content)
    if kind == "application/json" or kind.endswith("+json") or (not kind and not is_browser(request)):
        return _json(content)
    raise ApiError(415, message=f"send JSON with Content-Type: application/json, not {kind or 'without one'}")


async def _content(request: Request, limit: int) -> bytes:
    """Read a body to its end, if that comes before the limit."""
    too_long = ApiError(413, message=f"a body of this kind has at most {limit} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_long
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise too_long
            parts.append(part)
    except ClientDisconnect as error:
        raise ApiError(400, message="the client went away before its body ended") from error
    return b"".join(parts)


def _json(content: bytes) -> dict[str, Any]:
    try:
        value = _decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ApiError(400, "InvalidBodyContent", f"the body is no JSON: {error}") from error
    if isinstance(value, list):
        return {}
    if not isinstance(value, dict):
        raise ApiError(400, "InvalidBodyContent", "the body must be a JSON object")
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ApiError(400, "InvalidBodyContent", f"the body is nested more than {MAX_DEPTH} levels deep")
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each.values()
            elif isinstance(each, list):
                below += each
        level = below


def _urlencoded(content: bytes) -> dict[str, Any]:
    text = content.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        # what curl -d sends when nobody names the type
        raise ApiError(415, message="this looks like JSON; send it with Content-Type: application/json")
    return merged(parse_qsl(text, keep_blank_values=True))


def _multipart(content_type: str, content: bytes) -> dict[str, Any]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + content)
    pairs: list[tuple[str, str]] = []
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            pairs.append((name, payload.decode("utf-8", "replace")))
    return merged(pairs)


def merged(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return parameters as fields; a name that is there several times is a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found
