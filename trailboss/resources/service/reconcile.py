"""Bring the containers of a service to its scale.

A unit is one numbered place: a primary container and one per sidekick. Numbers are the smallest free ones; a
container that went is replaced under its own number. Surplus goes highest number first. Waits carry their reason.
"""

from __future__ import annotations

import uuid as uuids
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.outcome import Again, Begin, Done, Make, Outcome, Set, Step
from trailboss.resources.instance import Container
from trailboss.resources.instance.actions import next_run
from trailboss.resources.service.actions import creation_order, references
from trailboss.resources.service.labels import container_labels

if TYPE_CHECKING:
    from trailboss.resources.environment import Environment
    from trailboss.resources.service import Service
    from trailboss.store.transaction import Tx

BATCH = 20
"""Most containers made in one step, so that no step holds the database for long."""
GOING = ("removing", "removed", "purging", "purged")
QUICK_S = 10.0
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True)
class View:
    """What a service's reconciler may read. instances: those not yet removed; uuids: fresh ones, for new units."""

    row: Service
    stack: Environment
    instances: tuple[Container, ...]
    now: int
    uuids: tuple[str, ...]


@dataclass(frozen=True)
class Unit:
    """One number of the service, with the containers it has by launch config ("" is the primary)."""

    number: int
    uuid: str
    containers: dict[str, Container]


def load(tx: Tx, row: Service) -> View:
    """Read a service with its stack and its containers."""
    from trailboss.resources.environment import Environment

    instances = tuple(i for i in tx.find(Container, service_id=row.id) if i.state not in ("removed", "purged"))
    stack = tx.require(Environment, row.environment_id)
    return View(row, stack, instances, tx.now, tuple(str(uuids.uuid4()) for _ in range(BATCH)))


def reconcile(view: View) -> Outcome:
    """Decide the next steps of a service."""
    row = view.row
    if row.state == "removing":
        return _drain(view)
    if row.state == "deactivating":
        return Done(steps=tuple(_stop(i) for i in view.instances if states.may(i, "stop")))
    if row.state in ("activating", "active", "updating-active"):
        return _converge(view)
    return Done()


def _stop(instance: Container) -> Step:
    return Begin(instance, "stop", {"desired": "stopped", "after_stop": None})


def _drain(view: View) -> Outcome:
    """Remove every container, then be gone."""
    left = [i for i in view.instances if i.state not in GOING]
    if view.instances:
        at_once = bool(view.row.purge_at_once)
        steps = tuple(remove_steps(i, at_once=at_once) for i in left if not _is_leaving(i, at_once))
        return Again(f"Removing {len(view.instances)} containers", after_s=30, steps=steps)
    return Done()


def _is_leaving(instance: Container, at_once: bool) -> bool:
    return instance.after_stop == "remove" and bool(instance.purge_at_once) == at_once


def remove_steps(instance: Container, *, at_once: bool = False) -> Step:
    """Return the step that begins the removal of a container, whatever it is doing."""
    values: dict[str, Any] = {"desired": "stopped", "after_stop": "remove", "purge_at_once": at_once}
    for process in ("remove", "stop"):
        if states.may(instance, process):
            return Begin(instance, process, values)
    return Set(instance, values)


def units_of(view: View) -> dict[int, Unit]:
    """Group the containers into units by their number; those on their way out still fill their place."""
    found: dict[int, Unit] = {}
    for instance in view.instances:
        number = int((instance.slot or "//0").rsplit("/", 1)[1])
        unit = found.setdefault(number, Unit(number, instance.deployment_unit_uuid, {}))
        unit.containers[instance.launch_config_name or ""] = instance
    return found


def configs_of(service: Service) -> dict[str, dict[str, Any]]:
    """Return the launch configs of a service by name, "" for the primary, in the order in which they are made."""
    configs = {"": dict(service.launch_config or {})}
    configs |= {c["name"]: dict(c) for c in service.secondary_launch_configs or []}
    graph = {name: references(service.name, config) for name, config in configs.items()}
    return {name: configs[name] for name in creation_order(graph)}


def _converge(view: View) -> Outcome:
    row = view.row
    if not (row.launch_config or {}).get("imageUuid"):
        return Done()
    units = units_of(view)
    staying = {n: u for n, u in units.items() if not any(_goes(i) for i in u.containers.values())}
    surplus = sorted(staying)[row.scale :]
    steps: list[Step] = [remove_steps(i) for n in surplus for i in staying[n].containers.values()]
    wanted = sorted(staying)[: row.scale]
    free = (n for n in range(1, len(units) + row.scale + 1) if n not in staying)
    wanted += [next(free) for _ in range(row.scale - len(wanted))]
    making, because = _fill(view, units, wanted)
    steps += making
    steps += _starts(view, [staying[n] for n in wanted if n in staying])
    if because is None:
        because = _waits_for(view, units, wanted, bool(surplus))
    values = {"create_index": (row.create_index or 0) + sum(isinstance(s, Make) for s in making)}
    if because is None and not steps:
        return Done()
    if row.state == "active":
        return Done(process="update", steps=tuple(steps), values=values)
    return Again(because or "Starting containers", after_s=_pause(view), steps=tuple(steps), values=values)


def _goes(instance: Container) -> bool:
    return instance.state in GOING or instance.after_stop == "remove"


def _fill(view: View, units: dict[int, Unit], wanted: list[int]) -> tuple[list[Step], str | None]:
    """Make the containers that are missing in the wanted units, at most a batch; say if there are more."""
    steps: list[Step] = []
    configs = configs_of(view.row)
    fresh = iter(view.uuids)
    because = None
    for number in wanted:
        unit = units.get(number)
        if unit is not None and any(_goes(i) for i in unit.containers.values()):
            because = f"Waiting for {view.row.name} number {number} to be removed first"
            continue
        unit = unit or Unit(number, next(fresh, ""), {})
        for name, config in configs.items():
            if name in unit.containers:
                continue
            siblings = [unit.containers.get(need) for need in references(view.row.name, config)]
            if any(s is None or s.state != "running" for s in siblings):
                because = f"Waiting for the containers that {name or view.row.name} number {number} depends on"
                continue
            if len(steps) >= BATCH or not unit.uuid:
                return steps, f"Creating containers: {len(view.instances) + len(steps)} of {view.row.scale}"
            index = (view.row.create_index or 0) + len(steps) + 1
            steps.append(Make(Container, _new_container(view, unit, name, config, index)))
    return steps, because


def _new_container(view: View, unit: Unit, name: str, config: dict[str, Any], index: int) -> dict[str, Any]:
    """Build the values of a service's container from its launch config (20-stacks section 7.5)."""
    row, stack = view.row, view.stack
    values = {f.name: config[w] for w, f in Container.by_wire.items() if w in config and f.create}
    middle = f"_{name}" if name else ""
    full_name = f"{stack.name}_{row.name}{middle}_{unit.number}"
    values.update(
        account_id=row.account_id,
        kind="container",
        name=full_name,
        service_id=row.id,
        launch_config_name=name or None,
        slot=f"{row.uuid}/{name}/{unit.number}",
        deployment_unit_uuid=unit.uuid,
        version=config.get("version") or "0",
        create_index=index,
        restart_policy=None,
        labels=container_labels(view.stack.name, row.name, name, unit.uuid, configs_of(row)),
    )
    siblings = unit.containers
    if config.get("dataVolumesFromLaunchConfigs"):
        values["data_volumes_from"] = [
            siblings["" if n == row.name else n].id for n in config["dataVolumesFromLaunchConfigs"]
        ]
    if config.get("networkLaunchConfig"):
        target = config["networkLaunchConfig"]
        values["network_container_id"] = siblings["" if target == row.name else target].id
    if values["labels"].get("io.rancher.container.hostname_override") == "container_name":
        values["hostname"] = hostname_for(full_name, values.get("domain_name"))
    return values


def hostname_for(name: str, domain: str | None) -> str:
    """Shorten a container's name to a host name of at most 64 characters, keeping its number."""
    limit = 64 - (len(domain) + 1 if domain else 0)
    if len(name) <= limit:
        return name
    head, _, number = name.rpartition("_")
    return head[: limit - len(number) - 1] + "_" + number


def _starts(view: View, units: list[Unit]) -> list[Step]:
    """Start the stopped containers of the wanted units, those that end at once with growing pauses."""
    steps: list[Step] = []
    for unit in units:
        for instance in unit.containers.values():
            if instance.state != "stopped" or _is_start_once(instance):
                continue
            if _next_try(instance) <= view.now:
                steps.append(Begin(instance, "start", {**next_run(instance), "quick_exits": _quick_exits(instance)}))
    return steps


def _is_start_once(instance: Container) -> bool:
    return (instance.labels or {}).get("io.rancher.container.start_once") == "true"


def _quick_exits(instance: Container) -> int:
    ran_ms = (instance.finished_at or 0) - (instance.started_at or 0)
    return (instance.quick_exits or 0) + 1 if 0 <= ran_ms < QUICK_S * 1000 else 0


def _next_try(instance: Container) -> int:
    """Moment (ms) at which an ended container is started again: at once, then after 1, 2, 4 ... 60 s."""
    exits = instance.quick_exits or 0
    if exits == 0:
        return 0
    return (instance.finished_at or 0) + int(min(2.0 ** (exits - 1), LONGEST_PAUSE_S) * 1000)


def _waits_for(view: View, units: dict[int, Unit], wanted: list[int], shrinking: bool) -> str | None:
    """Say what is still missing until the service is as wanted; None if nothing is."""
    present = [i for n in wanted if n in units for i in units[n].containers.values()]
    ready = [i for i in present if i.state == "running" or (_is_start_once(i) and i.state == "stopped")]
    if len(ready) < len(present):
        slow = next(i for i in present if i not in ready)
        reason = f": {slow.message}" if slow.message else ""
        if slow.state == "stopped" and slow.quick_exits:
            wait_s = max(0, _next_try(slow) - view.now) / 1000
            reason = f": it ended at once with exit code {slow.exit_code}; next start in {wait_s:.0f} s"
        return f"{len(ready)} of {view.row.scale} running; {slow.name} is {slow.state}{reason}"
    leaving = [i for i in view.instances if _goes(i)]
    if shrinking or leaving:
        return f"Removing {len(leaving) or 'surplus'} containers"
    return None


def _pause(view: View) -> float:
    """Seconds until it is worth looking again although nothing was reported."""
    tries = [_next_try(i) - view.now for i in view.instances if i.state == "stopped"]
    soonest = min((t for t in tries if t > 0), default=15_000)
    return max(0.05, soonest / 1000)
