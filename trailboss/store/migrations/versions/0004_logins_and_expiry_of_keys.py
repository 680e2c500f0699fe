"""When logins and keys end, and when keys were used last. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("credential", sa.Column("expires", sa.BigInteger()))
    op.add_column("credential", sa.Column("last_used", sa.BigInteger()))


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("credential") as table:
        table.drop_column("last_used")
        table.drop_column("expires")
