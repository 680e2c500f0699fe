"""Agents: the programs on the hosts, as the server knows them. Whether one is connected is known in `dispatch/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trailboss import states
from trailboss.declare import ADMINS, OPERATOR, Behaviour, flag, generic, ref, registry, text
from trailboss.outcome import Again, Done, Outcome
from trailboss.resources.account import Account
from trailboss.resources.credential import AgentApiKey
from trailboss.resources.entity import Entity

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx

LOOK_AGAIN_S = 300.0


class Agent(Entity):
    """The program that drives one host."""

    type = "agent"
    roles = {"admin": "r", "service": "r", "agent": "r", "agentRegister": "cr"}
    narrow = {"agent": ("id", "name", "user"), "agentRegister": ("uri", "user")}
    machine = generic(
        "agent",
        less=("activate", "deactivate"),
        more="""
        activate:   requested inactive registering                                   -> activating   -> active
        deactivate: active activating reconnecting updating-active updating-inactive -> deactivating -> inactive
        reconnect:  active activating                                                -> reconnecting -> active
        """,
    )
    links = ("configItemStatuses", "hosts", "instances", "physicalHosts", "storagePools")

    name = text(create=ADMINS, update=ADMINS, column=True)
    managed_config = flag(column=True, nullable=False, default=True)
    uri = text(column=True, unique=True, create=("agentRegister",), update=OPERATOR)
    user = text(create=True, read=("agent", "agentRegister"))
    registration_key = text(column=True, indexed=True, read=(), secret=True, hashed=True)
    resources_account_id = ref("account", read=())


def load(tx: Tx, row: Agent) -> Agent:
    """An agent's reconciler reads nothing but its row."""
    return row


def reconcile(row: Agent) -> Outcome:
    """Settle an agent; one that does not answer stays `reconnecting` until it does (`dispatch/reports.py`)."""
    if row.state == "reconnecting":
        return Again("The agent does not answer; its containers run on", after_s=LOOK_AGAIN_S)
    return Done()


def settled(tx: Tx, row: Agent) -> None:
    """Let the keys and the account of a removed agent go with it, and its host know."""
    for host in tx.find(registry["host"], agent_id=row.id):
        if host.values["state"] == "removing":
            tx.mark(type(host), host.values["id"])
    if row.state == "removed":
        for key in tx.find(AgentApiKey, account_id=row.account_id):
            states.end(tx, key)
        if account := tx.get(Account, row.account_id):
            states.end(tx, account)


Agent.behaviour = Behaviour(load=load, reconcile=reconcile, settled=settled)
