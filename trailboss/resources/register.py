"""How a host joins: with a registration token it posts a `register`, and is given an agent and that agent's keys.

The keys are shown only to who asks for them with the same `key`, of which a digest is kept. Registering again with it
gives the same agent. The secret key is nowhere stored: it is made of the `key` that a request brings, as often as one
asks.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import ABSENT, Action, Behaviour, generic, text
from trailboss.errors import ApiError
from trailboss.resources.account import Account
from trailboss.resources.agent import Agent
from trailboss.resources.credential import AgentApiKey, digest, hash_secret, make_public_value
from trailboss.resources.entity import Entity
from trailboss.resources.setting import value_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx

SIMULATED = "sim://"
"""What the address of an agent begins with that is served inside the server (`dispatch/simulated.py`)."""


class GenericObject(Entity):
    """The base of small things that are only asked for and done."""

    type = "genericObject"
    roles = {"superadmin": "crud"}
    machine = generic("genericobject")
    key = text(column=True, indexed=True)


class Register(GenericObject):
    """A host's wish to join. secret_key: only a hash of it is kept."""

    type = "register"
    plural = "register"
    shows_secrets = True
    roles = {"project": "cr", "user": "r", "readonly": "r", "admin": "r", "service": "cr", "register": "crd"}
    actions = (Action("stop", "instanceStop", "instance"),)
    unserved = ("stop",)
    narrow = {
        "register": (
            "access_key", "created", "description", "id", "key", "kind", "name", "removed", "secret_key", "state",
            "transitioning", "transitioning_message", "transitioning_progress", "uuid",
        )
    }  # fmt: skip

    access_key = text(nullable=False, secret=True)
    agent_uri_format = text(create=("superadmin",), read=("superadmin",))
    key = text(column=True, indexed=True, create=True, required=True, secret=True, hashed=True, matched=digest)
    secret_key = text(nullable=False, secret=True, hashed=True)


def prepare(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Make keys for who registers. Refuses a key that is too short to be a secret, and a simulated host while the
    simulator is off."""
    if len(values["key"]) < 16:
        raise ApiError(422, "MinLengthExceeded", "the key is at least 16 characters of random text", field="key")
    uri_format = values.get("agent_uri_format")
    if uri_format and "%s" not in uri_format:
        raise ApiError(422, "InvalidFormat", "the format needs a %s, for the uuid", field="agentUriFormat")
    if uri_format and uri_format.startswith(SIMULATED) and value_of(tx, "simulator.enabled") != "true":
        message = "simulated hosts are switched off: set simulator.enabled to true"
        raise ApiError(422, "InvalidOption", message, field="agentUriFormat")
    access_key = make_public_value()
    secret_key = hash_secret(_secret_key(values["key"], access_key))
    return {**values, "key": digest(values["key"]), "access_key": access_key, "secret_key": secret_key}


def _secret_key(key: str, access_key: str) -> str:
    """Return the secret that goes with an access key: 40 hex characters that only who knows the `key` can make."""
    return hmac.new(key.encode(), access_key.encode(), hashlib.sha256).hexdigest()[:40]


def created(tx: Tx, row: Register) -> None:
    """Make the agent with its account, or find the one that the same key made before, and give it the new keys."""
    agent = next(iter(tx.find(Agent, registration_key=row.key)), None)
    if agent is None or agent.state in ("removing", "removed", "purging", "purged"):
        agent = _make_agent(tx, row)
    for earlier in tx.find(Register, key=row.key):
        if earlier.id != row.id:
            tx.change(earlier, access_key=None, secret_key=None)
    for old in tx.find(AgentApiKey, account_id=agent.account_id):
        states.end(tx, old)
    tx.insert(
        AgentApiKey,
        account_id=agent.account_id,
        kind="agentApiKey",
        public_value=row.access_key,
        secret_value=row.secret_key,
        state="active",
    )


def _make_agent(tx: Tx, row: Register) -> Agent:
    account = tx.insert(Account, kind="agent", state="active")
    tx.change(account, uuid=f"agentAccount{account.id}")
    agent = tx.insert(
        Agent,
        account_id=account.id,
        uri=(row.agent_uri_format or "event://%s").replace("%s", row.uuid),
        data={name: value for name, value in row.data.items() if name.startswith("simulator.")},
        registration_key=row.key,
        resources_account_id=row.account_id,
        state="registering",
    )
    tx.mark(Agent, agent.id)
    return agent


def shown(row: Register, face: Any) -> dict[str, Any]:
    """Show the keys only to who asks for them with the same key, and only while they are good."""
    asked = face.query.get("key", "")
    if row.state == "active" and row.secret_key and digest(asked) == row.key:
        return {"key": asked, "accessKey": row.access_key, "secretKey": _secret_key(asked, row.access_key)}
    return dict.fromkeys(("key", "accessKey", "secretKey"), ABSENT)


def delete(tx: Tx, row: Register, caller: Any) -> Register:
    """Remove the row, and with it the keys that it shows; the agent keeps its own."""
    row = tx.change(row, access_key=None, secret_key=None)
    return states.begin(tx, row, "remove") if states.may(row, "remove") else states.end(tx, row)


Register.behaviour = Behaviour(prepare=prepare, created=created, delete=delete, computed=shown)
