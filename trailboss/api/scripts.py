"""Plain-text scripts by a registration token, without a login: what a new host runs to join.

The script says where the server is and with what to register; it installs nothing by itself yet.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from trailboss.api.context import Context
from trailboss.api.request import client_ip
from trailboss.resources.account import Account
from trailboss.resources.credential import FINGERPRINT, check_token
from trailboss.resources.setting import number_of, value_of
from trailboss.store.transaction import Read

_SPECIAL = str.maketrans({c: "\\" + c for c in '\\"$`'})


async def serve(request: Request, context: Context, name: str, root: str) -> Response:
    """Answer the script of a token; 404 for anything else."""
    found = await context.read(lambda read: (_url_for(read, name, root), read.fact(FINGERPRINT)))
    url, fingerprint = found
    if url is None:
        return PlainTextResponse("Not Found\n", 404)
    pin = fingerprint if fingerprint and url.startswith("https:") else ""
    return PlainTextResponse(script(name, url, client_ip(request), pin))


def script(token: str, url: str, address: str, fingerprint: str = "") -> str:
    """Return the shell script for a token. url: of the API, with `/v1`; address: of the host as the server sees it;
    fingerprint: of the server's certificate, if it is self-signed."""
    values = {
        "CATTLE_REGISTRATION_ACCESS_KEY": "registrationToken",
        "CATTLE_REGISTRATION_SECRET_KEY": token,
        "CATTLE_URL": url,
        "DETECTED_CATTLE_AGENT_IP": address,
    }
    if fingerprint:
        values["TRAILBOSS_SERVER_FINGERPRINT"] = fingerprint
    lines = [f'export {name}="{value.translate(_SPECIAL)}"' for name, value in values.items()]
    return "\n".join(["#!/bin/sh", *lines, ""])


def _url_for(read: Read, token: str, root: str) -> str | None:
    """Return the address of the API that a host with this token is told; None if the token is not good."""
    row = check_token(read, token, read.now, number_of(read, "registration.token.period.millis"))
    account = read.get(Account, row.account_id) if row else None
    if account is None or account.state != "active":
        return None
    host = value_of(read, "agent.instance.register.url") or value_of(read, "api.host")
    if not host:
        return root
    host = host if "://" in host else f"http://{host}"
    return host if host.endswith("/v1") else host.rstrip("/") + "/v1"
