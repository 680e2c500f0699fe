"""Types whose effect is not built yet (`served = False`): what is asked for is stored, and says that it has no effect.

A row never comes to be in force: its creation ends in the state `error` if its type has a way there, else in the first
state at rest that does not claim anything, with `transitioning=error` and the message below. It can be changed and
removed like any other. A type without rows has an empty collection and refuses creation. Building a type means to give
it a behaviour and to take `served = False` away; nothing else refers to this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from trailboss.declare import Arrow, Machine, Resource, ResourceType
from trailboss.errors import ApiError
from trailboss.outcome import Done, Failed, Outcome

MESSAGE = "not served by this version yet"
IN_FORCE = "active"
ERROR = "error"
_LEAVING = ("remove", "purge", ERROR)
"""Processes that end as they should: a row can always be taken away."""


def attach(types: Iterable[ResourceType]) -> None:
    """Give every type that is not served the behaviour that says so. Raises TypeError for one that has its own."""
    for type_ in types:
        if type_.served:
            continue
        behaviour = type_.behaviour
        if behaviour.reconcile is not None:
            raise TypeError(f"{type_.type} has a reconciler: then it is served")
        if not type_.stored:
            behaviour.create = _refuse(type_.type)
        elif type_.machine is not None:
            type_.machine = with_error(type_.machine)
            behaviour.load, behaviour.reconcile = _load, reconcile


def with_error(machine: Machine) -> Machine:
    """Return a machine with a state `error` if otherwise the only place to rest after the creation were `active`."""
    created = machine.arrow("create", "requested")
    if created is None or created.to != IN_FORCE or _way_out(machine, created.via):
        return machine
    arrows = [replace(a, sources=(*a.sources, ERROR)) if a.process == "remove" else a for a in machine.arrows]
    promising = tuple(dict.fromkeys(a.via for a in machine.arrows if a.to == IN_FORCE))
    return Machine(machine.prefix, (*arrows, Arrow(ERROR, promising, "erroring", ERROR, internal=True)))


def reconcile(row: Resource) -> Outcome:
    """End the process under way short of what it would promise."""
    machine = type(row).machine
    under_way = machine.arriving(row.values["state"]) if machine else None
    if machine is None or under_way is None:
        return Done()
    if under_way.process in _LEAVING:
        return Done(chain=False)
    way_out = _way_out(machine, under_way.via)
    if way_out == ERROR:
        return Failed(MESSAGE, process=ERROR)
    if under_way.to == IN_FORCE:
        return Done(then=way_out, chain=False, failed=MESSAGE)
    return Done(chain=False, failed=MESSAGE)


def _way_out(machine: Machine, state: str) -> str | None:
    """Return the process that leads from a transitional state to one at rest that claims nothing."""
    return next((process for process in (ERROR, "deactivate") if machine.arrow(process, state)), None)


def _load(tx: Any, row: Resource) -> Resource:
    return row


def _refuse(name: str) -> Callable[[Any, dict[str, Any], Any], Resource]:
    def create(tx: Any, values: dict[str, Any], caller: Any) -> Resource:
        raise ApiError(501, message=f"{name}: {MESSAGE}")

    return create
