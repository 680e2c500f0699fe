"""No secret key of an agent is kept any more; they stood in the registrations, from which agents had fetched them.

An agent that had not fetched its keys yet registers again by itself.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Take the keys out of the registrations that are there."""
    connection = op.get_bind()
    table = sa.table("generic_object", sa.column("id"), sa.column("kind"), sa.column("data"))
    for id_, data in connection.execute(sa.select(table.c.id, table.c.data).where(table.c.kind == "register")):
        document = json.loads(data)
        for name in ("accessKey", "secretKey"):
            document.get("fields", {}).pop(name, None)
        connection.execute(sa.update(table).where(table.c.id == id_).values(data=json.dumps(document)))


def downgrade() -> None:
    """They cannot be had back, and need not: agents have their keys."""
