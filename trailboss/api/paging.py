"""The parameters of a collection: filters, sort, limit, marker, include. What cannot be understood is ignored.

A marker names the last row of a page (its sort value and id), for the sort that it was made for, so that the next page
begins right after it, whatever has come or gone meanwhile.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trailboss.api.schemas import TypeView
from trailboss.api.validate import INT_MAX, moment_of, raw_id, row_number
from trailboss.declare import Field, Resource
from trailboss.errors import ApiError
from trailboss.store.query import Condition
from trailboss.store.sorting import may_sort

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_FILTERS = 100
_PRESENT = ("null", "notnull")
Pairs = Sequence[tuple[str, str]]


@dataclass
class Wanted:
    """What is wanted of a collection.

    pairs: the query as it was sent. shown: the filters as the answer repeats them. is_empty: a filter that nothing can
    match. after: sort value and id of the row before the page. sort: wire name of a filterable field; None: by id.
    """

    view: TypeView
    pairs: Pairs = ()
    conditions: list[Condition] = field(default_factory=list)
    shown: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    is_empty: bool = False
    sort: str | None = None
    descending: bool = False
    limit: int = DEFAULT_LIMIT
    after: tuple[Any, int] | None = None
    include: list[str] = field(default_factory=list)

    @property
    def sort_column(self) -> str | None:
        """The column to sort by."""
        return self.view.filters[self.sort].name if self.sort else None


def wanted(view: TypeView, pairs: Pairs, *, plain_ids: bool = False) -> Wanted:
    """Read the query of a collection. Raises ApiError 414 for one that no database could answer."""
    found = Wanted(view, pairs)
    marker = None
    for name, value in pairs:
        match name:
            case "limit":
                found.limit = _limit(value, found.limit)
            case "sort":
                found.sort = value if value in view.filters and may_sort(view.filters[value]) else None
            case "order":
                found.descending = value.lower() == "desc"
            case "include":
                found.include.append(value)
            case "marker":
                marker = value
            case _:
                _add_filter(found, view, name, value, plain_ids)
    if len(found.conditions) > MAX_FILTERS:
        raise ApiError(414, message=f"a collection takes at most {MAX_FILTERS} filters")
    if marker:
        found.after = _after(marker, found)
    return found


def _limit(text: str, otherwise: int) -> int:
    if not (text.isascii() and text.isdigit()):
        return otherwise
    return min(int(text[:10]), MAX_LIMIT)


def _add_filter(found: Wanted, view: TypeView, name: str, value: str, plain_ids: bool) -> None:
    wire, modifier = name, "eq"
    if wire not in view.filters:
        wire, _, modifier = name.rpartition("_")
    field_ = view.filters.get(wire)
    if field_ is None or modifier not in field_.modifiers or not field_.column:
        return
    found.shown.setdefault(wire, []).append({"value": value, "modifier": modifier})
    if modifier in _PRESENT:
        found.conditions.append(Condition(field_.name, modifier))
        return
    stored = _stored(field_, value, plain_ids)
    if stored is None:
        found.is_empty = True
    else:
        found.conditions.append(Condition(field_.name, modifier, stored))


def _stored(field_: Field[Any], text: str, plain_ids: bool) -> Any:
    """Return a filter's value as it is stored; None if nothing can match it."""
    if "\0" in text:
        return None
    if field_.target is not None or field_.wire == "id":
        raw = raw_id(text, plain_ids)
        return None if raw is None else row_number(raw)
    if field_.type == "boolean":
        return {"true": 1, "false": 0, "1": 1, "0": 0}.get(text.lower())
    if field_.type == "date" and not text.isdigit():
        return moment_of(text)
    if field_.type in ("int", "date"):
        return _number(text)
    return field_.matched(text) if field_.matched is not None else text


def _number(text: str) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 30):
        return None
    return max(-INT_MAX, min(INT_MAX, int(text)))


def marker_after(row: Resource, asked: Wanted) -> str:
    """Return the marker of the page that follows a row."""
    column = asked.sort_column
    last = [asked.sort or "", asked.descending, row.values[column] if column else None, row.values["id"]]
    return "m" + base64.urlsafe_b64encode(msgspec.json.encode(last)).decode().rstrip("=")


def _after(marker: str, asked: Wanted) -> tuple[Any, int] | None:
    """Return where a page begins; None (the start) for a marker that is not ours or of another sort."""
    try:
        text = base64.urlsafe_b64decode(marker[1:] + "=" * (-len(marker[1:]) % 4))
        wire, descending, value, id_ = msgspec.json.decode(text, type=tuple[str, bool, str | int | bool | None, int])
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        return None
    if wire != (asked.sort or "") or descending != asked.descending:
        return None
    if asked.sort is None:
        return None, id_
    field_ = asked.view.filters[asked.sort]
    is_number = field_.type in ("int", "date", "boolean") or field_.target is not None
    if isinstance(value, str) is is_number and value is not None:
        return None
    if isinstance(value, str) and "\0" in value:
        return None
    return (int(value) if isinstance(value, bool) else value), id_
