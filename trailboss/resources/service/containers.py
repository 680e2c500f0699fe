"""What a service's containers are made of: launch configs, units, names, hostnames (20-stacks sections 7.4 to 7.7).

Labels are in `labels.py`; when containers are made, in `reconcile.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailboss.resources.instance import Container
from trailboss.resources.service.labels import container_labels

if TYPE_CHECKING:
    from trailboss.resources.service import Service

HOSTNAME_OVERRIDE = "io.rancher.container.hostname_override"
LONGEST_HOSTNAME = 64

Configs = dict[str, dict[str, Any]]
"""Launch configs by name, "" for the primary, in the order in which their containers are made."""
Needs = dict[str, list[str]]
"""For each launch config those that it depends on, in the same order."""


@dataclass(frozen=True)
class Unit:
    """One number of the service, with the containers it has by launch config ("" is the primary)."""

    number: int
    uuid: str
    containers: dict[str, Container]

    @property
    def age(self) -> int:
        """Its place in the order of creation: the createIndex of its oldest container."""
        return min(i.create_index or 0 for i in self.containers.values())


def references(config: dict[str, Any]) -> list[str]:
    """Return the names of the launch configs that one depends on, as they were written."""
    found = [str(name) for name in config.get("dataVolumesFromLaunchConfigs") or []]
    return [*found, str(config["networkLaunchConfig"])] if config.get("networkLaunchConfig") else found


def needs_of(configs: Configs) -> Needs:
    """Return for each launch config those it depends on. What is no sidekick's name is the service's own, which means
    the primary, and stays so when the service gets another name."""
    return {
        name: [target if target in configs else "" for target in references(config)] for name, config in configs.items()
    }


def creation_order(graph: Needs) -> list[str]:
    """Return the launch configs so that each comes after those it depends on. Raises ValueError on a circle."""
    done: list[str] = []
    left = dict(graph)
    while left:
        ready = [name for name, needs in left.items() if all(need in done for need in needs)]
        if not ready:
            raise ValueError(f"launch configs depend on one another in a circle: {', '.join(left)}")
        done += ready
        for name in ready:
            del left[name]
    return done


def configs_of(service: Service) -> Configs:
    """Return the launch configs of a service in the order in which they are made."""
    configs = {"": dict(service.launch_config or {})}
    configs |= {c["name"]: dict(c) for c in service.secondary_launch_configs or []}
    return {name: configs[name] for name in creation_order(needs_of(configs))}


def new_container(service: Service, stack: str, unit: Unit, name: str, index: int) -> dict[str, Any]:
    """Return the values of the container that launch config `name` makes in a unit. index: its createIndex.

    Its siblings in the unit that it depends on must be there.
    """
    configs = configs_of(service)
    config = configs[name]
    values = {f.name: config[w] for w, f in Container.by_wire.items() if w in config and f.create}
    middle = f"_{name}" if name else ""
    full_name = f"{stack}_{service.name}{middle}_{unit.number}"
    values.update(
        account_id=service.account_id,
        kind="container",
        name=full_name,
        service_id=service.id,
        launch_config_name=name or None,
        slot=f"{service.uuid}/{name}/{unit.number}",
        epoch=service.run_floor or 0,
        deployment_unit_uuid=unit.uuid,
        version=config.get("version") or "0",
        create_index=index,
        # the platform starts it again itself
        restart_policy=None,
        start_on_create=True,
        labels=container_labels(stack, service.name, name, unit.uuid, configs),
    )

    def sibling(reference: str) -> int:
        return unit.containers[reference if reference in configs else ""].id

    if config.get("dataVolumesFromLaunchConfigs"):
        own = list(config.get("dataVolumesFrom") or [])
        values["data_volumes_from"] = own + [sibling(n) for n in config["dataVolumesFromLaunchConfigs"]]
    if config.get("networkLaunchConfig"):
        values["network_container_id"] = sibling(config["networkLaunchConfig"])
    if values["labels"].get(HOSTNAME_OVERRIDE) == "container_name":
        values["hostname"] = hostname_for(full_name, values.get("domain_name"))
    return values


def hostname_for(name: str, domain: str | None) -> str:
    """Shorten a container's name to a host name of at most 64 characters, keeping its number."""
    limit = LONGEST_HOSTNAME - (len(domain) + 1 if domain else 0)
    if len(name) <= limit:
        return name
    head, _, number = name.rpartition("_")
    return head[: limit - len(number) - 1] + "_" + number
