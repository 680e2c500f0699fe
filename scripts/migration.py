"""Write the migration from the newest one to the declarations. Usage: just migration NUMBER TITLE

Read what it wrote before you commit it: within a release a migration only adds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

import trailboss.resources  # noqa: F401  (declares the types)
from trailboss.store import migrations
from trailboss.store.database import Database


def write(number: str, title: str) -> None:
    """Write `versions/<number>_<title>.py`. number: four digits, the next free ones."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/migrated.db")
        migrations.upgrade(database)
        config = Config()
        config.set_main_option("script_location", str(migrations.HERE))
        config.set_main_option("path_separator", "os")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        engine = create_engine(database.alembic_url)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, title, autogenerate=True, rev_id=number)
        engine.dispose()


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2])
    sys.stdout.write(f"written to {Path(migrations.HERE, 'versions')}; run `just fix`\n")
