"""An installation of the first schema keeps its rows when the tables of the other types are added."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from tests.store.test_migrations import differences
from trailboss.store import migrations
from trailboss.store.database import Database


def test_rows_of_the_first_schema_are_kept(database_url: str) -> None:
    database = Database(database_url)
    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    engine = create_engine(database.alembic_url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.execute(
            text("INSERT INTO credential (kind, generation, observed, failed, data) VALUES ('apiKey', 1, 0, 0, '{}')")
        )
    engine.dispose()
    assert "volume" in str(differences(database_url))
    migrations.upgrade(database)
    assert differences(database_url) == []
    with create_engine(database.alembic_url).connect() as connection:
        assert connection.execute(text("SELECT kind, registry_id FROM credential")).fetchall() == [("apiKey", None)]
