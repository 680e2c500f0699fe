"""Joining: the agent exchanges a registration token for keys of its own, over the ordinary v1 API.

In: the token, and the random key that this host keeps on its disk (10-hosts section 4, steps 3 and 4). Out: access and
secret key. Done once; the same key gives the same agent again.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import structlog

from trailboss.errors import Permanent

log = structlog.get_logger()

USER = "registrationToken"
"""The user name that goes with a registration token: this literal word."""
AGAIN_S = 2.0
POLL_S = 0.2
ANSWER_S = 15.0
NO_GOOD = "it is wrong, has expired, or was switched off; `trailboss host token` prints a new one"


async def register(session: aiohttp.ClientSession, server: str, token: str, key: str) -> tuple[str, str]:
    """Return the agent's access and secret key. A server that is away is waited for.

    Raises Permanent if the server refuses the token.
    """
    if not token:
        raise Permanent("this host has not joined yet: set TRAILBOSS_TOKEN to a registration token of the server")
    url = server.rstrip("/") + "/v1/register"
    headers = {"Authorization": aiohttp.encode_basic_auth(USER, token)}
    said = ""
    while True:
        try:
            return await _register(session, url, headers, key)
        except (aiohttp.ClientError, OSError) as error:
            because = str(error) or "no answer in time"
            if because != said:
                log.warning("the server is not reached, the agent waits for it", server=server, because=because)
            said = because
            await asyncio.sleep(AGAIN_S)


async def _register(session: aiohttp.ClientSession, url: str, headers: dict[str, str], key: str) -> tuple[str, str]:
    """Ask for the register of our key, make it if there is none with keys, and wait until it is active."""
    asked = False
    while True:
        found = (await _call(session, "GET", url, headers, params={"key": key})).get("data") or []
        for document in found:
            if document.get("state") == "active" and document.get("accessKey") and document.get("secretKey"):
                return document["accessKey"], document["secretKey"]
        is_pending = any(document.get("state") in ("requested", "registering", "activating") for document in found)
        if not is_pending and not asked:
            await _call(session, "POST", url, headers, json={"key": key})
            asked = True
            continue
        await asyncio.sleep(POLL_S)


async def _call(
    session: aiohttp.ClientSession, method: str, url: str, headers: dict[str, str], **more: Any
) -> dict[str, Any]:
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    async with session.request(method, url, headers=headers, timeout=timeout, **more) as response:
        text = await response.text()
        if response.status in (401, 403):
            raise Permanent(f"the server refuses the registration token: {NO_GOOD}")
        if 400 <= response.status < 500:
            raise Permanent(f"the server refuses the registration ({response.status}): {text[:300]}")
        response.raise_for_status()
        document: dict[str, Any] = await response.json(content_type=None)
        return document
