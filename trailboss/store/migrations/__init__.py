"""Schema changes, in order, by Alembic. Within a release they only add; what is dropped goes one release later."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool, text

from trailboss.store.database import Database

HERE = Path(__file__).parent
_LOCK = 7_262_002


def upgrade(database: Database) -> None:
    """Bring a database, new or old, to the present schema. Raises Unreachable, or what the driver raises."""
    # Makes it a database in WAL mode, which cannot be done while another connection is open.
    database.connect().close()
    config = Config()
    config.set_main_option("script_location", str(HERE))
    engine = create_engine(database.alembic_url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        if database.is_postgres:
            # servers that start together take turns
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
