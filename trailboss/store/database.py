"""The two databases behind one small face: connect, run a statement, begin and end.

Statements are SQLAlchemy Core objects, compiled once per dialect and then run on the driver's own cursor; both
drivers take named parameters from a dict. Transactions are begun and ended by text, so that savepoints work alike.
Next in the flow: `transaction.py` (what a function is handed) and `store.py` (who runs it).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Protocol, cast

import psycopg
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.sql import ClauseElement

from trailboss.errors import Unreachable
from trailboss.store.vault import Vault


class Cursor(Protocol):
    """What both drivers' cursors offer."""

    rowcount: int

    def execute(self, sql: str, params: Mapping[str, Any], /) -> Any: ...
    def executemany(self, sql: str, params: Sequence[Mapping[str, Any]], /) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Connection:
    """One connection with its compiled statements. Not for use by two threads at once."""

    def __init__(self, database: Database, raw: Any) -> None:
        self.database = database
        self.raw = raw
        self._cursor: Cursor = raw.cursor()

    def run(self, statement: ClauseElement | str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows. Core statements may carry their own literal values."""
        sql, own = self.database.compiled(statement)
        try:
            self._cursor.execute(sql, {**own, **params} if params else own)
            return self._cursor.fetchall() if self._returns() else []
        except _AWAY as error:
            _raise(error)

    def run_each(self, statement: ClauseElement, many: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each set of parameters. PostgreSQL is sent them all before its first answer."""
        sql, _ = self.database.compiled(statement)
        try:
            self._cursor.executemany(sql, many)
        except _AWAY as error:
            _raise(error)

    @property
    def rowcount(self) -> int:
        """Rows that the last statement touched."""
        return self._cursor.rowcount

    def _returns(self) -> bool:
        if not self.database.is_postgres:
            return True  # SQLite has no rows to fetch where there are none
        # psycopg refuses to; its `description`, which says so too, is made anew for all columns at each look
        result = cast("psycopg.Cursor[Any]", self._cursor).pgresult
        return result is not None and result.nfields > 0

    def undo(self) -> bool:
        """Leave a transaction that failed; False if the connection is of no more use."""
        try:
            if self.database.is_postgres or self.raw.in_transaction:
                self.raw.rollback()
        except (psycopg.Error, sqlite3.Error):
            return False
        return not self.database.is_postgres or not self.raw.closed

    def close(self) -> None:
        """Close the connection."""
        self.raw.close()


_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, sqlite3.OperationalError)


def _raise(error: Exception) -> NoReturn:
    """Raise what a driver raised: as Unreachable, unless the database did answer."""
    if _is_of_the_statement(error):
        raise error
    raise Unreachable(f"the database does not answer: {error}") from error


def _is_of_the_statement(error: Exception) -> bool:
    """Tell an error that the statement made (or another transaction) from one of the database being away."""
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_ERROR
    return isinstance(error, psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected)


class Database:
    """Where the rows are. url: `sqlite:///path` or `postgresql://...`. vault: seals what is secret in them."""

    def __init__(self, url: str, vault: Vault | None = None) -> None:
        self.url = url
        self.vault = vault or Vault()
        self.is_postgres = url.startswith("postgres")
        self._dialect: Any = (
            postgresql.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
            if self.is_postgres
            else sqlite_dialect.dialect(paramstyle="named")
        )
        self._compiled: dict[int, tuple[ClauseElement, str, dict[str, Any]]] = {}

    def keep(self, statement: ClauseElement) -> ClauseElement:
        """Compile a statement that lives as long as the process, so that each run costs only its execution."""
        sql, own = self._compile(statement)
        self._compiled[id(statement)] = (statement, sql, own)
        return statement

    def text(self, statement: ClauseElement) -> tuple[str, dict[str, Any]]:
        """Return a statement's SQL text and its own parameters, for who keeps them himself."""
        return self._compile(statement)

    def compiled(self, statement: ClauseElement | str) -> tuple[str, Mapping[str, Any]]:
        """Return the SQL text and the literal parameters of a statement."""
        if isinstance(statement, str):
            return statement, {}
        kept = self._compiled.get(id(statement))
        return (kept[1], kept[2]) if kept else self._compile(statement)

    def _compile(self, statement: ClauseElement) -> tuple[str, dict[str, Any]]:
        text = statement.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        return str(text), dict(text.params)

    @property
    def begin(self) -> str:
        """The text that begins a transaction which will write."""
        return "BEGIN" if self.is_postgres else "BEGIN IMMEDIATE"

    def connect(self) -> Connection:
        """Open a connection. Raises Unreachable."""
        if self.is_postgres:
            return Connection(self, self.connect_postgres())
        try:
            raw = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
            # FULL: what was acknowledged survives a power cut, not only kill -9; group commit makes it affordable
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
                raw.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            raise Unreachable(f"the database {self.path} cannot be opened: {error}") from error
        return Connection(self, raw)

    def connect_postgres(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection of the driver. Raises Unreachable."""
        try:
            # keepalives and user timeout: a server whose machine is gone is noticed in seconds, not in hours
            return psycopg.connect(
                self.psycopg_url,
                autocommit=True,
                connect_timeout=5,
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                tcp_user_timeout=10_000,
            )
        except psycopg.OperationalError as error:
            raise Unreachable(f"the database does not answer: {error}") from error

    @property
    def path(self) -> Path:
        """File of a SQLite database."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def psycopg_url(self) -> str:
        """The URL in the form that psycopg reads."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme.split('+')[0]}://{rest}"

    @property
    def alembic_url(self) -> str:
        """The URL in the form that SQLAlchemy reads, for migrations."""
        return self.psycopg_url.replace("postgresql://", "postgresql+psycopg://", 1) if self.is_postgres else self.url
