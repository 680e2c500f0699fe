"""From the store to what a host is to run: one record per container, all at first, then those that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trailboss.resources.instance import Container
from trailboss.resources.instance.specification import record_of
from trailboss.store.transaction import Entry, Read
from trailboss.wire.messages import Record


@dataclass(frozen=True)
class Told:
    """What an agent has been told of a container. generation, confirmed: of the row then, confirmed if its removal was.
    wish: what the record said, without its cause; None if there was no record."""

    generation: int
    confirmed: bool
    wish: tuple[object, ...] | None


_STILL_SPOKEN_OF = ("removed", "purging", "restoring")
"""States of removed rows that still have a record; those that were purged have none, and may be many."""
_WISHES = frozenset(f.wire for f in Container.fields.values() if f.part == "desired")


def concerns_record(entry: Entry) -> bool:
    """Say whether a change may have changed the record of a container: a wish did, or its removal was confirmed."""
    if entry.type != Container.type or entry.host_id is None:
        return False
    return not _WISHES.isdisjoint(entry.change) or entry.change.get("seenState", [None])[-1] == "removed"


def records_for(
    read: Read, host_id: int, known: Mapping[str, Told], changed: Mapping[int, str] | None = None
) -> tuple[list[Record], dict[str, Told]]:
    """Return the records of a host's containers that differ from what is known, and what is known then of all read.

    known: by container uuid, what was last sent. changed: numbers of the containers to look at, each with the id of
    the request that led to its change; None looks at every container of the host.
    A container that is gone for good (purged) is left out; the agent has confirmed its removal.
    """
    records: list[Record] = []
    told: dict[str, Told] = {}
    for row in _rows(read, host_id, changed):
        generation, confirmed = row.values["generation"], row.seen_state == "removed"
        before = known.get(row.uuid)
        if before is not None and (before.generation, before.confirmed) == (generation, confirmed):
            told[row.uuid] = before
            continue
        record = record_of(read, row, (changed or {}).get(row.id, ""))
        now = told[row.uuid] = Told(generation, confirmed, _wish(record))
        # many a change of a row is none for its host
        if record is not None and (before is None or before.wish != now.wish):
            records.append(record)
    return records, told


def _wish(record: Record | None) -> tuple[object, ...] | None:
    if record is None:
        return None
    return record.epoch, record.desired, record.hash, record.restart, record.stop_timeout_s


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
