"""What keeps web pages from driving a server through a browser: CSRF tokens, Origin and Host.

A browser sends a person's stored credentials, or reaches a server in open mode on loopback, on behalf of any page. So
a browser's request that changes something must carry in a header what only pages of this server can read (a cookie);
and in open mode nobody is asked for credentials, so there a request must name this server as its host (a page that
rebinds its own name to our address does not) and must not come from a page of another origin.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from trailboss.api.request import base_url, host_name, is_browser
from trailboss.errors import ApiError
from trailboss.resources.setting import is_controlled, value_of
from trailboss.store.transaction import Read

COOKIE = "CSRF"
HEADER = "x-api-csrf"


def check_csrf(connection: HTTPConnection, method: str) -> None:
    """Refuse a browser's request that is not a GET without the matching header. Raises ApiError 403."""
    if method == "GET" or not is_browser(connection):
        return
    cookie, header = connection.cookies.get(COOKIE, ""), connection.headers.get(HEADER, "")
    if not cookie or not hmac.compare_digest(cookie.encode(), header.encode()):
        message = "a browser's request must carry the value of the cookie CSRF in the header X-API-CSRF"
        raise ApiError(403, "InvalidCSRFToken", message)


def new_cookie(connection: HTTPConnection) -> str | None:
    """Return the Set-Cookie header for a browser that has no token yet."""
    if not is_browser(connection) or COOKIE in connection.cookies:
        return None
    # not HttpOnly: pages of this server copy it into the header
    secure = "; Secure" if base_url(connection).startswith("https:") else ""
    return f"{COOKIE}={secrets.token_hex(16).upper()}; Path=/; SameSite=Strict{secure}"


def check_origin(read: Read, connection: HTTPConnection) -> None:
    """In open mode, refuse what names another host or comes from another origin. Raises ApiError 403."""
    host, origin = connection.headers.get("host", ""), connection.headers.get("origin")
    if origin is None and _is_address(host_name(host)):
        return
    if is_controlled(read):
        return
    if not _is_own(read, connection, host_name(host)):
        raise ApiError(403, "InvalidHost", f"this server is not known as {host_name(host)!r}; use its address")
    if origin is not None and not _same_origin(origin, base_url(connection), host):
        raise ApiError(403, "InvalidOrigin", "pages of other origins may not use this server")


@lru_cache(maxsize=256)
def _is_address(name: str) -> bool:
    if name.lower() == "localhost":
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_own(read: Read, connection: HTTPConnection, name: str) -> bool:
    if _is_address(name):
        return True
    context = getattr(connection.app.state, "context", None)
    configured = value_of(read, "api.host")
    known = urlsplit(configured if "://" in configured else f"//{configured}").hostname
    return name.lower() in {known, *(context.hosts if context else ())}


def _same_origin(origin: str, base: str, host: str) -> bool:
    return origin.lower() in {base.lower(), f"http://{host}".lower(), f"https://{host}".lower()}


def check_page(connection: HTTPConnection) -> None:
    """Refuse a browser's websocket that a page of another origin opens: it would carry the person's credentials, and
    nothing else would stop it. Raises ApiError 403."""
    origin = connection.headers.get("origin")
    if not is_browser(connection) or origin is None:
        return
    if not _same_origin(origin, base_url(connection), connection.headers.get("host", "")):
        raise ApiError(403, "InvalidOrigin", "pages of other origins may not use this server")
