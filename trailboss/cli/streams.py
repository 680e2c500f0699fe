"""Websockets of the API: a URL in, its text messages out, until the server closes.

Whoever reads decides whether to open the stream again. A stream on which nothing arrives for long is given up:
half-open connections would wait for ever otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from trailboss.errors import REASONS, ApiError, Unreachable

if TYPE_CHECKING:
    from trailboss.client.session import Session

HEARTBEAT_S = 15.0
"""Seconds between pings of ours; a server that does not answer one is gone."""


async def texts(url: str, session: Session) -> AsyncIterator[str]:
    """Yield the messages of a websocket as text. Raises ApiError when it is refused, Unreachable when it breaks."""
    auth = aiohttp.encode_basic_auth(*session.auth) if session.auth and same_server(url, session.base) else None
    headers = {"Authorization": auth} if auth else {}
    try:
        async with (
            aiohttp.ClientSession(trust_env=session.uses_proxy) as http,
            http.ws_connect(url, headers=headers, heartbeat=HEARTBEAT_S, max_msg_size=0, ssl=session.tls) as socket,
        ):
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    yield message.data
                elif message.type is aiohttp.WSMsgType.BINARY:
                    yield message.data.decode(errors="replace")
            if error := socket.exception():
                raise Unreachable(f"{place(url)} broke off: {error}") from error
    except aiohttp.WSServerHandshakeError as error:
        code = REASONS.get(error.status, str(error.status))
        raise ApiError(error.status, code, f"{place(url)} refused the stream") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{place(url)} does not answer: {error}") from error


def socket_url(url: str) -> str:
    """Return the websocket URL for one of the API."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme={"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)))


def same_server(url: str, base: str) -> bool:
    """Say whether a stream is on the server whose keys we have; they are sent nowhere else."""
    return urlsplit(socket_url(base))[:2] == urlsplit(url)[:2]


def place(url: str) -> str:
    """Return a URL without its query: that is where tokens are."""
    return urlunsplit(urlsplit(url)._replace(query=""))
