"""Of the keys with which hosts register only the digests are kept; they were kept as they are before."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_PLACES = (("agent", "registration_key"), ("generic_object", "key"))


def upgrade() -> None:
    """Replace each key by its SHA-256."""
    connection = op.get_bind()
    for name, column in _PLACES:
        table = sa.table(name, sa.column("id"), sa.column(column))
        key = table.c[column]
        for id_, value in connection.execute(sa.select(table.c.id, key).where(key.is_not(None))).fetchall():
            digest = hashlib.sha256(value.encode()).hexdigest()
            connection.execute(sa.update(table).where(table.c.id == id_).values({column: digest}))


def downgrade() -> None:
    """The keys cannot be had back: hosts that are there stay, registering again makes a new agent."""
