"""When logins and keys end, and when keys were used last. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("credential", sa.Column("expires", sa.BigInteger()))
    op.add_column("credential", sa.Column("last_used", sa.BigInteger()))
    order = " NULLS FIRST" if op.get_bind().dialect.name == "postgresql" else ""
    for column in ("expires", "last_used"):
        keys = f"account_id, {column}{order}, id"
        op.execute(f"CREATE INDEX credential_by_{column} ON credential ({keys}) WHERE removed IS NULL")


def downgrade() -> None:
    """Take them away again."""
    for column in ("expires", "last_used"):
        op.drop_index(f"credential_by_{column}")
    with op.batch_alter_table("credential") as table:
        table.drop_column("last_used")
        table.drop_column("expires")
