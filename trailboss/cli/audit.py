"""`trailboss audit`: the audit log, oldest first, as lines for people or for other programs."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from trailboss.cli.options import connect
from trailboss.errors import TrailbossError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Form(StrEnum):
    """How an entry is printed."""

    TEXT = "text"
    JSONL = "jsonl"
    CSV = "csv"


def audit(
    context: typer.Context,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only younger ones: 90m, 24h, 7d, or 2015-11-24.")
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="NAME", help="Only these, such as api.container.create.")
    ] = None,
    everywhere: Annotated[bool, typer.Option("--all", help="Of the whole installation; for administrators.")] = False,
    form: Annotated[Form, typer.Option("--format", help="How each entry is printed.")] = Form.TEXT,
) -> None:
    """Print who did what, and what came of it."""
    filters: dict[str, Any] = {"sort": "id", "limit": "1000"}
    if since is not None:
        filters["created_gte"] = _moment(since).strftime("%Y-%m-%dT%H:%M:%SZ")
    if event is not None:
        filters["eventType"] = event
    with connect(context, enter=not everywhere) as client:
        session = client.session
        columns: list[str] | None = None
        for row in session.pages(session.url_of("auditlogs"), filters):
            fields = {name: value for name, value in row.items() if name not in ("links", "actions")}
            if form is Form.JSONL:
                print(json.dumps(fields))
            elif form is Form.TEXT:
                print(_line(fields))
            else:
                writer = csv.writer(sys.stdout, lineterminator="\n")
                if columns is None:
                    writer.writerow(columns := list(fields))
                writer.writerow([_cell(fields.get(column)) for column in columns])


def _line(entry: dict[str, Any]) -> str:
    error = (entry["responseObject"] or {}).get("message") if entry["responseCode"] >= 400 else None
    who = entry["authenticatedAsIdentityId"] or entry["authenticatedAsAccountId"] or "-"
    what = (entry["eventType"], entry["resourceId"] or entry["resourceType"] or "-", entry["responseCode"])
    return " ".join(str(word) for word in (entry["created"], entry["clientIp"], who, *what, error) if word)


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _moment(text: str) -> datetime:
    """Return the moment that a text names, a time ago or a date. Raises TrailbossError."""
    number, unit = text[:-1], text[-1:]
    if number.isdigit() and unit in UNITS:
        return datetime.now(UTC) - timedelta(seconds=int(number) * UNITS[unit])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TrailbossError(f"--since {text!r} is neither like 24h nor like 2015-11-24") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
