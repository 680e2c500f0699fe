"""From what a host saw to the observed fields of the rows, and marks for those who should look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from trailboss import states
from trailboss.errors import TrailbossError
from trailboss.resources import network
from trailboss.resources.agent import Agent
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.port import Port
from trailboss.store.transaction import Tx
from trailboss.wire.messages import Hello, Observation
from trailboss.wire.messages import Host as HostFacts

log = structlog.get_logger()


GOING = ("deactivating", "inactive", "removing", "removed", "purging", "purged")
"""States in which an agent is served no more."""

_WAY = ("pulling", "creating", "created", "running", "exited", "failed", "removed")
"""The states of one run, in the order in which it can be seen in them."""


class Refused(TrailbossError):
    """The agent or its host was deactivated or removed."""


def take(tx: Tx, host_id: int, observations: Sequence[Observation]) -> None:
    """Store what a host saw of its containers. Dropped are reports of older runs, of runs that were never granted
    (they come from before a restored database), and of containers of other hosts."""
    for seen in observations:
        row = next(iter(tx.find(Container, live=False, uuid=seen.container)), None)
        if row is None or row.host_id != host_id:
            log.info("a container of which no record speaks", container=seen.container, host=host_id, state=seen.state)
            continue
        if seen.state == "unknown" or not _is_news(row, seen):
            log.info("a report of another run", container=seen.container, epoch=seen.epoch, state=seen.state)
            continue
        changed = tx.change(row, **_values(row, seen))
        if changed is not row:
            tx.mark(Container, row.id)
        if seen.ports and seen.state == "running":
            _take_ports(tx, row, seen.ports)


def _is_news(row: Container, seen: Observation) -> bool:
    """Say whether it may speak of the present: of a run that was granted, and not of an earlier moment of it.

    What an older connection still carried can arrive after the next one's Hello; a run moves one way, except that the
    agent, or somebody on the host, may have started it again.
    """
    if seen.epoch != row.seen_epoch or row.seen_state not in _WAY:
        return (row.seen_epoch or 0) <= seen.epoch <= (row.granted_epoch or 0)
    is_again = seen.state == "running" and seen.started_at > (row.started_at or 0)
    return is_again or _WAY.index(seen.state) >= _WAY.index(row.seen_state)


def _values(row: Container, seen: Observation) -> dict[str, Any]:
    values: dict[str, Any] = {
        "seen_state": seen.state,
        "seen_epoch": seen.epoch,
        "seen_message": seen.message or None,
        "seen_progress": seen.progress,
    }
    if seen.docker_id:
        values["external_id"] = seen.docker_id
    if seen.state == "running":
        values["started_at"] = seen.started_at or row.started_at
        values["restarts"] = seen.restarts or row.restarts
    if seen.state == "exited":
        values.update(
            exit_code=seen.exit_code,
            started_at=seen.started_at or row.started_at,
            finished_at=seen.finished_at or row.finished_at,
        )
    return values


def _take_ports(tx: Tx, row: Container, public: dict[str, int | None]) -> None:
    for port in tx.find(Port, instance_id=row.id):
        number = public.get(f"{port.private_port}/{port.protocol}")
        if number is not None:
            tx.change(port, public_port=number)


def enter(tx: Tx, agent_id: int, hello: Hello) -> Host:
    """Store that an agent has connected; return its host, which the first Hello makes. The inventory is left to `take`.

    Raises Refused if the agent is served no more.
    """
    agent = tx.get(Agent, agent_id)
    if agent is None or agent.state in GOING:
        raise Refused
    host = host_of(tx, agent, hello.host)
    agent_state(tx, agent_id, connected=True)
    engine_state(tx, host.id, hello.engine_message)
    return host


def host_of(tx: Tx, agent: Agent, facts: HostFacts) -> Host:
    """Return the host of an agent as it is now; the first time it is made, in the environment that the agent joined.

    Raises Refused if the host was removed: it does not come back by its agent's knocking.
    """
    rows = tx.find(Host, live=False, agent_id=agent.id)
    if rows:
        found = rows[-1]
        if found.removed is not None:
            raise Refused
        return tx.change(found, info=facts.info, host_address=facts.address or found.host_address)
    host = tx.insert(
        Host,
        account_id=agent.resources_account_id,
        agent_id=agent.id,
        kind=facts.kind,
        name=facts.hostname,
        labels=facts.labels,
        info=facts.info,
        reported_uuid=facts.uuid,
        host_address=facts.address,
        state="registering",
    )
    host = tx.change(host, gateway=network.take_gateway(tx, host))
    tx.mark(Host, host.id)
    return host


def agent_state(tx: Tx, agent_id: int, *, connected: bool) -> None:
    """Carry a connection made or lost on to the agent's state, and let everything look that waits for the host."""
    agent = tx.get(Agent, agent_id)
    if agent is None:
        return
    if connected and agent.state == "reconnecting":
        agent = states.arrive(tx, agent)
    elif not connected and states.may(agent, "reconnect"):
        agent = states.begin(tx, agent, "reconnect")
    # an agent that speaks is active for its host, though the engine may not have walked its row to the end yet
    shown = "active" if connected and agent.state in ("registering", "activating") else agent.state
    for host in tx.find(Host, agent_id=agent.id):
        if tx.change(host, agent_state=shown) is not host:
            _wake(tx, host)


def engine_state(tx: Tx, host_id: int, message: str) -> None:
    """Store whether Docker answers on a host."""
    host = tx.get(Host, host_id)
    if host is not None and tx.change(host, engine_message=message or None) is not host:
        _wake(tx, host)


def _wake(tx: Tx, host: Host) -> None:
    for state in states.moving_states(Container):
        for row in tx.find(Container, host_id=host.id, state=state):
            tx.mark(Container, row.id)
    for row in tx.find(Container, account_id=host.account_id, state="starting"):
        if row.host_id is None:
            tx.mark(Container, row.id)


def facts(tx: Tx, agent_id: int, facts: HostFacts) -> None:
    """Store fresh facts of a host."""
    agent = tx.get(Agent, agent_id)
    if agent is not None and agent.state not in GOING:
        host_of(tx, agent, facts)
