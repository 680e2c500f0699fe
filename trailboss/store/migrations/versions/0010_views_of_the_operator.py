"""What the operator reads of pools, health checks and networks, further fields for it, tasks. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TEXTS = ("uuid", "name", "description", "state")
_NUMBERS = ("created", "remove_time")
_TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "volume_storage_pool_map": (_TEXTS, (*_NUMBERS, "volume_id", "storage_pool_id")),
    "image_storage_pool_map": (_TEXTS, (*_NUMBERS, "image_id", "storage_pool_id")),
    "healthcheck_instance": (_TEXTS, (*_NUMBERS, "instance_id")),
    "healthcheck_instance_host_map": (
        (*_TEXTS, "health_state"),
        (*_NUMBERS, "healthcheck_instance_id", "host_id", "external_timestamp"),
    ),
    "dynamic_schema": ((*_TEXTS, "parent"), (*_NUMBERS, "service_id")),
    "task": (("name",), ()),
    "task_instance": (("name", "exception", "server_id"), ("start_time", "end_time", "task_id")),
}
"""Columns that are texts, and columns that are numbers, besides those that all tables have."""


def upgrade() -> None:
    """Add the tables, the view of places in the network, and the columns."""
    for name, (texts, numbers) in _TABLES.items():
        _create(name, texts, numbers)
    op.execute(
        """
        CREATE VIEW nic AS SELECT
            id, account_id, 'nic' AS kind,
            CASE
                WHEN removed IS NOT NULL THEN 'removed'
                WHEN state IN ('stopped', 'creating', 'restoring', 'updating-stopped') THEN 'inactive'
                ELSE 'active'
            END AS state,
            created, removed, remove_time, id AS instance_id, 0 AS device_number, generation, observed,
            0 AS failed, CAST(NULL AS TEXT) AS message, CAST(NULL AS INTEGER) AS progress, '{}' AS data
        FROM instance WHERE address IS NOT NULL
        """
    )
    op.execute(
        """
        CREATE VIEW zone AS SELECT
            1 AS id, 'zone' AS kind, 'zone1' AS uuid, 'zone1' AS name, 'active' AS state,
            CAST(NULL AS BIGINT) AS created, CAST(NULL AS BIGINT) AS removed, CAST(NULL AS BIGINT) AS remove_time,
            1 AS generation, 0 AS observed,
            0 AS failed, CAST(NULL AS TEXT) AS message, CAST(NULL AS INTEGER) AS progress, '{}' AS data
        """
    )
    op.add_column("account", sa.Column("added_types", sa.BigInteger()))
    op.add_column("instance_link", sa.Column("service_consume_map_id", sa.BigInteger()))
    op.create_index("instance_link_service_consume_map_id", "instance_link", ["service_consume_map_id"])
    op.add_column("service_expose_map", sa.Column("upgrade", sa.Integer()))
    op.execute("UPDATE service_expose_map SET upgrade = 0")
    op.add_column("volume", sa.Column("allocation_state", sa.Text()))
    op.add_column("volume", sa.Column("attached_state", sa.Text()))
    op.add_column("volume", sa.Column("device_number", sa.BigInteger()))
    op.execute("UPDATE volume SET allocation_state = 'inactive', attached_state = 'inactive', device_number = -1")


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("account") as account:
        account.drop_column("added_types")
    with op.batch_alter_table("volume") as volume:
        for column in ("allocation_state", "attached_state", "device_number"):
            volume.drop_column(column)
    with op.batch_alter_table("service_expose_map") as expose_map:
        expose_map.drop_column("upgrade")
    op.drop_index("instance_link_service_consume_map_id", "instance_link")
    with op.batch_alter_table("instance_link") as link:
        link.drop_column("service_consume_map_id")
    op.execute("DROP VIEW zone")
    op.execute("DROP VIEW nic")
    for name in reversed(_TABLES):
        op.drop_table(name)


def _create(name: str, texts: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("account_id", sa.BigInteger()),
        *(sa.Column(column, sa.Text()) for column in ("kind", *texts)),
        *(sa.Column(column, sa.BigInteger()) for column in ("removed", *numbers)),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("progress", sa.Integer()),
        sa.Column("data", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(f"{name}_account_id", name, ["account_id", "id"])
    references = (column for column in numbers if column.endswith("_id"))
    for column in (*references, *(column for column in texts if column == "uuid")):
        op.create_index(f"{name[: 62 - len(column)]}_{column}", name, [column])
