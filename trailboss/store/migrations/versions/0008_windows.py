"""What is read like a table and follows from others (`window` of a type). It only adds."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add where instances stand: one row for each that has a host, active while it is not at rest."""
    op.execute(
        """
        CREATE VIEW instance_host_map AS SELECT
            id, account_id, 'instanceHostMap' AS kind,
            CASE
                WHEN removed IS NOT NULL THEN 'removed'
                WHEN state IN ('stopped', 'creating', 'restoring', 'updating-stopped') THEN 'inactive'
                ELSE 'active'
            END AS state,
            created, removed, remove_time, id AS instance_id, host_id, generation, observed,
            0 AS failed, CAST(NULL AS TEXT) AS message, CAST(NULL AS INTEGER) AS progress, '{}' AS data
        FROM instance WHERE host_id IS NOT NULL
        """
    )


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP VIEW instance_host_map")
