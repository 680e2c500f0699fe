"""From a container's row to what its host is told: the record of the wish, and Docker's specification in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trailboss import rules
from trailboss.errors import ApiError
from trailboss.resources.image import parse_image
from trailboss.resources.instance.seen import is_gone
from trailboss.resources.port import Port, parse_port
from trailboss.resources.registry import login_for
from trailboss.wire.messages import LogConfig, Record, RegistryAuth, RestartPolicy, Specification, hash_of
from trailboss.wire.messages import Port as WirePort

if TYPE_CHECKING:
    from trailboss.resources.instance import Container
    from trailboss.store.transaction import Read

DOMAIN = "rancher.internal"
STOP_TIMEOUT_S = 10
PULL_ALWAYS = "io.rancher.container.pull_image"
EXAMPLE_ADDRESS = "10.42.4.1"

_PULLED = ("created", "running", "exited")
"""What a host says of a container whose image it has."""

_SAME = (
    "hostname", "domain_name", "user", "working_dir", "entry_point", "command", "environment", "labels", "tty",
    "stdin_open", "publish_all_ports", "dns", "extra_hosts", "volume_driver", "privileged", "read_only", "cap_add",
    "cap_drop", "devices", "security_opt", "pid_mode", "lxc_conf", "memory", "memory_swap", "cpu_shares", "cpu_set",
)  # fmt: skip
"""Fields that carry the same name and meaning in both."""


def record_of(read: Read, row: Container, cause: str = "") -> Record | None:
    """Return what the container's host is to be told; None if it has not been told anything yet, or nothing is left.

    The record's epoch is the newest run that was granted; a newer one that still waits (for a port, for a pause) is
    not spoken of.
    """
    granted = row.granted_epoch or 0
    if granted == 0 or row.state == "purged" or (row.desired == "removed" and is_gone(row)):
        return None
    wanted: Any = row.desired
    if wanted == "running" and granted != row.epoch:
        wanted = "stopped"
    common = {"container": row.uuid, "slot": row.slot, "epoch": granted, "desired": wanted, "cause": cause}
    if wanted == "removed":
        return Record(**common)
    specification = specification_of(read, row, ports_of(read, row))
    return Record(
        **common,
        hash=hash_of(specification),
        restart=row.service_id is not None,
        stop_timeout_s=STOP_TIMEOUT_S if row.stop_timeout is None else row.stop_timeout,
        specification=specification,
        auth=_login_for(read, row),
    )


def _login_for(read: Read, row: Container) -> RegistryAuth | None:
    """Return the login for the container's image, while it may have to be pulled: until the host has seen the run."""
    granted = row.granted_epoch or 0
    if row.desired != "running" or ((row.seen_epoch or 0) >= granted and row.seen_state in _PULLED):
        return None
    return login_for(read, row.account_id, parse_image(row.image_uuid).server, row.registry_credential_id)


def check(read: Read, row: Container) -> None:
    """Refuse a container that no host would run. Raises ApiError 422 that says all that is wrong."""
    _refuse(rules.broken(specification_of(read, row, ports_of(read, row))))


def check_config(read: Read, type_: type[Container], config: dict[str, Any]) -> None:
    """Refuse a launch config (wire names) whose containers no host would run. Raises ApiError 422.

    What a container gets only when it is made is filled in: an address, and its siblings in the unit.
    """
    values = {f.name: config.get(w) for w, f in type_.by_wire.items() if f.create}
    if config.get("networkLaunchConfig"):
        values["network_mode"] = "none"
    ports = [WirePort(p.private, p.public or 0, p.protocol) for p in map(parse_port, config.get("ports") or [])]
    _refuse(rules.broken(specification_of(read, type_({**values, "address": EXAMPLE_ADDRESS}), ports)))


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise ApiError(422, "InvalidOption", "; ".join(wrong))


def ports_of(read: Read, row: Container) -> list[WirePort]:
    """Return the ports of a container as its host is told of them."""
    return [
        WirePort(private=p.private_port, public=p.wanted_public_port or 0, protocol=p.protocol)  # type: ignore[arg-type]
        for p in read.find(Port, live=False, instance_id=row.id)
    ]


def specification_of(read: Read, row: Container, ports: list[WirePort]) -> Specification:
    """Return what Docker is told when the container is created. Equal rows give equal specifications."""
    values: dict[str, Any] = {name: row.values[name] for name in _SAME if row.values.get(name)}
    labels = row.labels or {}
    network = row.network_mode or "managed"
    values.update(
        image=parse_image(row.image_uuid).full_name,
        pull="always" if labels.get(PULL_ALWAYS) == "always" else "missing",
        network=network,
        ports=ports,
        volumes=list(row.data_volumes or []),
        volumes_from=_uuids(read, row, row.data_volumes_from or []),
    )
    if network == "managed":
        values["address"] = row.address or ""
        values["dns_search"] = [*(row.dns_search or []), *search_domains(labels)]
    elif row.dns_search:
        values["dns_search"] = row.dns_search
    if row.network_container_id:
        values["network_container"] = _uuids(read, row, [row.network_container_id])[0]
    if row.log_config and row.log_config.get("driver"):
        values["log_config"] = LogConfig(row.log_config["driver"], row.log_config.get("config") or {})
    if row.restart_policy and row.restart_policy.get("name"):
        policy = row.restart_policy
        values["restart_policy"] = RestartPolicy(policy["name"], policy.get("maximumRetryCount") or 0)
    return Specification(**values)


def search_domains(labels: dict[str, str]) -> list[str]:
    """Return the domains in which a container's bare names are looked up, nearest first."""
    stack = labels.get("io.rancher.stack.name")
    return [f"{stack}.{DOMAIN}".lower(), DOMAIN] if stack else [DOMAIN]


def _uuids(read: Read, row: Container, ids: list[int]) -> list[str]:
    found = [read.get(type(row), id) for id in ids]
    return [other.uuid for other in found if other is not None]
