"""Schema changes, in order, by Alembic. Within a release they only add; what is dropped goes one release later."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool

from trailboss.store.database import Database

HERE = Path(__file__).parent


def upgrade(database: Database) -> None:
    """Bring a database, new or old, to the present schema. Raises what the driver raises if it does not answer."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    engine = create_engine(database.alembic_url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
