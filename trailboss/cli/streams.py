"""Websockets of the API: a URL in, its text messages out, until the server closes.

How it closes is told apart: normally, the stream was read to its end; any other code raises, with the server's reason.
Whoever reads decides whether to open the stream again. A stream on which nothing arrives for long is given up:
half-open connections would wait for ever otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from trailboss.errors import REASONS, ApiError, TrailbossError, Unreachable

if TYPE_CHECKING:
    from trailboss.client.session import Session

FOR_GOOD = (aiohttp.WSCloseCode.POLICY_VIOLATION, aiohttp.WSCloseCode.INTERNAL_ERROR)
"""Codes with which the server says that opening the stream again would be of no use."""
HEARTBEAT_S = 15.0
"""Seconds between pings of ours; a server that does not answer one is gone."""


async def texts(url: str, session: Session) -> AsyncIterator[str]:
    """Yield the messages of a websocket as text. Raises ApiError when it is refused, Unreachable when it breaks or may
    be opened again later, TrailbossError when the server ends it for good with a reason."""
    auth = aiohttp.encode_basic_auth(*session.auth) if session.auth and same_server(url, session.base) else None
    headers = {"Authorization": auth} if auth else {}
    try:
        async with (
            aiohttp.ClientSession(trust_env=session.uses_proxy) as http,
            http.ws_connect(url, headers=headers, heartbeat=HEARTBEAT_S, max_msg_size=0, ssl=session.tls) as socket,
        ):
            while (message := await socket.receive()).type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                is_text = message.type is aiohttp.WSMsgType.TEXT
                yield message.data if is_text else message.data.decode(errors="replace")
            _judge_end(message, socket.exception(), url)
    except aiohttp.WSServerHandshakeError as error:
        code = REASONS.get(error.status, str(error.status))
        raise ApiError(error.status, code, f"{place(url)} refused the stream") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{place(url)} does not answer: {error}") from error


def _judge_end(last: aiohttp.WSMessage, error: BaseException | None, url: str) -> None:
    """Return if a stream ended as it should. last: what came instead of a further text."""
    if last.type is not aiohttp.WSMsgType.CLOSE:
        raise Unreachable(f"{place(url)} broke off" + (f": {error}" if error else ""))
    if last.data == aiohttp.WSCloseCode.OK:
        return
    reason = last.extra or f"{place(url)} was closed with code {last.data}"
    raise TrailbossError(reason) if last.data in FOR_GOOD else Unreachable(reason)


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
