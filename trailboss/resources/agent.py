"""Agents: the programs on the hosts, as the server knows them. Whether one is connected is known in `dispatch/`."""

from __future__ import annotations

from trailboss.declare import ADMINS, Behaviour, flag, generic, text
from trailboss.resources.entity import Entity


class Agent(Entity):
    """The program that drives one host."""

    type = "agent"
    roles = {"admin": "r", "service": "r", "agent": "r", "agentRegister": "cr"}
    narrow = {"agent": ("id", "name", "user"), "agentRegister": ("uri", "user")}
    machine = generic(
        "agent",
        less=("deactivate",),
        more="""
        deactivate: active activating reconnecting updating-active updating-inactive -> deactivating -> inactive
        reconnect:  active activating                                                -> reconnecting -> active
        """,
    )
    links = ("configItemStatuses", "hosts", "instances", "physicalHosts", "storagePools")

    name = text(create=ADMINS, update=ADMINS, column=True)
    managed_config = flag(column=True, nullable=False, default=True)
    uri = text(column=True, unique=True, create=("agentRegister",))
    user = text(create=True, read=("agent", "agentRegister"))
    registration_key = text(column=True, indexed=True, read=(), secret=True)
    resources_account_id = text(read=())


Agent.behaviour = Behaviour()
