"""Write the migration from the newest one to the declarations. Usage: just migration NUMBER TITLE

Read what it wrote before you commit it: within a release a migration only adds. Indexes by which rows are sorted
(`store/sorting.py`) are no part of the schema that Alembic compares; for those the script says what to add.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import trailboss.resources  # noqa: F401  (declares the types)
from trailboss.store import migrations, sorting
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
            present = {row[0] for row in connection.execute(text("SELECT name FROM sqlite_master"))}
        engine.dispose()
    for index in sorting.all_indexes():
        if index.name not in present:
            sys.stdout.write(f"add: op.execute({index}.ddl(op.get_bind().dialect.name == 'postgresql'))\n")


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2])
    sys.stdout.write(f"written to {Path(migrations.HERE, 'versions')}; run `just fix`\n")
