"""From the store to what a host is to run: one record per container, all at first, then those that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trailboss.resources.instance import Container
from trailboss.resources.instance.specification import record_of
from trailboss.store.transaction import Entry, Read
from trailboss.wire.messages import Record

Stamp = tuple[int, bool]
"""Of a row when its record was made: generation, and whether the host has confirmed the removal."""

_STILL_SPOKEN_OF = ("removed", "purging", "restoring")
"""States of removed rows that still have a record; those that were purged have none, and may be many."""
_WISHES = frozenset(f.wire for f in Container.fields.values() if f.part == "desired")


def concerns_record(entry: Entry) -> bool:
    """Say whether a change may have changed the record of a container: a wish did, or its removal was confirmed."""
    if entry.type != Container.type or entry.host_id is None:
        return False
    return not _WISHES.isdisjoint(entry.change) or entry.change.get("seenState", [None])[-1] == "removed"


def records_for(
    read: Read, host_id: int, known: Mapping[str, Stamp], changed: Mapping[int, str] | None = None
) -> tuple[list[Record], dict[str, Stamp]]:
    """Return the records of a host's containers that differ from what is known, and the stamps of all that was read.

    known: container uuid -> stamp at which it was last sent. changed: numbers of the containers to look at, each with
    the id of the request that led to its change; None looks at every container of the host.
    A container that is gone for good (purged) is left out; the agent has confirmed its removal.
    """
    records: list[Record] = []
    stamps: dict[str, Stamp] = {}
    for row in _rows(read, host_id, changed):
        stamp = stamps[row.uuid] = (row.values["generation"], row.seen_state == "removed")
        if known.get(row.uuid) == stamp:
            continue
        record = record_of(read, row, (changed or {}).get(row.id, ""))
        if record is not None:
            records.append(record)
    return records, stamps


def _rows(read: Read, host_id: int, changed: Mapping[int, str] | None) -> Iterator[Container]:
    if changed is None:
        yield from read.find(Container, host_id=host_id)
        for state in _STILL_SPOKEN_OF:
            yield from read.find(Container, live=False, host_id=host_id, state=state)
        return
    for id in changed:
        row = read.get(Container, id)
        if row is not None and row.host_id == host_id and row.state != "purged":
            yield row
