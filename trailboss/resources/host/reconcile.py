"""A host's life after it has registered: settles at once, except for removal, which lets its containers go first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.outcome import Again, Begin, Done, Mark, Outcome, Set, Step
from trailboss.resources.agent import Agent

if TYPE_CHECKING:
    from trailboss.resources.host import Host
    from trailboss.resources.instance import Instance
    from trailboss.store.transaction import Tx


@dataclass(frozen=True)
class View:
    """What a host's reconciler may read."""

    row: Host
    agent: Agent | None
    instances: tuple[Instance, ...]
    waiting: tuple[Instance, ...]


def load(tx: Tx, row: Host) -> View:
    """Read a host with its agent and, where it matters, its containers."""
    from trailboss.resources.instance import Instance

    instances = tuple(tx.find(Instance, host_id=row.id)) if row.state == "removing" else ()
    waiting: tuple[Instance, ...] = ()
    if row.state in ("activating", "updating-active"):
        waiting = tuple(i for i in tx.find(Instance, account_id=row.account_id, state="starting") if i.host_id is None)
    return View(row, tx.get(Agent, row.agent_id), instances, waiting)


def reconcile(view: View) -> Outcome:
    """Settle the host; a removed one releases its containers, which keep running under Docker alone."""
    if view.row.state == "removing":
        return _let_go(view)
    if view.row.state in ("activating", "updating-active"):
        # there is a place again, or other labels: whoever waits for one looks
        return Done(steps=tuple(Mark(type(instance), instance.id) for instance in view.waiting))
    return Done()


def _let_go(view: View) -> Outcome:
    if view.instances:
        steps = tuple(_release(instance) for instance in view.instances)
        return Again(f"{len(view.instances)} containers are being released", after_s=0.2, steps=steps)
    agent = view.agent
    if agent is None or agent.state in states.GONE:
        return Done()
    process = next((p for p in ("remove", "deactivate") if states.may(agent, p)), None)
    steps = (Begin(agent, process),) if process else ()
    return Again("Its agent is being removed", after_s=1.0, steps=steps)


def _release(instance: Instance) -> Step:
    gone: dict[str, Any] = {"host_id": None, "desired": "stopped", "after_stop": "remove", "seen_state": "released"}
    for process in ("remove", "stop"):
        if states.may(instance, process):
            return Begin(instance, process, gone)
    return Set(instance, gone)


def update(tx: Tx, row: Host, values: dict[str, Any], caller: Any) -> Host:
    """Store changed fields; changed labels are a process, since they may move containers."""
    if "labels" in values and values["labels"] != row.labels and states.may(row, "update"):
        return states.begin(tx, row, "update", **values)
    return tx.change(row, **values)


def settled(tx: Tx, row: Host) -> None:
    """Give back the address of a host that is gone for good."""
    if row.state == "purged":
        tx.release(row)
