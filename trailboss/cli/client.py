"""A small client of the v1 API: requests out, JSON objects in, every refusal as an `ApiError`.

It follows links, actions and pages as the server gives them, and knows no type. Where the URL names no environment
(the API's `project`), the only one that the key can see is taken. Waiting for a change is in `waiting.py`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2

from trailboss import __version__
from trailboss.errors import ApiError, TrailbossError, Unreachable

JsonObject = dict[str, Any]

TIMEOUT_S = 30.0
PAGE = 1000
SAID_AT_MOST = 200
"""Characters of an answer that is no JSON, in an error message."""


class Client:
    """One API with one pair of keys. base: URL under which its collections are. Close it, or use it in `with`."""

    def __init__(self, url: str, access_key: str | None = None, secret_key: str | None = None) -> None:
        self.base = api_base(url)
        self.auth = (access_key or "", secret_key or "") if access_key or secret_key else None
        self.uses_proxy = not is_loopback(self.base)
        headers = {"Accept": "application/json", "User-Agent": f"trailboss/{__version__}"}
        self._http = httpx2.Client(auth=self.auth, headers=headers, timeout=TIMEOUT_S, trust_env=self.uses_proxy)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def enter_environment(self) -> None:
        """Make requests go to one environment. Raises TrailbossError when the URL leaves open which one."""
        if "/projects/" in urlsplit(self.base).path:
            return
        found = [p for p in self.all("projects") if p["state"] == "active"]
        if len(found) > 1:
            choices = ", ".join(f"{self.base}/projects/{p['id']} ({p.get('name') or p['id']})" for p in found)
            raise TrailbossError(f"these keys reach several environments; set RANCHER_URL to one of: {choices}")
        if found:
            self.base = f"{self.base}/projects/{found[0]['id']}"

    def url_of(self, collection: str) -> str:
        """Return the URL of a collection by the plural of its type, in any case; a URL stays as it is."""
        return collection if "://" in collection else f"{self.base}/{collection.lower()}"

    def get(self, url: str) -> JsonObject:
        """Read one resource."""
        return self._send("GET", url)

    def all(self, collection: str, **parameters: str | list[str]) -> Iterator[JsonObject]:
        """Read a collection to its end, page by page; `collection` is a plural or the URL of a link."""
        page = self._send("GET", self.url_of(collection), params={"limit": str(PAGE), **parameters})
        while True:
            yield from page["data"]
            pagination = page.get("pagination") or {}
            following = pagination.get("next")
            if not following:
                if pagination.get("partial"):
                    raise TrailbossError(f"{self.url_of(collection)} holds more than the server gives of it")
                return
            page = self._send("GET", following)

    def create(self, collection: str, body: JsonObject) -> JsonObject:
        """Create a resource; the answer shows it in its first state."""
        return self._send("POST", self.url_of(collection), json=body)

    def update(self, resource: JsonObject, body: JsonObject) -> JsonObject:
        """Change fields of a resource."""
        return self._send("PUT", resource["links"]["self"], json=body)

    def delete(self, resource: JsonObject, *, purge: bool = False) -> JsonObject:
        """Remove a resource. purge: at once and for good, on its hosts too."""
        return self._send("DELETE", resource["links"]["self"], params={"purge": "true"} if purge else {})

    def act(self, resource: JsonObject, action: str, body: JsonObject | None = None) -> JsonObject:
        """Do an action that the resource offers. Raises ApiError ActionNotAvailable, as the server would."""
        url = resource["actions"].get(action)
        if url is None:
            name = resource.get("name") or resource["id"]
            because = f"{resource['type']} {name} is {resource.get('state')}: {action} is not possible now"
            raise ApiError(422, "ActionNotAvailable", because, field="action")
        return self._send("POST", url, json=body or {})

    def request(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """Send any request. path: with a query; from the server's root if it begins with `/`, else below `base`."""
        parts = urlsplit(self.base)
        start = f"{parts.scheme}://{parts.netloc}" if path.startswith("/") else f"{self.base}/"
        return self._send(method, start + path, **({} if body is None else {"json": body}))

    def _send(self, method: str, url: str, **arguments: Any) -> JsonObject:
        try:
            response = self._http.request(method, url, **arguments)
        except httpx2.InvalidURL as error:
            raise TrailbossError(f"{url!r} is not a URL: {error}") from error
        except httpx2.TransportError as error:
            raise Unreachable(f"{self.base} does not answer: {error or type(error).__name__}") from error
        return read_answer(response)


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
