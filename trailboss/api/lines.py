"""A page of a collection as lines, for other programs: JSON (one resource a line) or CSV (`?_format=jsonl`, `csv`).

The header `Link` leads to the next page, as in RFC 8288.
"""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec

from trailboss.api.read import File
from trailboss.api.schemas import TypeView
from trailboss.errors import ApiError

_NOT_FIELDS = ("links", "actions")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for a formula at the beginning of a text."""


def of(page: dict[str, Any], view: TypeView, form: str) -> File:
    """Return a collection document in another form. Raises ApiError 406 for one that there is not."""
    rows = [{n: v for n, v in row.items() if n not in _NOT_FIELDS} for row in page["data"]]
    name = view.type.plural.lower()
    if form == "jsonl":
        content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        return File(f"{name}.jsonl", "application/x-ndjson", content, _following(page))
    if form != "csv":
        raise ApiError(406, message=f"_format is jsonl or csv, not {form!r}")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns := ["id", "type", *(wire for wire in view.fields if wire != "id")])
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return File(f"{name}.csv", "text/csv; charset=utf-8", text.getvalue().encode(), _following(page))


def _following(page: dict[str, Any]) -> dict[str, str]:
    following = (page["pagination"] or {}).get("next")
    return {"Link": f'<{following}>; rel="next"'} if following else {}


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"'{text}" if text.startswith(_FORMULAS) else text
