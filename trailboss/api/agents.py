"""`GET /agent/connect`: the websocket over which an agent is told what its host is to run, and reports.

In: the agent's own key (HTTP Basic), then messages of `wire/messages.py`. What is said in them is the business of
`dispatch/sessions.py`; here they are bytes, and a refusal or an end becomes a status or a close code with a reason.
"""

from __future__ import annotations

import msgspec
import structlog
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from trailboss.api import sockets
from trailboss.api.attempts import limits_of
from trailboss.api.context import Context
from trailboss.api.credentials import basic, key_kinds
from trailboss.api.request import peer_of
from trailboss.dispatch.reports import GOING
from trailboss.dispatch.sessions import Proof
from trailboss.errors import ApiError, Unreachable
from trailboss.resources.account import Account
from trailboss.resources.agent import Agent
from trailboss.resources.credential import AgentApiKey, secret_matches
from trailboss.store.transaction import Read
from trailboss.wire import messages
from trailboss.wire.messages import FromAgent, FromServer

log = structlog.get_logger()


async def connect(socket: WebSocket) -> None:
    """Serve an agent until one side ends the connection."""
    context: Context = socket.app.state.context
    dispatcher = context.dispatcher
    try:
        if dispatcher is None:
            raise ApiError(503, message="this server serves no agents")
        agent_id, proof = await context.read(lambda read: _prove(read, socket, context))
    except ApiError as problem:
        await sockets.refuse(socket, problem)
        return
    except Unreachable as error:
        await sockets.refuse(socket, ApiError(503, message=error.message))
        return

    async def receive() -> FromAgent | None:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
        return messages.decode_from_agent(message.get("text") or message.get("bytes") or b"")

    async def send(message: FromServer) -> None:
        await socket.send_text(messages.encode(message).decode())

    await socket.accept()
    try:
        end = await dispatcher.serve(agent_id, receive, send, proof)
    except WebSocketDisconnect:
        return
    except msgspec.DecodeError as error:
        log.warning("an agent's message cannot be read", agent=agent_id, error=str(error))
        await sockets.close(socket, messages.CLOSE_MALFORMED, f"the message cannot be read: {error}")
    except Unreachable as error:
        await sockets.close(socket, sockets.TRY_LATER, error.message)
    else:
        await sockets.close(socket, end.code, end.reason)


def _prove(read: Read, socket: WebSocket, context: Context) -> tuple[int, Proof]:
    """Return the number of the agent that dials, and its proof. Raises ApiError 401, 403, 429."""
    header = socket.headers.get("authorization")
    attempt = peer_of(socket, context.proxies), basic(header)[0].lower()
    context.attempts.check(*attempt, lambda: limits_of(read))
    try:
        found = agent_of(read, header)
    except ApiError as problem:
        if problem.status == 401:
            context.attempts.failed(*attempt, limits_of(read))
        raise
    context.attempts.succeeded(*attempt)
    return found


def agent_of(read: Read, authorization: str | None) -> tuple[int, Proof]:
    """Return the number of the agent that a header names, and what has proved that.

    Raises ApiError 401 for a key that is not (or no longer) good, 403 for an agent that is served no more.
    """
    public, secret = basic(authorization)
    is_known = public and AgentApiKey.type in key_kinds(read)
    for key in read.find(AgentApiKey, public_value=public) if is_known else ():
        if key.state == "active" and secret_matches(key.secret_value, secret):
            agent = next(iter(read.find(Agent, live=False, account_id=key.account_id)), None)
            if agent is None or agent.state in GOING:
                raise ApiError(403, message="this agent was deactivated or removed; register the host anew")
            owner = read.get(Account, key.account_id)
            if owner is None or owner.state != "active":
                raise ApiError(403, message="the account of this agent is not active")
            return agent.id, Proof(key.id, owner.id)
    raise ApiError(401, message="no agent has this key, or it was replaced; register the host anew")


routes = [WebSocketRoute("/agent/connect", connect)]
