"""A collection of the API: list with filters, get by id, create.

Names of fields are written in Python's way (`environment_id="1e1"`), with the modifier of a filter behind them
(`name_prefix="web"`, `removed_null=True`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from trailboss.client.resource import Resource, encode
from trailboss.errors import ApiError

if TYPE_CHECKING:
    from trailboss.client.client import Client

T = TypeVar("T", bound=Resource)

PAGE = 1000
NOT_FOUND = 404
MODIFIERS = ("ne", "lt", "lte", "gt", "gte", "prefix", "like", "notlike", "null", "notnull")

Names = list[str]
Filter = str | int | bool | datetime | Names


class Collection(Generic[T]):
    """All resources of one type. name: the plural in its URL; in a child's list, a whole URL."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self.name = client, name

    def each(self, **filters: Filter) -> Iterator[T]:
        """Read the collection to its end, page by page. Filters, and `sort`, `order`, `include`."""
        session = self._client.session
        parameters = {"limit": str(PAGE), **{wire_filter(n): _text(v) for n, v in filters.items()}}
        for document in session.pages(session.url_of(self.name), parameters):
            yield cast(T, self._client.decode(document))

    def list(self, **filters: Filter) -> list[T]:
        """Return the whole collection, or what the filters leave of it."""
        return [*self.each(**filters)]

    def get(self, id: str, *, include: Names | None = None) -> T:
        """Return one resource. Raises ApiError 404."""
        url = f"{self._client.session.url_of(self.name)}/{id}"
        return cast(T, self._client.read(url, include))

    def find(self, id: str) -> T | None:
        """Return one resource, or None if there is none of this id."""
        try:
            return self.get(id)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def create(self, resource: T | Mapping[str, Any]) -> T:
        """Create a resource, given as one or as a document of the API; it is returned in its first state."""
        return cast(T, self._client.send("POST", self._client.session.url_of(self.name), encode(resource)))


def wire_filter(name: str) -> str:
    """Return the parameter for a filter's name (`remove_time_gt` -> `removeTime_gt`)."""
    if name.startswith("_"):
        return name
    field, _, modifier = name.rpartition("_")
    if field and modifier in MODIFIERS:
        return f"{_camel(field)}_{modifier}"
    return _camel(name)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _text(value: Filter) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return str(int(value.timestamp() * 1000))
    return value if isinstance(value, list) else str(value)
