"""Indexes by which lists over all accounts find what was removed lately. It only adds."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

_TABLES = (
    "agent", "certificate", "container_event", "credential", "environment", "external_event", "generic_object",
    "global_load_balancer", "host", "image", "instance", "instance_link", "ip_address", "label", "load_balancer",
    "load_balancer_config", "load_balancer_config_listener_map", "load_balancer_host_map", "load_balancer_listener",
    "load_balancer_target", "mount", "network", "physical_host", "port", "project_member", "service",
    "service_consume_map", "service_event", "service_expose_map", "snapshot", "storage_pool", "user_preference",
    "volume",
)  # fmt: skip


def upgrade() -> None:
    """Add them."""
    for table in _TABLES:
        op.execute(f"CREATE INDEX {table}_all_by_removed ON {table} (removed) WHERE removed IS NOT NULL")


def downgrade() -> None:
    """Take them away again."""
    for table in _TABLES:
        op.drop_index(f"{table}_all_by_removed")
