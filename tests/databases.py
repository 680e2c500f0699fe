"""The databases that tests run on: a SQLite file each, and a real PostgreSQL that is started for the session.

Fixtures, to be imported by a `conftest.py`: `postgres` (the server), `database_url` (the URL of a fresh database with
the present schema, once on SQLite and once on PostgreSQL), `open_store` (makes started stores on it, and closes them).
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

import trailboss.resources  # noqa: F401  (declares the types)
from tests.waiting import eventually
from trailboss.store import migrations
from trailboss.store.database import Database
from trailboss.store.store import Store

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/none/bin"))
_numbers = itertools.count(1)


class Postgres:
    """A PostgreSQL server of our own, in a folder of its own, reached through a socket in it."""

    def __init__(self) -> None:
        # initdb refuses to run as root
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="trailboss-pg-"))
        if os.getuid() == 0:
            shutil.chown(self.folder, self.user)
        self.process: subprocess.Popen[bytes] | None = None
        data = self.folder / "data"
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--pgdata", str(data))

    def _run(self, program: str, *arguments: str) -> None:
        command = [PROGRAMS / program, *arguments]
        done = subprocess.run(command, cwd=self.folder, user=self._as_user, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    @property
    def _as_user(self) -> str | None:
        return self.user if os.getuid() == 0 else None

    def start(self) -> None:
        """Start it, after a kill too, and wait until it answers."""
        settings = ("fsync=off", "listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=200")
        command = [str(PROGRAMS / "postgres"), "-D", str(self.folder / "data")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command + [word for s in settings for word in ("-c", s)],
                cwd=self.folder,
                user=self._as_user,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, within=60, what="PostgreSQL answers")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """End it at once, as a crash would: kill -9 of all its processes."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it without ceremony and delete its folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=30)
        shutil.rmtree(self.folder)

    def url(self, name: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql:///{name}?host={self.folder}&user=postgres"

    def create(self, template: str = "template1") -> str:
        """Make a database; return its name."""
        name = f"test_{next(_numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name


@contextmanager
def a_postgres() -> Iterator[Postgres]:
    """A server of its own."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests."""
    with a_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """A database with the present schema and nothing else, to copy."""
    name = postgres.create()
    migrations.upgrade(Database(postgres.url(name)))
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the present schema and nothing else, to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrations.upgrade(Database(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "test.db")
        return f"sqlite:///{tmp_path}/test.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(server.create(request.getfixturevalue("migrated_postgres")))


OpenStore = Callable[..., Store]


@pytest.fixture
def open_store(database_url: str) -> Iterator[OpenStore]:
    """Return a function that opens a started store on the database; each is as another server."""
    opened: list[Store] = []

    def open_(**options: Any) -> Store:
        store = Store(database_url, **options)
        store.start()
        opened.append(store)
        return store

    yield open_
    for store in opened:
        store.close()
