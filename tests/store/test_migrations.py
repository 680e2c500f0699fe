"""A new database has exactly the schema that is declared; what migrates twice, or at once, does no harm."""

from __future__ import annotations

import re
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Text, create_engine

from tests.databases import Postgres
from trailboss.store import migrations, sorting
from trailboss.store.database import Database
from trailboss.store.store import Store
from trailboss.store.tables import complete


def differences(url: str) -> list[object]:
    engine = create_engine(Database(url).alembic_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": sorting.is_compared})
        found = compare_metadata(context, complete())
    engine.dispose()
    return list(found)


def test_a_fresh_database_has_the_declared_schema(database_url: str) -> None:
    assert differences(database_url) == [], "write a migration: just migration NUMBER TITLE"


def test_a_fresh_database_has_an_index_for_each_order(database_url: str) -> None:
    database = Database(database_url)
    tables = (
        "SELECT tablename, indexdef FROM pg_indexes"
        if database.is_postgres
        else ("SELECT tbl_name, sql FROM sqlite_master WHERE type = 'index'")
    )
    connection = database.connect()
    found = {re.sub(r'"|public\.|USING btree |[()]', "", sql) for _, sql in connection.run(tables) if sql}
    connection.close()
    declared = [re.sub(r'"|[()]', "", index.ddl(database.is_postgres)) for index in sorting.all_indexes()]
    assert [ddl for ddl in declared if ddl not in found] == [], "write a migration"
    assert len(declared) == len(set(declared)) > 300


def test_a_declaration_without_a_migration_is_noticed(database_url: str) -> None:
    table = complete().tables["host"]
    column: Column[str] = Column("not_migrated", Text)
    table.append_column(column)
    try:
        assert [d[0] for d in differences(database_url)] == ["add_column"]  # type: ignore[index]
    finally:
        table._columns.remove(column)


def test_migrating_again_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    migrations.upgrade(database)
    store = Store(database_url)
    store.start()
    store.write(lambda tx: tx.set_fact("kept", "yes"))
    store.close()
    migrations.upgrade(database)
    store = Store(database_url)
    assert store.read(lambda read: read.fact("kept")) == "yes"
    store.close()


@pytest.mark.postgres
def test_servers_that_start_together_on_a_new_database_take_turns(postgres: Postgres) -> None:
    url = postgres.url(postgres.create())
    failures: list[Exception] = []

    def upgrade() -> None:
        try:
            migrations.upgrade(Database(url))
        except Exception as error:
            failures.append(error)

    servers = [threading.Thread(target=upgrade) for _ in range(4)]
    for server in servers:
        server.start()
    for server in servers:
        server.join(60)
    assert failures == []
    assert differences(url) == []
