"""`trailboss events`: each change of a resource as it happens, one line each.

The client's change stream goes in. It tells what changes from now on; when the connection is lost, it goes on where it
was, and a line says so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from trailboss.cli.options import Json, connect

if TYPE_CHECKING:
    from trailboss.client import Change


def events(context: typer.Context, as_json: Json = False) -> None:
    """Print changes as they happen, until Ctrl-C.

    One line each: time, type, name, state, message.
    """
    with connect(context) as client, client.subscribe(on_break=_say) as changes:
        _say(f"listening to changes in {client.base}")
        for change in changes:
            for line in lines_of(change, as_json):
                print(line, flush=True)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def lines_of(change: Change, as_json: bool) -> Iterator[str]:
    """Give the line of one change; none for one of a resource that the subscriber may not see."""
    if change.list_again is not None:
        _say(f"some changes are not shown: {change.list_again}")
    elif as_json:
        yield json.dumps(change.event)
    elif change.resource is not None:
        at = datetime.fromtimestamp(change.event["time"] / 1000).strftime("%H:%M:%S")
        resource = change.event["data"]["resource"]
        name = resource.get("name") or resource["id"]
        words = (at, resource["type"], name, resource.get("state"), resource.get("transitioningMessage"))
        yield " ".join(str(word) for word in words if word)
