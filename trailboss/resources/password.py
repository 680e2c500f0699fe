"""Passwords: with which people log in. Other keys are in `credential.py`."""

from __future__ import annotations

from typing import Any

from trailboss.declare import ADMINS, ANYONE, Action, Behaviour, Resource, ref, text
from trailboss.resources.credential import Credential


class Password(Credential):
    """A login name and its password."""

    type = "password"
    roles = {role: letters.replace("cr", "crud") for role, letters in ANYONE.items()}
    served = False
    unserved = ("changesecret",)
    actions = (Action("changesecret", "changeSecretInput", "changeSecretInput"),)

    account_id = ref("account", column=True, create=ADMINS)
    public_value = text(create=True, column=True, indexed=True, max_length=4096)
    secret_value = text(create=True, column=True, max_length=4096, secret=True, hashed=True, read_on_create_only=True)


class ChangeSecretInput(Resource):
    """The password as it was and as it shall be."""

    type = "changeSecretInput"
    roles = ANYONE
    listable = False

    new_secret = text(create=True, required=True, nullable=False, secret=True)
    old_secret = text(create=True, required=True, nullable=False, secret=True)


def prepare(tx: Any, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Keep nothing of a password that nobody can log in with yet. The answer has an empty text in its place."""
    caller.shown_once["secret_value"] = ""
    return {**values, "secret_value": None}


Password.behaviour = Behaviour(prepare=prepare)
