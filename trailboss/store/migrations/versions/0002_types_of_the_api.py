"""The tables of the types of the v1 API that the first schema left out. It only adds."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBERS = (
    "created", "removed", "remove_time", "external_timestamp", "priority", "private_port", "source_port", "target_port",
    "weight",
)  # fmt: skip
_TABLES: dict[str, tuple[str, ...]] = {
    "certificate": ("cert", "cert_chain", "key"),
    "container_event": (
        "external_from", "external_id", "external_status", "external_timestamp", "host_id", "reported_host_uuid",
    ),
    "external_event": ("event_type", "external_id", "reported_account_id"),
    "external_handler": ("priority",),
    "external_handler_external_handler_process_map": (
        "external_handler_id", "external_handler_process_id", "on_error",
    ),
    "external_handler_process": (),
    "global_load_balancer": (),
    "instance_link": ("instance_id", "link_name", "target_instance_id"),
    "ip_address": ("address", "network_id"),
    "label": ("key", "value"),
    "load_balancer": ("global_load_balancer_id", "load_balancer_config_id", "service_id", "weight"),
    "load_balancer_config": ("service_id",),
    "load_balancer_config_listener_map": ("load_balancer_config_id", "load_balancer_listener_id"),
    "load_balancer_host_map": ("host_id", "load_balancer_id"),
    "load_balancer_listener": (
        "private_port", "service_id", "source_port", "source_protocol", "target_port", "target_protocol",
    ),
    "load_balancer_target": ("instance_id", "ip_address", "load_balancer_id"),
    "mount": ("instance_id", "path", "permissions", "volume_id"),
    "network": (),
    "physical_host": ("external_id",),
    "service_event": ("external_timestamp", "healthcheck_uuid", "host_id", "instance_id", "reported_health"),
    "snapshot": ("volume_id",),
    "storage_pool": ("driver_name", "external_id"),
    "user_preference": ("value",),
    "volume": ("external_id", "image_id", "instance_id", "uri"),
}  # fmt: skip
"""Columns of their own; the others are those that all types have."""
_WITHOUT = {
    "container_event": ("uuid", "name", "description"),
    "external_event": ("name", "description"),
    "external_handler": ("account_id",),
    "external_handler_external_handler_process_map": ("account_id",),
    "external_handler_process": ("account_id",),
}


def upgrade() -> None:
    """Add the tables, and the registry that a credential is for."""
    for name, own in _TABLES.items():
        _create(name, own, _WITHOUT.get(name, ()))
    op.add_column("credential", sa.Column("registry_id", sa.BigInteger(), nullable=True))
    op.create_index("credential_registry_id", "credential", ["registry_id"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_index("credential_registry_id", "credential")
    with op.batch_alter_table("credential") as credential:
        credential.drop_column("registry_id")
    for name in reversed(_TABLES):
        op.drop_table(name)


def _create(name: str, own: Sequence[str], without: Sequence[str]) -> None:
    common = ("account_id", "kind", "uuid", "name", "description", "state", "created", "removed", "remove_time")
    columns = [_column(column) for column in (*common, *own) if column not in without]
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        *columns,
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("progress", sa.Integer()),
        sa.Column("data", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    for column in (str(c.name) for c in columns):
        # PostgreSQL takes names of 63 characters
        index = f"{name[: 62 - len(column)]}_{column}"
        if column == "account_id":
            op.create_index(index, name, ["account_id", "id"])
        elif column.endswith("_id") or column == "uuid":
            op.create_index(index, name, [column])


def _column(name: str) -> sa.Column[object]:
    is_number = name in _NUMBERS or (name.endswith("_id") and name != "external_id")
    return sa.Column(name, sa.BigInteger() if is_number else sa.Text())
