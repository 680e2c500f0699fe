"""What contract tests find prepared: a row of every type that can be referred to, and a caller for each role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.check import OFFERED
from tests.serving import PROJECT, Api, Installation, OpenApi
from trailboss.declare import ResourceType, format_id, registry
from trailboss.resources.account import Account
from trailboss.resources.agent import Agent
from trailboss.resources.credential import RegistrationToken, prepare_token, sign_token
from trailboss.resources.project_member import ProjectMember
from trailboss.resources.seed import add_key
from trailboss.store.store import Store
from trailboss.store.transaction import Tx

INSIDE = 5
"""Number of the environment that everything is in."""
REST = ("active", "stopped", "inactive", "created")
"""In what state prepared rows are: the first that their type has."""


@dataclass
class World:
    """prepared: type -> id of a row. callers: role -> who asks in that role, with `prefix` inside the environment."""

    prepared: dict[str, str]
    callers: dict[str, Api]


def prepare(store: Store) -> dict[str, str]:
    """Make one row of every stored type that is referred to; return their ids."""

    def make(tx: Tx) -> dict[str, str]:
        found = {"account": format_id(Account, INSIDE), "project": format_id(Account, INSIDE)}
        for name, type_ in registry.items():
            if type_.stored and name not in found and name in OFFERED | {"genericObject": {}}:
                found[name] = format_id(type_, _insert(tx, type_))
        return found

    return store.write(make)


def _insert(tx: Tx, type_: ResourceType) -> int:
    states = type_.machine.states if type_.machine is not None else ()
    values: dict[str, Any] = {"state": next((s for s in REST if s in states), None), "name": f"a-{type_.type}"}
    if "account_id" in type_.fields:
        values["account_id"] = INSIDE
    if type_ is ProjectMember:
        values |= {"external_id": "1", "project_id": INSIDE, "role": "readonly"}
    if type_ is RegistrationToken:
        values = prepare_token(tx, values, None)
    row = tx.insert(type_, **values)
    return int(row.values["id"])


def callers(installation: Installation, open_api: OpenApi) -> dict[str, Api]:
    """Return a caller for every role that creates something."""
    inside = f"/v1/projects/{PROJECT}/"

    def make(tx: Tx) -> dict[str, Any]:
        keys = {}
        for kind in ("user", "service", "agent", "agentRegister", "superadmin"):
            account = tx.insert(Account, kind=kind, name=kind, state="active")
            keys[kind] = add_key(tx, account.id, "a key")
            if kind == "agent":
                tx.insert(
                    Agent, account_id=account.id, uri="event://prepared", resources_account_id=INSIDE, state="active"
                )
        for role in ("owner", "member", "restricted", "readonly"):
            person = tx.insert(Account, kind="user", name=role, state="active")
            tx.insert(
                ProjectMember,
                account_id=INSIDE,
                project_id=INSIDE,
                external_id=str(person.id),
                role=role,
                state="active",
            )
            keys[role] = add_key(tx, person.id, "a key")
        token = tx.insert(RegistrationToken, **prepare_token(tx, {"account_id": INSIDE, "state": "active"}, None))
        keys["register"] = ("registrationToken", sign_token(token, tx.now))
        return keys

    keys = installation.store.write(make)
    members = ("owner", "member", "restricted", "readonly")
    found = {role: open_api(key, inside if role in members else "/v1/") for role, key in keys.items()}
    return found | {
        "project": open_api(installation.project_key, inside),
        "admin": open_api(installation.admin_key),
    }


@pytest.fixture
def world(installation: Installation, open_api: OpenApi) -> World:
    """An installation with something of every type, and everybody who may ask."""
    return World(prepare(installation.store), callers(installation, open_api))
