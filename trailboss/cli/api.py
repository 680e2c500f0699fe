"""`trailboss api`: one request to the API as it is, for what has no command of its own."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from trailboss.cli.options import connect
from trailboss.errors import TrailbossError


class Method(StrEnum):
    """What the API understands."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"


def api(
    context: typer.Context,
    method: Annotated[Method, typer.Argument(metavar="METHOD", case_sensitive=False, help="GET, POST, PUT or DELETE.")],
    path: Annotated[
        str,
        typer.Argument(metavar="PATH", help="Such as /v1/hosts?limit=1; without the first /: of the environment."),
    ],
    body: Annotated[
        str | None, typer.Argument(metavar="[BODY]", help="JSON object; - reads it from standard input.")
    ] = None,
) -> None:
    """Send one request to the API and print its answer as JSON.

    The API's pages in a browser show what to put here, under "Copy as". Secrets in a body are best sent by standard
    input, because every user of a machine can read command lines.
    """
    fields = _fields(sys.stdin.read() if body == "-" else body)
    with connect(context, enter=not path.startswith("/")) as client:
        session = client.session
        print(json.dumps(session.ask(method, session.url_at(path), body=fields).document, indent=2))


def _fields(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise TrailbossError(f"the body is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise TrailbossError("the body must be a JSON object")
    return fields
