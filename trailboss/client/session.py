"""Requests to one API: JSON in, JSON out, every refusal as an `ApiError`; what fails on the way is sent again.

Each change carries an `Idempotency-Key`, so that sending it again cannot do it twice, even if the server did it and was
killed before it could answer. What a document means is not known here.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2

from trailboss import __version__
from trailboss.client.resource import JsonObject
from trailboss.errors import ApiError, TrailbossError, Unreachable

TIMEOUT_S = 30.0
PAUSES_S = (0.1, 0.4, 1.0)
"""Before each further attempt."""
TEMPORARY = ("Service Unavailable", "RequestInProgress")
"""Codes of refusals after which the same request may succeed."""
SAID_AT_MOST = 200
"""Characters of an answer that is no JSON, in an error message."""

Parameters = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Answer:
    """document: the JSON object. etag: of the resource, if it has one. withheld: fields that a repeated answer does
    not show again."""

    document: JsonObject
    etag: str | None = None
    withheld: tuple[str, ...] = ()


class _Lost(Unreachable):
    """The connection failed; nothing is known of what became of the request."""


class Session:
    """One server with one pair of keys. base: URL under which its collections are. sleep: waits, in seconds.
    transport: carries requests; tests hand in their own. tls: how the server is known (`tls.py`), if not by the
    authorities of the system."""

    def __init__(
        self,
        url: str,
        access_key: str | None = None,
        secret_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.base = api_base(url)
        self.auth = (access_key or "", secret_key or "") if access_key or secret_key else None
        self.uses_proxy = not is_loopback(self.base)
        self.sleep = sleep
        headers = {"Accept": "application/json", "User-Agent": f"trailboss/{__version__}"}
        self.tls: ssl.SSLContext | bool = True if tls is None else tls
        self.http = httpx2.Client(
            auth=self.auth,
            headers=headers,
            timeout=timeout_s,
            trust_env=self.uses_proxy,
            transport=transport,
            verify=self.tls,
        )

    def url_of(self, collection: str) -> str:
        """Return the URL of a collection by the plural of its type, in any case; a URL stays as it is."""
        return collection if "://" in collection else f"{self.base}/{collection.lower()}"

    def url_at(self, path: str) -> str:
        """Return the URL of a path with its query: of this server if it begins with `/`, else below `base`."""
        server = self.base[: self.base.index("/", self.base.index("://") + 3)]
        return server + path if path.startswith("/") else f"{self.base}/{path}"

    def ask(
        self,
        method: str,
        url: str,
        *,
        parameters: Parameters | None = None,
        body: JsonObject | None = None,
        if_match: str | None = None,
    ) -> Answer:
        """Send a request until it is answered. Raises ApiError for a refusal, Unreachable when nobody answers."""
        headers = {} if method == "GET" else {"Idempotency-Key": str(uuid.uuid4())}
        if if_match is not None:
            headers["If-Match"] = if_match
        pauses = iter(PAUSES_S)
        while True:
            try:
                return self._once(method, url, params=parameters, json=body, headers=headers)
            except (_Lost, ApiError) as error:
                pause = next(pauses, None)
                if pause is None or (isinstance(error, ApiError) and error.code not in TEMPORARY):
                    raise
                self.sleep(pause)

    def pages(self, url: str, parameters: Parameters) -> Iterator[JsonObject]:
        """Read a collection to its end; yields the documents in it. Raises TrailbossError where it is cut off."""
        page = self.ask("GET", url, parameters=parameters).document
        while True:
            yield from page["data"]
            pagination = page.get("pagination") or {}
            following = pagination.get("next")
            if not following:
                if pagination.get("partial"):
                    raise TrailbossError(f"{url} holds more than the server gives of it")
                return
            page = self.ask("GET", following).document

    def _once(self, method: str, url: str, **arguments: Any) -> Answer:
        try:
            response = self.http.request(method, url, **arguments)
        except httpx2.InvalidURL as error:
            raise TrailbossError(f"{url!r} is not a URL: {error}") from error
        except httpx2.TimeoutException as error:
            # waited for long enough already
            raise Unreachable(f"{self.base} does not answer: {error or type(error).__name__}") from error
        except httpx2.TransportError as error:
            raise _Lost(f"{self.base} does not answer: {error or type(error).__name__}") from error
        withheld = response.headers.get("x-api-withheld", "")
        return Answer(read_answer(response), response.headers.get("etag"), tuple(filter(None, withheld.split(", "))))


def read_answer(response: httpx2.Response) -> JsonObject:
    """Return the object of an answer. Raises ApiError for a refusal, Unreachable when it is no API that answers."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and isinstance(body, dict):
        return body
    said = " ".join(response.text[:SAID_AT_MOST].split())
    if response.is_success:
        raise Unreachable(f"{response.url} is not a v1 API; it answered: {said}")
    if not isinstance(body, dict) or body.get("type") != "error":
        raise ApiError(response.status_code, response.reason_phrase or str(response.status_code), said or None)
    raise ApiError(
        response.status_code,
        body.get("code"),
        body.get("message"),
        field=body.get("fieldName"),
        detail=body.get("detail"),
    )


def api_base(url: str) -> str:
    """Return the URL under which collections are, for a server's address, its /v1, or an environment's URL."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    path = parts.path.rstrip("/").removesuffix("/schemas")
    return urlunsplit((parts.scheme, parts.netloc, path or "/v1", "", ""))


def is_loopback(url: str) -> bool:
    """Say whether a URL leads to this machine: such requests never go through a proxy."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
