"""`trailboss events`: each change of a resource as it happens, one line each.

The API's `subscribe` websocket goes in. It tells only what changes from now on: what happens while the connection is
lost is not shown, and a line says so.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from trailboss.cli.options import Json, connect
from trailboss.errors import ApiError, Unreachable

if TYPE_CHECKING:
    from trailboss.cli.client import Client

PAUSES_S = (0.5, 1.0, 2.0, 5.0)
"""Before each attempt to connect again; the last one for ever."""
CHANGE = "resource.change"
STOPS = (401, 403, 404)
"""Refusals that will not change by trying again."""


def events(context: typer.Context, as_json: Json = False) -> None:
    """Print changes as they happen, until Ctrl-C.

    One line each: time, type, name, state, message.
    """
    with connect(context) as client:
        asyncio.run(_print_all(client, as_json))


async def _print_all(client: Client, as_json: bool) -> None:
    from trailboss.cli.streams import socket_url, texts

    url = socket_url(client.url_of("subscribe")) + f"?eventNames={CHANGE}"
    pauses = iter(PAUSES_S)
    has_listened = False
    while True:
        because = "the server ended the stream"
        try:
            async for text in texts(url, client):
                if not has_listened:
                    print(f"listening to changes in {client.base}", file=sys.stderr)
                has_listened, pauses = True, iter(PAUSES_S)
                for line in lines_of(json.loads(text), as_json):
                    print(line, flush=True)
        except (ApiError, Unreachable) as error:
            if not has_listened or (isinstance(error, ApiError) and error.status in STOPS):
                raise
            because = error.message
        pause = next(pauses, PAUSES_S[-1])
        print(f"{because}; trying again in {pause:g} s, changes until then are not shown", file=sys.stderr)
        await asyncio.sleep(pause)


def lines_of(event: dict[str, Any], as_json: bool) -> Iterator[str]:
    """Give the line of one event; none for what is no change, or one of a resource that the subscriber may not see."""
    if event.get("name") != CHANGE:
        return
    resource = (event.get("data") or {}).get("resource")
    if as_json:
        yield json.dumps(event)
    elif resource is not None:
        at = datetime.fromtimestamp(event["time"] / 1000).strftime("%H:%M:%S")
        name = resource.get("name") or resource["id"]
        words = (at, resource["type"], name, resource.get("state"), resource.get("transitioningMessage"))
        yield " ".join(str(word) for word in words if word)
