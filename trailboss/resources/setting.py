"""Settings: what can be changed at run time. A value comes from the environment, else from the database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trailboss.declare import ADMINS, Resource, document, flag, number, text

if TYPE_CHECKING:
    from trailboss.store.transaction import Read

DEFAULTS = {
    "api.auth.realm": "Enter API access key and secret key as username and password",
    "api.host": "",
    "api.security.enabled": "true",
    "api.show.removed.for.seconds": "300",
    "object.remove.time.delay.seconds": "60",
    "registration.token.period.millis": "315360000000",
    "simple.allocator.spread": "true",
    "simulator.enabled": "false",
    "simulator.ip.address": "192.168.0.21",
    "simulator.jitter.millis": "0",
    "simulator.latency.millis": "0",
}


class Setting(Resource):
    """A value in the database."""

    type = "setting"
    roles = {"project": "r", "user": "r", "readonly": "r", "admin": "crud", "service": "crud"}
    stored = True

    id = number(column=True)
    kind = text(column=True, read=())
    account_id = number(column=True, read=())
    uuid = text(column=True, read=())
    created = number(column=True, read=())
    removed = number(column=True, read=())
    name = text(create=ADMINS, column=True, indexed=True)
    value = text(create=ADMINS, update=ADMINS, column=True, max_length=1024)


class ActiveSetting(Resource):
    """A setting as it is in force, wherever its value comes from."""

    type = "activeSetting"
    roles = {"project": "r", "user": "r", "readonly": "r", "admin": "rud", "service": "rud"}
    listable = False

    active_value = document(nullable=False)
    id = text(nullable=False)
    in_db = flag(nullable=False, read=ADMINS)
    name = text(nullable=False)
    source = text(nullable=False, read=ADMINS)
    value = text(nullable=False, update=ADMINS)


def environment_name(name: str) -> str:
    """Return the environment variable that overrides a setting (`api.host` -> `CATTLE_API_HOST`)."""
    return "CATTLE_" + name.upper().replace(".", "_")


def value_of(read: Read, name: str) -> str:
    """Return the value of a setting in force."""
    if (given := os.environ.get(environment_name(name))) is not None:
        return given
    rows = read.find(Setting, name=name)
    return rows[0].value if rows else DEFAULTS.get(name, "")
