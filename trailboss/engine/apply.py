"""Takes the steps of an outcome and moves the row along its machine: all in the transaction of the reconcile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trailboss import states
from trailboss.declare import Resource, ResourceType, registry
from trailboss.errors import Lost
from trailboss.outcome import Again, Begin, End, Failed, Hold, Make, Mark, Outcome, Release, Set, Step
from trailboss.store.transaction import Tx


@dataclass
class Platform:
    """The caller on whose behalf reconcilers create: the platform itself, with no options and nothing to show."""

    options: dict[str, Any] = field(default_factory=dict)
    shown_once: dict[str, Any] = field(default_factory=dict)
    consulted: Any = None


def apply(tx: Tx, row: Resource, outcome: Outcome) -> Again | None:
    """Take the steps, then change the row; return the outcome if the row wants to be looked at again."""
    for step in outcome.steps:
        _take(tx, step)
    if isinstance(outcome, Again):
        _store_wait(tx, row, outcome)
        return outcome
    if isinstance(outcome, Failed):
        return _fail(tx, row, outcome)
    values = dict(outcome.values)
    if outcome.failed:
        values.update(failed=1, message=outcome.failed)
    if outcome.process:
        states.begin(tx, row, outcome.process, **values)
    else:
        states.arrive(tx, row, chain=outcome.chain, then=outcome.then, **values)
    return None


def _fail(tx: Tx, row: Resource, outcome: Failed) -> Again | None:
    """Lead the row to its error state; one that has none stays on its way, says why, and is tried again."""
    if outcome.process and states.may(row, outcome.process):
        states.fail(tx, states.begin(tx, row, outcome.process, **outcome.values), outcome.because)
        return None
    row = tx.change(row, **outcome.values)
    states.fail(tx, row, outcome.because)
    return Again(outcome.because) if states.is_moving(row) else None


def _store_wait(tx: Tx, row: Resource, outcome: Again) -> None:
    if states.is_moving(row):
        states.wait(tx, row, outcome.because, outcome.progress, **outcome.values)
    else:
        tx.change(row, **outcome.values)


def _take(tx: Tx, step: Step) -> None:
    match step:
        case Make():
            create(tx, step.type, step.values, Platform())
        case Set():
            if tx.change(step.row, **step.values) is not step.row and step.look:
                tx.mark(type(step.row), step.row.values["id"])
        case Begin():
            if states.may(step.row, step.process):
                states.begin(tx, step.row, step.process, **step.values)
        case End():
            states.end(tx, step.row)
        case Mark():
            tx.mark(step.type, step.id, after_s=step.after_s)
        case Hold():
            if not tx.hold(step.scope, step.key, step.row):
                raise Lost(f"{step.scope} {step.key} was taken meanwhile")
        case Release():
            tx.release(step.row, step.scope)


def create(tx: Tx, type_: ResourceType, values: dict[str, Any], caller: Any) -> Resource:
    """Create a resource: the type's `prepare`, the row in its first transitional state, the type's `created`."""
    kind = registry.get(values.get("kind") or "", type_)
    type_ = kind if issubclass(kind, type_) else type_
    behaviour = type_.behaviour
    if behaviour.prepare is not None:
        values = behaviour.prepare(tx, values, caller)
    machine = type_.machine
    first = machine.arrow("create", "requested") if machine else None
    state = values.get("state") or (first.via if first else None)
    row = tx.insert(type_, **{**values, "state": state})
    if first is not None and state == first.via:
        tx.mark(type_, row.values["id"])
    if behaviour.created is not None:
        behaviour.created(tx, row)
    return tx.get(type_, row.values["id"]) or row
