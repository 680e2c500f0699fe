"""From what a client sent to typed values, or to one typed error: that of the first rule that is violated.

Bodies come in by wire names. Out come values by Python names, embedded objects by wire names; references as numbers,
dates as ms. Whether a reference leads to something that the caller sees needs the database: `Checked.references` says
what is left to look up, `read.py` does it. What only one type asks for is checked by its own `prepare`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from trailboss.api.schemas import RoleView, TypeView
from trailboss.declare import Field, parse_id
from trailboss.errors import ApiError

INT_MAX = 2**63 - 1
MAX_ID_DIGITS = 18
_DATE_FORMS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Reference:
    """A reference that was sent. field: wire name of where; type: name of what it leads to; raw: id as stored."""

    field: str
    type: str
    raw: str


@dataclass
class Checked:
    """What a body says: values to store and references to look up."""

    values: dict[str, Any] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)


def for_create(view: TypeView, role: RoleView, body: Mapping[str, Any], *, plain_ids: bool = False) -> Checked:
    """Check the fields of a new row that the role may set. Raises ApiError 422."""
    checker = _Checker(role, plain_ids)
    values: dict[str, Any] = {}
    for wire, field_ in view.create.items():
        if wire in body:
            values[field_.name] = checker.value(field_, body[wire])
        if values.get(field_.name) is None and field_.default is not None:
            values[field_.name] = field_.default
        if field_.required and values.get(field_.name) in (None, []):
            raise ApiError(422, "MissingRequired", f"{wire} is required", field=wire)
    return Checked(values, checker.references)


def for_update(view: TypeView, role: RoleView, body: Mapping[str, Any], *, plain_ids: bool = False) -> Checked:
    """Check the fields that were sent and that the role may change; others are ignored. Raises ApiError 422."""
    checker = _Checker(role, plain_ids)
    sent: dict[str, Any] = {}
    for wire, field_ in view.update.items():
        if wire not in body:
            continue
        if field_.required and body[wire] is None:
            raise ApiError(422, "NotNullable", f"{wire} is required, it may not be null", field=wire)
        sent[field_.name] = checker.value(field_, body[wire])
    return Checked(sent, checker.references)


Check = Callable[[], Checked]
"""Gives what was found of a body, or raises it, when its turn comes among the other checks."""


def ahead(check: Check) -> Check:
    """Check a body now, before the transaction in which the result is wanted: no row is needed for it."""
    try:
        found = check()
    except ApiError as error:
        refused = error

        def refuse() -> Checked:
            raise refused

        return refuse
    # a transaction that is run again begins with the same values
    return lambda: Checked(dict(found.values), found.references)


class _Checker:
    """Converts and checks values, and collects the references in them."""

    def __init__(self, role: RoleView, plain_ids: bool) -> None:
        self.role, self.plain_ids = role, plain_ids
        self.references: list[Reference] = []

    def value(self, field_: Field[Any], value: Any) -> Any:
        """Return a field's value as it is stored. Raises ApiError 422."""
        if value is None:
            if not field_.nullable and field_.default is None:
                raise ApiError(422, "NotNullable", f"{field_.wire} may not be null", field=field_.wire)
            return field_.default if not field_.nullable else None
        return self._typed(field_, field_.type, value)

    def _typed(self, field_: Field[Any], type_: str, value: Any) -> Any:
        if type_.startswith("array["):
            elements = value if isinstance(value, list) else [value]
            return [self._element(field_, type_[len("array[") : -1], element) for element in elements]
        if type_.startswith("map["):
            return self._map(field_, type_[len("map[") : -1], value)
        if type_.startswith("reference["):
            return self._reference(field_, type_[len("reference[") : -1], value)
        if type_ in _SCALARS:
            converted = _SCALARS[type_](field_, value)
            _check_rules(field_, converted)
            return converted
        return self._embedded(field_, type_, value)

    def _element(self, field_: Field[Any], type_: str, value: Any) -> Any:
        if value is None:
            raise ApiError(422, "NotNullable", f"an element of {field_.wire} is null", field=field_.wire)
        return self._typed(field_, type_, value)

    def _map(self, field_: Field[Any], type_: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_kind(field_, "a map")
        # null is a value of free JSON; of a text or a number it would be none, and a variable without value is ""
        convert = self._typed if type_ == "json" else self._element
        return {_text(field_, key): convert(field_, type_, element) for key, element in value.items()}

    def _reference(self, field_: Field[Any], target: str, value: Any) -> int | None:
        if value == "":
            return None
        raw = raw_id(str(value), self.plain_ids) if isinstance(value, str | int) else None
        if raw is None or row_number(raw) is None:
            raise ApiError(422, "InvalidReference", f"{value!r} is not the id of a {target}", field=field_.wire)
        self.references.append(Reference(field_.wire, target, raw))
        return int(raw)

    def _embedded(self, field_: Field[Any], type_: str, value: Any) -> dict[str, Any]:
        view = self.role.types.get(type_)
        if view is None or not isinstance(value, dict):
            raise _wrong_kind(field_, f"an object of type {type_}")
        checked = for_create(view, self.role, value, plain_ids=self.plain_ids)
        self.references += checked.references
        return {view.type.fields[name].wire: v for name, v in checked.values.items() if v is not None}


def raw_id(text: str, plain_ids: bool = False) -> str | None:
    """Return the stored id that a text on the wire stands for; None if it is none."""
    return text if plain_ids and text.isascii() and text.isdigit() else parse_id(text)


def row_number(raw: str) -> int | None:
    """Return the number of a row that a stored id stands for; None if it is not a number that a row can have."""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= MAX_ID_DIGITS else None


def _wrong_kind(field_: Field[Any], wanted: str) -> ApiError:
    return ApiError(422, "InvalidFormat", f"{field_.wire} must be {wanted}", field=field_.wire)


def _text(field_: Field[Any], value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise _wrong_kind(field_, "a text")
    text = str(value)
    if "\0" in text:
        raise ApiError(422, "InvalidCharacters", f"{field_.wire} contains a NUL character", field=field_.wire)
    return text


def _option(field_: Field[Any], value: Any) -> str:
    text = _text(field_, value)
    if field_.options and text not in field_.options:
        options = ", ".join(field_.options)
        raise ApiError(422, "InvalidOption", f"{text!r} is not one of {options}", field=field_.wire)
    return text


def _int(field_: Field[Any], value: Any) -> int | None:
    if value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,30}", value, re.ASCII):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_kind(field_, "a whole number")
    if abs(value) > INT_MAX:
        code = "MaxLimitExceeded" if value > 0 else "MinLimitExceeded"
        raise ApiError(422, code, f"{field_.wire} is out of range", field=field_.wire)
    return value


def _float(field_: Field[Any], value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise _wrong_kind(field_, "a number") from error


def _boolean(field_: Field[Any], value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _wrong_kind(field_, "true or false")
    return value


def _date(field_: Field[Any], value: Any) -> int | None:
    if isinstance(value, str) and not value.strip():
        return None
    if (moment := moment_of(str(value))) is not None:
        return moment
    raise ApiError(422, "InvalidDateFormat", f"{field_.wire} must be like 2015-11-24T09:00:00Z", field=field_.wire)


def moment_of(text: str) -> int | None:
    """Return the ms of a date as the API writes it; None if it is none."""
    for form in _DATE_FORMS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp() * 1000)
        except ValueError:
            continue
    return None


def _json(field_: Field[Any], value: Any) -> Any:
    return value


_SCALARS: dict[str, Callable[[Field[Any], Any], Any]] = {
    "string": _text,
    "password": _text,
    "blob": _text,
    "enum": _option,
    "int": _int,
    "float": _float,
    "boolean": _boolean,
    "date": _date,
    "json": _json,
}


def _check_rules(field_: Field[Any], value: Any) -> None:
    """Check length, range and characters of one value, or of one element of a list. Raises ApiError 422."""
    if isinstance(value, str):
        _check_length(field_, value)
        _check_characters(field_, value)
        if field_.options and value not in field_.options:
            _option(field_, value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if field_.min is not None and value < field_.min:
            raise ApiError(422, "MinLimitExceeded", f"{field_.wire} is at least {field_.min}", field=field_.wire)
        if field_.max is not None and value > field_.max:
            raise ApiError(422, "MaxLimitExceeded", f"{field_.wire} is at most {field_.max}", field=field_.wire)


def _check_length(field_: Field[Any], value: str) -> None:
    if field_.min_length is not None and len(value) < field_.min_length:
        message = f"{field_.wire} has at least {field_.min_length} characters"
        raise ApiError(422, "MinLengthExceeded", message, field=field_.wire)
    if field_.max_length is not None and len(value) > field_.max_length:
        message = f"{field_.wire} has at most {field_.max_length} characters"
        raise ApiError(422, "MaxLengthExceeded", message, field=field_.wire)


def _check_characters(field_: Field[Any], value: str) -> None:
    for rule, wanted in ((field_.valid_chars, True), (field_.invalid_chars, False)):
        if rule is None:
            continue
        pattern = _characters(rule)
        bad = next((c for c in value if (pattern.fullmatch(c) is not None) is not wanted), None)
        if bad is not None:
            message = f"{field_.wire} may not contain {bad!r}"
            raise ApiError(422, "InvalidCharacters", message, field=field_.wire)


@cache
def _characters(rule: str) -> re.Pattern[str]:
    return re.compile(f"[{rule}]")
