"""What a function is handed that reads or writes: rows in, rows out.

`Read` is a snapshot; `Tx` may also change. Every change of a row is compared with the counters it was read with
(`Lost` if somebody was faster) and leaves a journal entry in the same transaction. A function given to `Store.write`
may be run again after `Lost`, so it must not touch anything but its transaction.
What is not here: SQL dialects (`database.py`), threads and commits (`store.py`), the journal's table (`journal.py`).
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy import Table, and_, bindparam, case, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement, ColumnElement

from trailboss.declare import Resource, ResourceType, registry
from trailboss.errors import Lost
from trailboss.store.database import Connection, Database
from trailboss.store.tables import column_names, fact, hold, table_of, work
from trailboss.store.vault import Vault

R = TypeVar("R", bound=Resource)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

_FACT = select(fact.c.value).where(fact.c.name == bindparam("fact_name"))
_TAKE_FACT = delete(fact).where(fact.c.name == bindparam("fact_name"), fact.c.value == bindparam("fact_value"))
_HOLDER = select(hold.c.holder_type, hold.c.holder_id).where(
    hold.c.scope == bindparam("of_scope"), hold.c.key == bindparam("of_key")
)
_HELD_BY = and_(hold.c.holder_type == bindparam("of_type"), hold.c.holder_id == bindparam("of_id"))
_RELEASE = delete(hold).where(_HELD_BY)
_RELEASE_SCOPE = delete(hold).where(
    _HELD_BY, or_(hold.c.scope == bindparam("of_scope"), hold.c.scope.like(bindparam("below_scope")))
)
_HELD = select(hold.c.key, hold.c.holder_type, hold.c.holder_id).where(hold.c.scope == bindparam("of_scope"))

PRIORITY = 50
"""Of work that a user is waiting for; a resync has 90."""


@dataclass(frozen=True)
class _Shape:
    """How rows of a type are read. document: name of each field in the JSON document by its wire name; empty: the same
    fields without a value. sealed: names of fields that may be stored sealed, and where they are, for the vault."""

    document: dict[str, str]
    empty: dict[str, Any]
    booleans: tuple[str, ...]
    sealed: dict[str, str]


_shapes: dict[ResourceType, _Shape] = {}


def _shape_of(type_: ResourceType) -> _Shape:
    if type_ not in _shapes:
        fields = [(n, f) for n, f in type_.fields.items() if n != "data"]
        document = {f.wire: n for n, f in fields if not f.column}
        booleans = tuple(n for n, f in fields if f.column and f.type == "boolean")
        sealed = {n: f"{type_.base.type}.{f.wire}" for n, f in fields if f.may_be_sealed}
        _shapes[type_] = _Shape(document, dict.fromkeys(document.values()), booleans, sealed)
    return _shapes[type_]


def type_of(type_: ResourceType, kind: str | None) -> ResourceType:
    """Return the subtype that the kind of a row names."""
    named = registry.get(kind or "", type_.base)
    return named if issubclass(named, type_.base) else type_.base


def decode(type_: ResourceType, columns: Sequence[str], row: Sequence[Any], vault: Vault) -> Resource:
    """Build the typed row of the subtype that its kind names; what is sealed is opened, except inside of `data`."""
    values: dict[str, Any] = dict(zip(columns, row, strict=True))
    cls = type_of(type_, values["kind"])
    shape = _shape_of(cls)
    document = values["data"] = _decode(values["data"])
    values.update(shape.empty)
    for wire, value in document.get("fields", {}).items():
        if wire in shape.document:
            values[shape.document[wire]] = value
    for name in shape.booleans:
        if values[name] is not None:
            values[name] = bool(values[name])
    for name, place in shape.sealed.items():
        if values[name] is not None and cls.fields[name].is_sealed_in(values):
            values[name] = vault.open(values[name], place)
    return cls(values)


def sealed(type_: ResourceType, values: Mapping[str, Any], among: Mapping[str, Any], vault: Vault) -> dict[str, Any]:
    """Return some values of a row (`among`) as they are stored: secrets sealed. values: all of the row."""
    places = _shape_of(type_).sealed
    kept = {
        name: vault.seal(among[name], place)
        for name, place in places.items()
        if among.get(name) is not None and type_.fields[name].is_sealed_in(values)
    }
    return {**among, **kept}


@dataclass(frozen=True)
class Entry:
    """One journal entry before its number is known. change: field -> [old, new]; secrets read "changed".
    host_id: host that the row sits on, if it does: whose agent should look."""

    type: str
    id: int
    account_id: int | None
    change: dict[str, list[Any]]
    at: int
    actor: int | None
    cause: str
    message: str | None = None
    host_id: int | None = None


@dataclass
class Statements:
    """Statements per table, made once per database. memory: see `Tx.memory`."""

    database: Database
    kept: dict[tuple[Any, ...], ClauseElement] = field(default_factory=dict)
    memory: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for statement in (_FACT, _HOLDER, _HELD, _RELEASE, _RELEASE_SCOPE):
            self.database.keep(statement)

    def find(
        self, type_: ResourceType, keys: tuple[str, ...], live: bool, limit: int | None, newest: bool
    ) -> ClauseElement:
        """Rows of a type whose columns equal parameters named like them; in the order of their ids."""
        name = ("find", type_.base.type, type_.type, keys, live, limit, newest)
        if name not in self.kept:
            table = table_of(type_)
            conditions: list[ColumnElement[bool]] = [table.c[k] == bindparam(k) for k in keys]
            if live:
                conditions.append(table.c.removed.is_(None))
            if type_.base is not type_:
                # not in_(): its list is expanded when the other parameters have values, and here they have none yet
                conditions.append(or_(*(table.c.kind == kind for kind in kinds_of(type_))))
            order = table.c.id.desc() if newest else table.c.id
            self.kept[name] = self.database.keep(
                select(table).where(and_(True, *conditions)).order_by(order).limit(limit)
            )
        return self.kept[name]

    def columns(self, type_: ResourceType, names: tuple[str, ...], keys: tuple[str, ...]) -> ClauseElement:
        """Some columns of the rows that are not removed and whose columns equal parameters named like them.

        `account_id.state` is the column `state` of the row that `account_id` refers to, whatever its type.
        """
        name = ("columns", type_.type, names, keys)
        if name not in self.kept:
            source: Any = table_of(type_)
            tables: dict[str, Any] = {"": source}
            for reference in dict.fromkeys(n.partition(".")[0] for n in names if "." in n):
                tables[reference] = table_of(registry[type_.fields[reference].target or ""]).alias(reference)
                source = source.outerjoin(tables[reference], tables[reference].c.id == tables[""].c[reference])
            wanted = [tables[reference].c[column] for reference, _, column in (n.rpartition(".") for n in names)]
            same = [tables[""].c[k] == bindparam(k) for k in keys]
            statement = select(*wanted).select_from(source).where(tables[""].c.removed.is_(None), *same)
            self.kept[name] = self.database.keep(statement)
        return self.kept[name]

    def insert(self, table: Table) -> ClauseElement:
        """One row of a table; returns its id."""
        name = ("insert", table.name)
        if name not in self.kept:
            columns = [c for c in column_names(table) if c != "id"]
            statement = insert(table).values({c: bindparam(c) for c in columns}).returning(table.c.id)
            self.kept[name] = self.database.keep(statement)
        return self.kept[name]

    def update(self, table: Table, columns: tuple[str, ...]) -> ClauseElement:
        """Some columns of one row, if its counters are still those given."""
        name = ("update", table.name, columns)
        if name not in self.kept:
            same = and_(
                table.c.id == bindparam("old_id"),
                table.c.generation == bindparam("old_generation"),
                table.c.observed == bindparam("old_observed"),
            )
            self.kept[name] = self.database.keep(update(table).where(same).values({c: bindparam(c) for c in columns}))
        return self.kept[name]


def kinds_of(type_: ResourceType) -> tuple[str, ...]:
    """Return the kinds whose rows belong to a type: itself and its subtypes."""
    return (type_.type, *(c.type for c in type_.children))


class Read:
    """A snapshot of the rows. now: ms since 1970."""

    def __init__(self, connection: Connection, statements: Statements, now: int) -> None:
        self.connection, self.statements, self.now = connection, statements, now

    def get(self, type_: type[R], id: int | None) -> R | None:
        """Return a row by its number, removed or not; None if there is none (of that type)."""
        if id is None:
            return None
        rows = self.find(type_, live=False, id=id)
        return rows[0] if rows else None

    def require(self, type_: type[R], id: int | None) -> R:
        """Return a row that must be there. Raises Lost if it is not."""
        row = self.get(type_, id)
        if row is None:
            raise Lost(f"{type_.type} {id} is gone")
        return row

    def find(
        self,
        type_: type[R],
        *,
        live: bool = True,
        limit: int | None = None,
        newest: bool = False,
        **equal: Any,
    ) -> list[R]:
        """Return the rows whose columns equal the given values, oldest first. live: leave out removed ones."""
        statement = self.statements.find(type_, tuple(sorted(equal)), live, limit, newest)
        return self._rows(type_, self.connection.run(statement, equal))

    def columns(self, type_: ResourceType, *names: str, **equal: Any) -> list[tuple[Any, ...]]:
        """Return columns of the rows whose columns equal the given values, removed ones left out; as they are stored.

        A name may lead to the row that a reference names: `account_id.state`; None if there is no such row. It is for
        what is asked at each request: one statement, and no row is built from its document.
        """
        return self.connection.run(self.statements.columns(type_, names, tuple(sorted(equal))), equal)

    def select(self, type_: type[R], statement: ClauseElement | str, **params: Any) -> list[R]:
        """Return the rows of a statement that selects all columns of the type's table."""
        return self._rows(type_, self.connection.run(statement, params))

    def fact(self, name: str) -> str | None:
        """Return a single value of the installation (its id, incarnation, network)."""
        rows = self.connection.run(_FACT, {"fact_name": name})
        return rows[0][0] if rows else None

    def run(self, statement: ClauseElement, **params: Any) -> list[tuple[Any, ...]]:
        """Run any statement; return its rows."""
        return self.connection.run(statement, params)

    def _rows(self, type_: type[R], rows: list[tuple[Any, ...]]) -> list[R]:
        columns = column_names(table_of(type_))
        vault = self.connection.database.vault
        return [cast(R, decode(type_, columns, row, vault)) for row in rows]


class Tx(Read):
    """A transaction that may change rows. actor: account that asked; cause: id of the request that led here."""

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        now: int,
        *,
        cause: str = "",
        actor: int | None = None,
    ) -> None:
        super().__init__(connection, statements, now)
        self.cause, self.actor = cause, actor
        self.entries: list[Entry] = []
        self.earliest: int | None = None
        self.memory = statements.memory
        """What functions keep from one transaction to the next, all of them on the writer's thread. What was made of
        rows must be compared with them before it is used: the transaction may not have been committed."""

    def insert(self, type_: type[R], **values: Any) -> R:
        """Store a new row with generation 1; unnamed fields get their defaults. Returns it."""
        full: dict[str, Any] = {n: values.get(n, f.default) for n, f in type_.fields.items() if n not in ("data", "id")}
        full.update(
            kind=values.get("kind") or type_.type,
            uuid=values.get("uuid") or str(uuids.uuid4()),
            created=values.get("created") or self.now,
        )
        row = self._insert(type_, full, values.get("data") or {})
        columns = column_names(table_of(type_))
        made = cast(R, decode(type_, columns, [row[c] for c in columns], self.connection.database.vault))
        self._journal(made, {n: (None, v) for n, v in full.items() if v not in (None, {}, [])})
        return made

    def append(self, type_: ResourceType, **values: Any) -> None:
        """Store a row of a type that is only ever read: it is not journaled and has no uuid."""
        self._insert(type_, {**values, "kind": type_.type, "created": self.now}, {})

    def _insert(self, type_: ResourceType, full: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        """Store the values of a new row; return it as it is stored."""
        table = table_of(type_)
        kept = sealed(type_of(type_, full["kind"]), full, full, self.connection.database.vault)
        document = dict(data)
        document["fields"] = {
            f.wire: kept[n] for n, f in type_.fields.items() if not f.column and kept.get(n) is not None
        }
        row: dict[str, Any] = {c: _stored(kept.get(c)) for c in column_names(table) if c != "id"}
        row.update(generation=1, observed=0, failed=0, data=_encode(document).decode())
        row["id"] = self.connection.run(self.statements.insert(table), row)[0][0]
        return row

    def change(self, row: R, **values: Any) -> R:
        """Store changed fields of a row as it was read; return the new row. Nothing changed: nothing is written.

        Raises Lost if the row is no longer what was read.
        """
        type_ = type(row)
        changed = {n: v for n, v in values.items() if row.values.get(n) != v}
        if not changed:
            return row
        table = table_of(type_)
        parts = {type_.fields[n].part if n in type_.fields else "observed" for n in changed}
        kept = sealed(type_, {**row.values, **changed}, changed, self.connection.database.vault)
        stored: dict[str, Any] = {n: _stored(v) for n, v in kept.items() if n in table.c and n != "data"}
        document = changed.get("data", row.values["data"])
        extra = {type_.fields[n].wire: v for n, v in kept.items() if n not in table.c}
        if extra or "data" in changed:
            document = {**document, "fields": {**document.get("fields", {}), **extra}}
            stored["data"] = _encode(document).decode()
        if "desired" in parts:
            stored["generation"] = row.values["generation"] + 1
        if "observed" in parts:
            stored["observed"] = row.values["observed"] + 1
        self.connection.run(
            self.statements.update(table, tuple(stored)),
            {
                **stored,
                "old_id": row.values["id"],
                "old_generation": row.values["generation"],
                "old_observed": row.values["observed"],
            },
        )
        if self.connection.rowcount != 1:
            raise Lost(f"{type_.type} {row.values['id']} was changed meanwhile")
        counters: dict[str, Any] = {k: stored[k] for k in ("generation", "observed") if k in stored}
        new = type_({**row.values, **changed, **counters, "data": document})
        self._journal(new, {n: (row.values.get(n), v) for n, v in changed.items()})
        return new

    def erase(self, row: Resource) -> None:
        """Delete a row of a type without a life of its own (a setting, a hold's owner)."""
        table = table_of(type(row))
        self.connection.run(delete(table).where(table.c.id == row.values["id"]))
        self._journal(row, {"removed": (None, self.now)})

    def prune(self, type_: ResourceType, *, up_to: int) -> None:
        """Delete the oldest rows of a type that is not journaled, up to a number."""
        table = table_of(type_)
        self.connection.run(delete(table).where(table.c.id <= bindparam("up_to")), {"up_to": up_to})

    def mark(self, type_: ResourceType, id: int, *, after_s: float = 0, priority: int = PRIORITY) -> None:
        """Ask for a resource to be looked at, now or later: one durable row per resource, however often marked."""
        due = self.now + int(after_s * 1000)
        key = {"type": type_.base.type, "id": id}
        params = {**key, "due_at": due, "priority": priority, "cause": self.cause}
        self.connection.run(_mark_for(self.statements), params)
        self.wants_work(due)

    def wants_work(self, due: int) -> None:
        """Note the moment (ms) at which work is due, so that the engine is woken after the commit."""
        self.earliest = due if self.earliest is None else min(self.earliest, due)

    def hold(self, scope: str, key: str, holder: Resource) -> bool:
        """Reserve a key for one holder; True if it is now (or was already) held by it. Unique over all servers."""
        kind, id = type(holder).base.type, holder.values["id"]
        params = {"scope": scope, "key": key, "holder_type": kind, "holder_id": id}
        self.connection.run(_hold_for(self.statements), params)
        if self.connection.rowcount == 1:
            return True
        return self.holder(scope, key) == (kind, id)

    def holder(self, scope: str, key: str) -> tuple[str, int] | None:
        """Return type and number of who holds a key."""
        rows = self.connection.run(_HOLDER, {"of_scope": scope, "of_key": key})
        return (rows[0][0], rows[0][1]) if rows else None

    def held(self, scope: str) -> dict[str, tuple[str, int]]:
        """Return all keys of a scope that are held: key -> type and number of the holder."""
        return {key: (type_, id) for key, type_, id in self.connection.run(_HELD, {"of_scope": scope})}

    def release(self, holder: Resource, scope: str | None = None) -> None:
        """Give back what a holder holds: all, or that of one scope and of those below it (`port`, `port/80/tcp`)."""
        params: dict[str, Any] = {"of_type": type(holder).base.type, "of_id": holder.values["id"]}
        if scope is None:
            self.connection.run(_RELEASE, params)
        else:
            self.connection.run(_RELEASE_SCOPE, {**params, "of_scope": scope, "below_scope": f"{scope}/%"})

    def set_fact(self, name: str, value: str) -> None:
        """Store a single value of the installation."""
        self.connection.run(_fact_for(self.statements), {"name": name, "value": value})

    def take_fact(self, name: str, value: str) -> bool:
        """Take a value away; say if it was there. Of several who ask at once, on whatever server, one is told so."""
        self.connection.run(_TAKE_FACT, {"fact_name": name, "fact_value": value})
        return self.connection.rowcount == 1

    def _journal(self, row: Resource, change: dict[str, tuple[Any, Any]]) -> None:
        fields = type(row).fields
        shown: dict[str, list[Any]] = {}
        for name, (old, new) in change.items():
            spec = fields.get(name)
            if spec is not None and spec.part == "volatile":
                continue
            wire = spec.wire if spec else name
            shown[wire] = ["changed"] if spec is not None and spec.is_secret_in(row.values) else [old, new]
        if not shown:
            return
        self.entries.append(
            Entry(
                type=type(row).type,
                id=row.values["id"],
                account_id=row.values.get("account_id"),
                change=shown,
                at=self.now,
                actor=self.actor,
                cause=self.cause,
                message=change["message"][1] if "message" in change else None,
                host_id=row.values.get("host_id"),
            )
        )


def _stored(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _upsert(statements: Statements) -> Any:
    return postgresql.insert if statements.database.is_postgres else sqlite.insert


def _mark_for(statements: Statements) -> ClauseElement:
    if ("mark",) not in statements.kept:
        new = _upsert(statements)(work).values(
            type=bindparam("type"),
            id=bindparam("id"),
            due_at=bindparam("due_at"),
            priority=bindparam("priority"),
            marks=1,
            attempts=0,
            cause=bindparam("cause"),
        )
        earlier = new.excluded.due_at < work.c.due_at
        statement = new.on_conflict_do_update(
            index_elements=["type", "id"],
            set_={
                "marks": work.c.marks + 1,
                "due_at": case((earlier, new.excluded.due_at), else_=work.c.due_at),
                "priority": case(
                    (new.excluded.priority < work.c.priority, new.excluded.priority), else_=work.c.priority
                ),
                "cause": case((new.excluded.cause != "", new.excluded.cause), else_=work.c.cause),
            },
        )
        statements.kept[("mark",)] = statements.database.keep(statement)
    return statements.kept[("mark",)]


def _hold_for(statements: Statements) -> ClauseElement:
    if ("hold",) not in statements.kept:
        statement = (
            _upsert(statements)(hold).values({c: bindparam(c) for c in column_names(hold)}).on_conflict_do_nothing()
        )
        statements.kept[("hold",)] = statements.database.keep(statement)
    return statements.kept[("hold",)]


def _fact_for(statements: Statements) -> ClauseElement:
    if ("fact",) not in statements.kept:
        new = _upsert(statements)(fact).values(name=bindparam("name"), value=bindparam("value"))
        statement = new.on_conflict_do_update(index_elements=["name"], set_={"value": new.excluded.value})
        statements.kept[("fact",)] = statements.database.keep(statement)
    return statements.kept[("fact",)]
