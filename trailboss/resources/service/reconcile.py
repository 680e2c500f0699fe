"""Bring the containers of a service to its scale.

A unit is one numbered place: a primary container and one per sidekick. Numbers are the smallest free ones; a
container that went is replaced under its own number. What is surplus goes newest first. Inside a unit a container is
made and started when those it depends on run. Waits carry their reason. The containers themselves: `containers.py`.
"""

from __future__ import annotations

import uuid as uuids
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import registry
from trailboss.outcome import Again, Begin, Done, Make, Outcome, Set, Step
from trailboss.resources.instance import Container
from trailboss.resources.instance.actions import next_run
from trailboss.resources.service.containers import Needs, Unit, configs_of, needs_of, new_container

if TYPE_CHECKING:
    from trailboss.resources.environment import Environment
    from trailboss.resources.service import Service
    from trailboss.store.transaction import Tx

BATCH = 10
"""Most containers made in one step, so that no step holds the database for long."""
GOING = ("removing", "removed", "purging", "purged")
LOOK_AGAIN_S = 5.0
"""Without word from a container (each one that settles has the service looked at), so that what it says stays true."""
SEE_WHAT_CAME_S = 1.0
"""After steps were taken."""
QUICK_S = 10.0
"""A run that ends sooner was no success."""
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True)
class View:
    """What a service's reconciler may read. instances: those not yet removed; gone: removed ones that could still be
    restored, only when they are not to be; uuids: fresh ones, for new units."""

    row: Service
    stack: Environment
    instances: tuple[Container, ...]
    now: int
    uuids: tuple[str, ...]
    gone: tuple[Container, ...] = ()


def load(tx: Tx, row: Service) -> View:
    """Read a service with its stack and its containers."""
    from trailboss.resources.environment import Environment

    instances = tuple(tx.find(Container, service_id=row.id))
    ends_at_once = row.state == "removing" and row.purge_at_once
    gone = tuple(tx.find(Container, live=False, service_id=row.id, state="removed")) if ends_at_once else ()
    stack = tx.require(Environment, row.environment_id)
    return View(row, stack, instances, tx.now, tuple(str(uuids.uuid4()) for _ in range(BATCH)), gone)


def reconcile(view: View) -> Outcome:
    """Decide the next steps of a service."""
    row = view.row
    if row.state == "removing":
        return _drain(view)
    if row.state == "deactivating":
        return _rest(view)
    # a kind that was added at run time is run by whoever has added it
    is_ours = row.kind in registry and (row.launch_config or {}).get("imageUuid")
    if row.state in ("activating", "active", "updating-active") and is_ours:
        return _converge(view)
    return Done()


def _rest(view: View) -> Outcome:
    """Ask every container to stop, those too that are about to start; the stopping itself is not waited for."""
    stopped = {"desired": "stopped", "after_stop": None}
    steps: list[Step] = [Begin(i, "stop", stopped) for i in view.instances if states.may(i, "stop")]
    about_to = [i for i in view.instances if i.state in ("creating", "restarting")]
    again = [i for i in view.instances if i.state == "stopping" and i.after_stop == "start"]
    steps += [Set(i, stopped) for i in again]
    if about_to:
        return Again(f"Stopping {about_to[0].name}, which is {about_to[0].state}", after_s=0.2, steps=tuple(steps))
    return Done(steps=tuple(steps))


def _drain(view: View) -> Outcome:
    """Remove every container, then be gone."""
    at_once = bool(view.row.purge_at_once)
    steps = [remove_step(i, at_once=at_once) for i in view.instances if not _is_leaving(i, at_once)]
    steps += [Set(i, {"purge_at_once": True}) for i in view.gone if not i.purge_at_once]
    if view.instances:
        return Again(f"Removing {len(view.instances)} containers", after_s=30, steps=tuple(steps))
    return Done(steps=tuple(steps))


def _is_leaving(instance: Container, at_once: bool) -> bool:
    return _goes(instance) and bool(instance.purge_at_once) == at_once


def _goes(instance: Container) -> bool:
    return instance.state in GOING or instance.after_stop == "remove"


def remove_step(instance: Container, *, at_once: bool = False) -> Step:
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


def _converge(view: View) -> Outcome:
    row, units, configs = view.row, units_of(view), configs_of(view.row)
    needs = needs_of(configs)
    wanted, surplus = _choose(row.scale, units)
    kept = [units[n] for n in wanted if n in units and not _is_going(units[n])]
    removing = [i for n in surplus for i in units[n].containers.values()]
    removing += [i for unit in kept for i in _orphans(unit, needs)]
    making, because = _fill(view, units, wanted, needs)
    steps = [remove_step(i) for i in removing] + making + _runs(view, kept, needs)
    because = because or _waits_for(view, kept, len(removing))
    values = {"create_index": (row.create_index or 0) + len(making)}
    if because is None and not steps:
        return Done()
    if row.state == "active":
        return Done(process="update", steps=tuple(steps), values=values)
    after_s = 0.0 if len(making) == BATCH else SEE_WHAT_CAME_S if steps else LOOK_AGAIN_S
    return Again(because or "Starting containers", after_s=after_s, steps=tuple(steps), values=values)


def _is_going(unit: Unit) -> bool:
    return any(_goes(i) for i in unit.containers.values())


def _choose(scale: int, units: dict[int, Unit]) -> tuple[list[int], list[int]]:
    """Return the numbers that should be there, and those that are surplus: the newest units, whatever their number."""
    staying = sorted((n for n, unit in units.items() if not _is_going(unit)), key=lambda n: units[n].age)
    wanted, surplus = staying[:scale], staying[scale:]
    free = (n for n in range(1, len(units) + scale + 1) if n not in staying)
    wanted += [next(free) for _ in range(scale - len(wanted))]
    return sorted(wanted), surplus


def _orphans(unit: Unit, needs: Needs) -> list[Container]:
    """Return the containers that depend, directly or through others, on one that the unit lacks."""
    missing = needs.keys() - unit.containers.keys()
    found: list[Container] = []
    for name in needs:  # in the order in which they are made: what one needs has been looked at before
        if name in unit.containers and missing & set(needs[name]):
            missing |= {name}
            found.append(unit.containers[name])
    return found


def _fill(view: View, units: dict[int, Unit], wanted: list[int], needs: Needs) -> tuple[list[Make], str | None]:
    """Make the containers that are missing in the wanted units, at most a batch; say what is waited for."""
    making: list[Make] = []
    fresh = iter(view.uuids)
    because = None
    for number in wanted:
        unit = units.get(number)
        if unit is not None and _is_going(unit):
            because = f"Waiting for {view.row.name} number {number} to be removed first"
            continue
        for name in needs:
            if unit is not None and name in unit.containers:
                continue
            if not _are_ready(unit, needs[name]):
                because = f"Waiting for the containers that {name or view.row.name} number {number} depends on"
                continue
            if len(making) == BATCH:
                return making, f"Creating containers: {len(view.instances) + BATCH} of {view.row.scale * len(needs)}"
            unit = unit or Unit(number, next(fresh), {})
            index = (view.row.create_index or 0) + len(making) + 1
            making.append(Make(Container, new_container(view.row, view.stack.name, unit, name, index)))
    return making, because


def _are_ready(unit: Unit | None, names: list[str]) -> bool:
    found = [unit.containers.get(name) if unit else None for name in names]
    return all(i is not None and _is_ready(i) for i in found)


def _is_ready(instance: Container) -> bool:
    """Say whether it runs, or has done what it was there for."""
    return instance.state == "running" or (_is_start_once(instance) and instance.state == "stopped")


def _is_start_once(instance: Container) -> bool:
    once = (instance.labels or {}).get("io.rancher.container.start_once") == "true"
    return once and instance.first_running is not None


def _runs(view: View, units: list[Unit], needs: Needs) -> list[Step]:
    """Start the stopped containers whose siblings are ready; stop those that sit in the network of an ended run."""
    steps: list[Step] = []
    for unit in units:
        for name, instance in unit.containers.items():
            if instance.state == "stopped" and not _is_ready(instance) and _are_ready(unit, needs.get(name, [])):
                steps.append(_start(instance, view.now))
            elif instance.state == "running" and _is_cut_off(unit, instance):
                steps.append(Begin(instance, "stop", {"desired": "stopped", "after_stop": None}))
    return steps


def _is_cut_off(unit: Unit, instance: Container) -> bool:
    """Say whether the container whose network this one shares has ended or begun a newer run since."""
    shared = next((i for i in unit.containers.values() if i.id == instance.network_container_id), None)
    if shared is None:
        return False
    return shared.state == "stopped" or (shared.started_at or 0) > (instance.started_at or 0) > 0


def _start(instance: Container, now: int) -> Step:
    """Begin the next run: at once, and when runs end soon again and again, after 1, 2, 4 ... 60 s."""
    exits = _quick_exits(instance)
    pause_s = min(2.0 ** (exits - 2), LONGEST_PAUSE_S) if exits > 1 else 0
    waiting = {"waiting_until": now + int(pause_s * 1000)} if pause_s else {}
    return Begin(instance, "start", {**next_run(instance), **waiting, "quick_exits": exits})


def _quick_exits(instance: Container) -> int:
    """Count the runs in a row that ended soon. Both times are the host's, so its clock may be wrong."""
    if not instance.started_at or not instance.finished_at:
        return 0
    ran_ms = instance.finished_at - instance.started_at
    return (instance.quick_exits or 0) + 1 if 0 <= ran_ms < QUICK_S * 1000 else 0


def _waits_for(view: View, units: list[Unit], removing: int) -> str | None:
    """Say what is still missing until the service is as wanted; None if nothing is."""
    present = [i for unit in units for i in unit.containers.values()]
    slow = [i for i in present if not _is_ready(i)]
    if slow:
        reason = f": {slow[0].message}" if slow[0].message else ""
        return f"{len(present) - len(slow)} of {len(present)} running; {slow[0].name} is {slow[0].state}{reason}"
    leaving = removing + sum(_goes(i) for i in view.instances)
    return f"Removing {leaving} containers" if leaving else None
