"""A new database has exactly the schema that is declared; what migrates twice, or at once, does no harm."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, Text, create_engine, text

from tests.databases import Postgres
from trailboss.store import migrations, sorting
from trailboss.store.database import Database
from trailboss.store.store import Store
from trailboss.store.tables import complete

pytestmark = pytest.mark.slow


def differences(url: str) -> list[object]:
    engine = create_engine(Database(url).alembic_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": sorting.is_compared})
        found = compare_metadata(context, complete())
    engine.dispose()
    return list(found)


def downgrade(url: str, revision: str, *statements: str) -> None:
    """Take a database back to an earlier schema, and let it have rows of that time."""
    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    engine = create_engine(Database(url).alembic_url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def select(url: str, statement: str) -> list[Any]:
    engine = create_engine(Database(url).alembic_url)
    with engine.connect() as connection:
        found = list(connection.execute(text(statement)).fetchall())
    engine.dispose()
    return found


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


def test_rows_of_the_first_schema_are_kept_when_tables_are_added(database_url: str) -> None:
    columns = "(kind, generation, observed, failed, data)"
    downgrade(database_url, "0001", f"INSERT INTO credential {columns} VALUES ('apiKey', 1, 0, 0, '{{}}')")
    assert "volume" in str(differences(database_url))
    migrations.upgrade(Database(database_url))
    assert differences(database_url) == []
    assert select(database_url, "SELECT kind, registry_id FROM credential") == [("apiKey", None)]


def test_secret_keys_of_registrations_are_kept_no_more(database_url: str) -> None:
    fields = '{"accessKey"\\: "public", "secretKey"\\: "hidden", "other"\\: 1}'
    row = f"""('register', 1, 0, 0, '{{"fields"\\: {fields}, "more"\\: 2}}')"""
    statement = f"INSERT INTO generic_object (kind, generation, observed, failed, data) VALUES {row}"
    downgrade(database_url, "0003", statement)
    migrations.upgrade(Database(database_url))
    ((data,),) = select(database_url, "SELECT data FROM generic_object")
    assert json.loads(data) == {"fields": {"other": 1}, "more": 2}


def test_digests_of_requests_that_were_not_keyed_are_kept_no_more(database_url: str) -> None:
    values = "(1, 1, 'k', 'plain', 0, 201, '{}', '{}', 0)"
    downgrade(
        database_url,
        "0009",
        f"INSERT INTO answer (caller, number, key, request, at, status, headers, body, total) VALUES {values}",
    )
    assert select(database_url, "SELECT request FROM answer") == [("plain",)]
    migrations.upgrade(Database(database_url))
    assert select(database_url, "SELECT request FROM answer") == []


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
