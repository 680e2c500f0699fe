"""The only place that writes a resource's `state`: legal steps along its machine, and what clients see of the way.

`begin` starts a process (and marks the row as work), `arrive` ends the one under way, `wait` and `fail` say why it has
not ended; `rest` and `end` are for rows that follow another one at once. `transitioning` and its message are derived
from what is stored here. Who decides when to call these: actions (begin) and the engine (the rest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from trailboss.declare import Arrow, Machine, Resource, ResourceType
from trailboss.errors import ApiError

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx

R = TypeVar("R", bound=Resource)

GONE = ("removed", "purging", "purged")
IN_LINE = "Waiting for its turn"
"""What is awaited of a row that was just asked to move: the engine has not looked at it yet."""


def machine_of(row: Resource) -> Machine:
    """Return the state machine of a row's type."""
    machine = type(row).machine
    if machine is None:
        raise TypeError(f"{type(row).type} has no states")
    return machine


def may(row: Resource, process: str) -> bool:
    """Say whether a process may begin in the row's present state."""
    return machine_of(row).arrow(process, row.values["state"]) is not None


def is_moving(row: Resource) -> bool:
    """Say whether the row is on its way from one state to another."""
    return machine_of(row).arriving(row.values["state"]) is not None


def moving_states(type_: ResourceType) -> tuple[str, ...]:
    """Return the transitional states of a type."""
    return tuple(dict.fromkeys(a.via for a in type_.machine.arrows)) if type_.machine else ()


def begin(tx: Tx, row: R, process: str, **values: Any) -> R:
    """Start a process: transitional state, error cleared, work marked. Raises ApiError 409 where it is not legal."""
    arrow = machine_of(row).arrow(process, row.values["state"])
    if arrow is None:
        raise ApiError(409, message=f"{type(row).type} is {row.values['state']}: {process} is not possible now")
    tx.mark(type(row), row.values["id"])
    return tx.change(row, state=arrow.via, failed=0, message=None, progress=None, **values)


def arrive(tx: Tx, row: R, *, chain: bool = True, then: str | None = None, **values: Any) -> R:
    """End the process under way; go on with the one that usually follows it (if `chain`), or with `then`.

    A row at rest only takes the values. An error that was stored stays, along the whole chain. Raises ValueError if
    `then` cannot follow.
    """
    machine = machine_of(row)
    arrow = machine.arriving(row.values["state"])
    if arrow is None:
        return tx.change(row, **values)
    then = then or (arrow.then if chain else None)
    state = _following(machine, arrow, then) if then else arrow.to
    if then or state in GONE:
        # what is gone is looked at again: the engine purges it when its time has come, and forgets it in the end
        tx.mark(type(row), row.values["id"])
    if state == "removed":
        values = {"removed": tx.now, "remove_time": tx.now + type(row).remove_delay_s(tx) * 1000, **values}
    elif arrow.process == "restore":
        values = {"removed": None, "remove_time": None, **values}
    if not row.values["failed"]:
        values.setdefault("message", None)
    row = tx.change(row, state=state, progress=None, **values)
    if state == "purged":
        tx.release(row)
    settled = type(row).behaviour.settled
    if settled is not None:
        settled(tx, row)
    return row


def _following(machine: Machine, arrow: Arrow, then: str) -> str:
    """Return the transitional state of the process that follows on an arrow, without resting at its end."""
    found = machine.arrow(then, arrow.to) or machine.arrow(then, arrow.via)
    if found is None:
        raise ValueError(f"{machine.prefix}.{then} cannot follow {arrow.process}")
    return found.via


def rest(tx: Tx, row: R, state: str, **values: Any) -> R:
    """Put a row that follows another one (the port of a container) into a state at rest, without a way there."""
    if state not in machine_of(row).states or machine_of(row).arriving(state):
        raise ValueError(f"{type(row).type} does not rest in {state}")
    return tx.change(row, state=state, **values)


def end(tx: Tx, row: R) -> R:
    """Remove a row that nobody has to be asked about, in one step from any state."""
    if row.values["state"] in GONE:
        return row
    tx.mark(type(row), row.values["id"])
    return tx.change(row, state="removed", removed=tx.now, remove_time=tx.now)


def wait(tx: Tx, row: R, because: str, progress: int | None = None, **values: Any) -> R:
    """Say why the process under way has not ended yet, unless it is there because of an error: that is said on."""
    if row.values["failed"]:
        return tx.change(row, progress=progress, **values)
    return tx.change(row, message=because, progress=progress, **values)


def fail(tx: Tx, row: R, because: str) -> R:
    """Store an error that stays with the row until its next process begins."""
    return tx.change(row, failed=1, message=because)


def transitioning(row: Resource) -> tuple[str, str | None, int | None]:
    """Return the three `transitioning*` fields of a row as clients see them."""
    if type(row).machine is None:
        return "no", None, None
    if is_moving(row):
        return "yes", row.values["message"] or IN_LINE, row.values["progress"]
    if row.values["failed"]:
        return "error", row.values["message"], None
    return "no", None, None
