"""Indexes by which rows are filtered and sorted. It only adds."""

from __future__ import annotations

from collections.abc import Iterator

from alembic import op

revision = "0004"
down_revision = "0003"

_COMMON = ("kind", "uuid", "name", "description", "state", "created")
_TABLES: dict[str, tuple[str, ...]] = {
    "account": ("remove_time", "external_id", "external_id_type"),
    "agent": ("managed_config", "uri"),
    "certificate": (),
    "container_event": (
        "external_from", "external_id", "external_status", "external_timestamp", "host_id",
        "reported_host_uuid",
    ),
    "credential": ("public_value", "registry_id"),
    "environment": ("external_id",),
    "external_event": ("event_type", "external_id", "reported_account_id"),
    "external_handler": ("remove_time", "priority"),
    "external_handler_external_handler_process_map": (
        "remove_time", "external_handler_id", "external_handler_process_id", "on_error",
    ),
    "external_handler_process": ("remove_time",),
    "generic_object": (),
    "global_load_balancer": (),
    "host": ("agent_state", "compute_total", "physical_host_id"),
    "image": (),
    "instance": (
        "external_id", "create_index", "deployment_unit_uuid", "first_running", "health_state", "hostname",
        "native_container", "network_container_id", "registry_credential_id", "start_count",
        "system_container", "version",
    ),
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
    "port": (
        "instance_id", "private_ip_address_id", "private_port", "protocol", "public_ip_address_id",
        "public_port",
    ),
    "project_member": ("external_id", "external_id_type", "project_id", "role"),
    "service": ("create_index", "environment_id", "external_id", "selector_container", "selector_link", "vip"),
    "service_consume_map": ("consumed_service_id", "service_id"),
    "service_event": ("external_timestamp", "healthcheck_uuid", "host_id", "instance_id", "reported_health"),
    "service_expose_map": ("instance_id", "ip_address", "managed", "service_id"),
    "snapshot": ("volume_id",),
    "storage_pool": ("driver_name", "external_id"),
    "user_preference": (),
    "volume": ("external_id", "image_id", "instance_id", "uri"),
}  # fmt: skip
"""Columns of their own; the others are those that all types have."""
_WITHOUT = {
    "container_event": ("uuid", "name", "description"),
    "external_event": ("name", "description"),
}
_WITHOUT_ACCOUNT = (
    "account",
    "external_handler",
    "external_handler_external_handler_process_map",
    "external_handler_process",
)
_NUMBERS = (
    "compute_total",
    "create_index",
    "created",
    "external_timestamp",
    "first_running",
    "managed",
    "managed_config",
    "native_container",
    "priority",
    "private_port",
    "public_port",
    "remove_time",
    "source_port",
    "start_count",
    "target_port",
    "weight",
)
"""Columns that are no text, besides those that end in `_id`, of which only `external_id` is one."""


def upgrade() -> None:
    """Add them."""
    for _, statement in _indexes(op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)


def downgrade() -> None:
    """Take them away again."""
    for name, _ in _indexes(False):
        op.drop_index(name)


def _indexes(is_postgres: bool) -> Iterator[tuple[str, str]]:
    """Return names and statements: an index for each order of the rows that are not removed, one for the others."""
    for table, own in _TABLES.items():
        first = () if table in _WITHOUT_ACCOUNT else ("account_id",)
        keys = [c for c in (*_COMMON, *own) if c not in _WITHOUT.get(table, ())]
        yield _index(table, "live", (*first, "id"), "removed IS NULL")
        yield _index(table, "by_removed", (*first, "removed"), "removed IS NOT NULL")
        for column in keys:
            yield _index(table, f"by_{column}", (*first, _key(column, is_postgres), "id"), "removed IS NULL")


def _index(table: str, suffix: str, columns: tuple[str, ...], where: str) -> tuple[str, str]:
    # PostgreSQL takes names of 63 characters
    name = f"{table[: 62 - len(suffix)]}_{suffix}"
    return name, f"CREATE INDEX {name} ON {table} ({', '.join(columns)}) WHERE {where}"


def _key(column: str, is_postgres: bool) -> str:
    if not is_postgres:
        return f'"{column}"'
    is_number = column in _NUMBERS or (column.endswith("_id") and column != "external_id")
    # nulls first as on SQLite; an entry of an index takes 2704 bytes, and texts compare alike on both
    return f'"{column}" NULLS FIRST' if is_number else f'"left"("{column}", 255) COLLATE "C" NULLS FIRST'
