"""A request taken apart: where it is aimed, its parameters, the address that links in the answer begin with.

Nothing here reads the database; who asks is found in `access.py`, what the names mean in `read.py` and `write.py`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from trailboss.errors import ApiError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_CLIENT = re.compile(r"[0-9A-Za-z:.%_-]{1,64}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HTTP_FORM = {"ws": "http", "wss": "https", "https": "https"}
_DEFAULT_PORT = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Target:
    """The parts of a URL below `/v1`, as they were sent; None where it has none.

    project: of the scope prefix `/v1/projects/<id>/`. rest: what follows the link, which nothing answers.
    """

    project: str | None = None
    type: str | None = None
    id: str | None = None
    link: str | None = None
    rest: tuple[str, ...] = ()


def target_of(path: str) -> Target:
    """Take a path that begins with `/v1` apart. Repeated slashes count as one, a trailing one is ignored."""
    parts = [part for part in path.split("/") if part][1:]
    project = None
    while len(parts) > 2 and parts[0].lower() in ("projects", "project"):
        if len(parts) == 3 and parts[2].lower() in ("projectmembers", "projectmember"):
            break  # the project's own link
        project, parts = parts[1], parts[2:]
    named = [*parts[:3], None, None, None]
    return Target(project, named[0], named[1], named[2], tuple(parts[3:]))


def scope_of(connection: HTTPConnection) -> str | None:
    """Return the id of the project that a request is scoped to: by its path, a header or a parameter."""
    return (
        target_of(connection.scope["path"]).project
        or connection.headers.get("x-api-project-id")
        or connection.query_params.get("projectId")
    )


def overriding_url(connection: HTTPConnection) -> str | None:
    """Return scheme, host and port of the URL that a trusted proxy says the client has asked for."""
    scheme, _, rest = connection.headers.get("x-api-request-url", "").partition("://")
    host = rest.split("/")[0]
    return f"{scheme}://{host}" if scheme in _DEFAULT_PORT and _HOST.fullmatch(host) else None


def base_url(connection: HTTPConnection) -> str:
    """Return scheme, host and port as the client wrote them, minding X-Forwarded-*. Raises ApiError 400."""
    headers = connection.headers
    scheme = _HTTP_FORM.get(connection.scope["scheme"], "http")
    host = headers.get("host", "")
    if forwarded := _first(headers.get("x-forwarded-proto")):
        scheme = forwarded.lower()
        host = _first(headers.get("x-forwarded-host")) or host
        if port := _first(headers.get("x-forwarded-port")):
            host = f"{host_name(host)}:{port}"
    if scheme not in _DEFAULT_PORT or not _HOST.fullmatch(host):
        raise ApiError(400, message="the request names no host, or one that cannot be")
    return f"{scheme}://{host.removesuffix(':' + _DEFAULT_PORT[scheme])}"


def host_name(host: str) -> str:
    """Return a `Host` value without its port; brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not (":" in name and not name.endswith("]")) else host


def client_ip(connection: HTTPConnection) -> str:
    """Return the address of the client: what X-Forwarded-For says first, else the peer's."""
    forwarded = _first(connection.headers.get("x-forwarded-for"))
    if forwarded and _CLIENT.fullmatch(forwarded):
        return forwarded
    return connection.client.host if connection.client else ""


def peer_of(connection: HTTPConnection, proxies: Collection[Network]) -> str:
    """Return the address of the client that it cannot choose itself: the peer's, or what the outermost proxy of ours
    has seen. proxies: the networks they are in; what others say in X-Forwarded-For is not believed."""
    peer = connection.client.host if connection.client else ""
    if not proxies:
        return peer
    said = [part.strip() for part in connection.headers.get("x-forwarded-for", "").split(",")]
    while said and _is_in(peer, proxies):
        peer = said.pop() or peer
    return peer


def _is_in(address: str, networks: Collection[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def request_id_of(value: str | None) -> str | None:
    """Return the request id that a client sent, if it is made of safe characters only."""
    return value if value and _REQUEST_ID.fullmatch(value) else None


def is_browser(connection: HTTPConnection) -> bool:
    """Say whether a browser asks."""
    return "mozilla" in connection.headers.get("user-agent", "").lower()


def _first(value: str | None) -> str | None:
    return value.split(",")[0].strip() if value else None
