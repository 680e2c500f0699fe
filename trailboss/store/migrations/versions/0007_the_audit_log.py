"""The audit log: requests that changed something, were refused, or were shown a secret. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


_ORDERS = (
    ("live", ("account_id, id",) * 2, "NULL"),
    ("by_removed", ("account_id, removed",) * 2, "NOT NULL"),
    ("by_created", ("account_id, created, id", "account_id, created NULLS FIRST, id"), "NULL"),
    (
        "by_resource_id",
        ("account_id, resource_id, id", """account_id, "left"(resource_id, 255) COLLATE "C" NULLS FIRST, id"""),
        "NULL",
    ),
)
"""Indexes by which rows are sorted: name, columns on SQLite and on PostgreSQL, which rows."""


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("authenticated_as_account_id", sa.BigInteger(), nullable=True),
        sa.Column("authenticated_as_identity_id", sa.Text(), nullable=True),
        sa.Column("auth_type", sa.Text(), nullable=True),
        sa.Column("client_ip", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("resource_type", sa.Text(), nullable=True),
        sa.Column("resource_id", sa.Text(), nullable=True),
        sa.Column("response_code", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("uuid", sa.Text(), nullable=True),
        sa.Column("removed", sa.BigInteger(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index("audit_log_account_id", ["account_id", "id"], unique=False)
        batch_op.create_index("audit_log_resource_id", ["resource_id"], unique=False)
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for name, columns, where in _ORDERS:
        written = columns[1] if is_postgres else columns[0]
        op.execute(f"CREATE INDEX audit_log_{name} ON audit_log ({written}) WHERE removed IS {where}")


def downgrade() -> None:
    """Take it away again."""
    for name, _, _ in _ORDERS:
        op.drop_index(f"audit_log_{name}")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index("audit_log_resource_id")
        batch_op.drop_index("audit_log_account_id")

    op.drop_table("audit_log")
