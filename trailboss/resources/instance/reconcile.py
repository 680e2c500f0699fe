"""From what is wanted of an instance and what its host saw, the next state.

The path of a start: `starting` -> placed on a host (scheduler) -> the host's agent is sent the run -> it reports ->
`running`. A host that is not reached is waited for when starting, and not waited for when stopping: the wish stays
in its assignment and is met when it returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from trailboss.declare import Resource, registry
from trailboss.outcome import Again, Done, Hold, Mark, Outcome, Set, Step
from trailboss.resources.host import COMPUTE, Host
from trailboss.resources.instance.placement import Placement
from trailboss.resources.instance.placement import load as load_placement
from trailboss.resources.instance.seen import has_ended, is_gone
from trailboss.resources.port import Port, port_scope
from trailboss.scheduler import Placed, Waiting

if TYPE_CHECKING:
    from trailboss.resources.instance import Instance
    from trailboss.store.transaction import Tx

TRIES = 3
"""Attempts at a start before a container on its own is given up; a service's container goes on with pauses."""
PAUSE_S = 60.0
NOT_STARTED = "The container could not be started"


@dataclass(frozen=True)
class View:
    """What an instance's reconciler may read. host_is_lost: its agent does not answer.
    placement: where it could run; only for one that has no host yet, or finds its port taken on it.
    holders: "80/tcp" -> name of the container that has this public port on the host already. service: of one that is
    restored, the service that it leaves."""

    row: Instance
    host: Host | None = None
    ports: tuple[Port, ...] = ()
    placement: Placement | None = None
    now: int = 0
    holders: dict[str, str] = field(default_factory=dict)
    service: Resource | None = None

    @property
    def host_is_lost(self) -> bool:
        return self.host is not None and _is_lost(self.host)


def _is_lost(host: Host) -> bool:
    return host.agent_state not in ("active", "activating") or host.removed is not None


def _on_host(host: Host, doing: str) -> str:
    """Say what is awaited of a host: that it answers, that its Docker works, else what it is doing."""
    if _is_lost(host):
        return f"Waiting for host {host.name}, which does not answer"
    if host.engine_message:
        return f"Waiting for Docker on host {host.name}: {host.engine_message}"
    return f"{doing} on {host.name}"


def load(tx: Tx, row: Instance) -> View:
    """Read an instance with its host and ports, and the cluster if it wants a place in it."""
    host = tx.get(Host, row.host_id)
    if row.state != "starting":
        service = tx.get(registry["service"], row.service_id) if row.state == "restoring" else None
        return View(row, host, now=tx.now, service=service)
    ports = tuple(tx.find(Port, instance_id=row.id))
    if host is None:
        return View(row, None, ports, load_placement(tx, row, ports), now=tx.now)
    holders = _other_holders(tx, row, host, ports)
    placement = load_placement(tx, row, ports) if holders else None
    return View(row, host, ports, placement, tx.now, holders)


def _other_holders(tx: Tx, row: Instance, host: Host, ports: tuple[Port, ...]) -> dict[str, str]:
    """Names of the containers that hold this one's public ports, by the port."""
    found = {}
    for hold in port_holds(row, host.id, ports):
        holder = tx.holder(hold.scope, hold.key)
        if holder is not None and holder[1] != row.id:
            other = tx.get(type(row), holder[1])
            found[hold.scope.removeprefix("port/")] = other.name or other.uuid if other else "another container"
    return found


def port_holds(row: Instance, host_id: int, ports: tuple[Port, ...]) -> tuple[Hold, ...]:
    """Return what a container reserves for its public ports: each port is a scope, in which a host is a key."""
    return tuple(
        Hold(row, port_scope(p.wanted_public_port, p.protocol), str(host_id)) for p in ports if p.wanted_public_port
    )


def reconcile(view: View) -> Outcome:
    """Decide the next step of an instance."""
    row = view.row
    match row.state:
        case "creating":
            if row.values.get("start_on_create") is False:
                return Done(chain=False)
            return Done(values={"desired": "running", "epoch": row.epoch + 1, "is_new": True})
        case "starting":
            return _start(view)
        case "running":
            return _watch(view)
        case "restarting":
            return Done(then="stop")
        case "stopping":
            return _stop(view)
        case "purging":
            return _purge(view)
        case "restoring":
            return _restore(view)
        case _:
            return Done()


def _start(view: View) -> Outcome:
    row = view.row
    if view.host is None:
        return _place(view)
    if row.seen_epoch == row.epoch and row.seen_state in ("running", "exited"):
        # one that has ended already is looked at once more, as one that runs
        return Done(values=_started(view), steps=(Mark(type(row), row.id),))
    if row.seen_epoch == row.epoch and row.seen_state in ("failed", "removed"):
        return _start_failed(view)
    if row.waiting_until and row.waiting_until > view.now:
        return _pause(view)
    if view.holders:
        return _port_taken(view, view.host)
    holds = port_holds(row, view.host.id, view.ports)
    message = _on_host(view.host, "Starting")
    is_told = row.seen_epoch == row.epoch and row.seen_message
    if is_told and not (view.host_is_lost or view.host.engine_message):
        message = row.seen_message
    granted = {"granted_epoch": row.epoch}
    return Again(message, after_s=PAUSE_S, progress=row.seen_progress, steps=holds, values=granted)


def _port_taken(view: View, host: Host) -> Outcome:
    """Another container has taken the port while this one was stopped. One of a service is replaced where there is
    room, else it waits here."""
    if view.row.service_id is not None and view.placement and isinstance(view.placement.decide(), Placed):
        return Done(then="stop", values={"desired": "stopped", "after_stop": "remove"})
    taken = "; ".join(f"port {port} is held by {name}" for port, name in view.holders.items())
    return _no_place(view, f"{taken} on host {host.name}")


def _pause(view: View) -> Outcome:
    """Wait before a run that follows on failures or on runs that ended at once."""
    row = view.row
    left_s = (row.waiting_until - view.now) / 1000
    if row.start_failures:
        # not what the host says now: until it is sent the next run it speaks of the end of the last one
        because = f"{row.start_failure or NOT_STARTED} (attempt {row.start_failures}"
    else:
        because = f"It ended at once with exit code {row.exit_code} ({row.quick_exits} times"
    return Again(f"{because}; next in {ceil(left_s)} s)", after_s=left_s)


def _place(view: View) -> Outcome:
    row = view.row
    assert view.placement is not None
    decision = view.placement.decide()
    if isinstance(decision, Waiting):
        if decision.waits_for == "peer":
            return Again(decision.because, after_s=1.0)
        return _no_place(view, decision.because)
    host = view.placement.host(decision.host_id)
    steps: tuple[Step, ...] = (
        *port_holds(row, host.id, view.ports),
        Set(host, {"compute_free": host.compute_free - COMPUTE}, look=False),
    )
    values: dict[str, Any] = {"host_id": host.id, "granted_epoch": row.epoch}
    if "allocation_state" in type(row).fields:
        values["allocation_state"] = "active"
    return Again(_on_host(host, "Starting"), after_s=PAUSE_S, steps=steps, values=values)


def _no_place(view: View, because: str) -> Outcome:
    """A service's container waits for room; one on its own fails, as in the original, with the reason."""
    if view.row.service_id is not None:
        return Again(f"Waiting for a place: {because}", after_s=5.0)
    return _give_up(view, f"Failed to find a placement: {because}")


def _give_up(view: View, message: str) -> Outcome:
    """End a start for good: a container whose creation it ends is removed, another is left stopped; both keep the
    message."""
    after = "remove" if view.row.is_new else None
    return Done(then="stop", failed=message, values={"desired": "stopped", "after_stop": after})


def _started(view: View) -> dict[str, Any]:
    row = view.row
    values: dict[str, Any] = {
        "first_running": row.values.get("first_running") or view.now,
        "start_count": (row.values.get("start_count") or 0) + 1,
        "start_failures": 0,
        "start_failure": None,
        "is_new": False,
        "failed": 0,
        "message": None,
    }
    if row.address:
        values["primary_ip_address"] = row.address
    return {name: value for name, value in values.items() if name in type(row).fields or name in ("failed", "message")}


def _start_failed(view: View) -> Outcome:
    row = view.row
    failures = (row.start_failures or 0) + 1
    message = row.seen_message or NOT_STARTED
    if failures >= TRIES and row.service_id is None:
        return _give_up(view, message)
    pause = min(2.0 ** (failures - 1), PAUSE_S) if failures > 1 else 0.5
    values = {
        "epoch": row.epoch + 1,
        "start_failures": failures,
        "start_failure": message,
        "waiting_until": view.now + int(pause * 1000),
    }
    return Again(f"{message} (attempt {failures}; next in {ceil(pause)} s)", after_s=pause, values=values)


def _restore(view: View) -> Outcome:
    """Bring a removed container back, stopped. Its place in a service may have been filled, so it stands on its own;
    who fills the place next counts its runs on from here, since hosts refuse an older run of a slot."""
    row = view.row
    own = {"desired": "stopped", "after_stop": None, "purge_at_once": False, "service_id": None, "slot": row.uuid}
    steps: list[Step] = [Hold(row, "slot", row.uuid)]
    if view.service is not None:
        floor = max(view.service.values.get("run_floor") or 0, row.epoch)
        steps.append(Set(view.service, {"run_floor": floor}, look=False))
    return Done(values=own, steps=tuple(steps))


def _watch(view: View) -> Outcome:
    """A running instance whose run has ended is stopped; one whose container is gone is removed."""
    row = view.row
    if row.seen_epoch != row.epoch or row.seen_state not in ("removed", "exited", "failed"):
        return Done()
    after = "remove" if row.seen_state == "removed" else None
    return Done(process="stop", values={"desired": "stopped", "after_stop": after})


def _stop(view: View) -> Outcome:
    row = view.row
    if view.host is not None and not view.host_is_lost and not has_ended(row):
        return Again(_on_host(view.host, "Stopping"), after_s=PAUSE_S)
    if row.after_stop == "remove":
        return Done(then="remove", values={"after_stop": None})
    if row.after_stop == "start":
        return Done(
            then="start", values={"desired": "running", "epoch": row.epoch + 1, "after_stop": None, "start_failures": 0}
        )
    return Done()


def _purge(view: View) -> Outcome:
    """Ask the host to delete what is left, and wait for its answer; there may be nobody or nothing to ask."""
    row = view.row
    wish = {"desired": "removed"}
    if view.host is None or view.host.removed is not None or is_gone(row):
        return Done(values=wish)
    return Again(_on_host(view.host, "Deleting the container"), after_s=PAUSE_S, values=wish)
