"""Settings: what can be changed at run time.

A value comes from a variable `CATTLE_...`, else from the database, else from a variable `DEFAULT_CATTLE_...`, else from
`DEFAULTS`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trailboss.declare import ADMINS, Behaviour, Resource, document, flag, number, text
from trailboss.errors import ApiError

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

DEFAULTS = {
    "account.by.key.credential.types": "agentApiKey,apiKey,usernamePassword",
    "api.allow.client.override": "false",
    "api.auth.realm": "Enter API access key and secret key as username and password",
    "agent.instance.register.url": "",
    "api.auth.attempts.per.address": "20",
    "api.auth.attempts.per.name": "10",
    "api.auth.attempts.window.seconds": "60",
    "api.auth.enabler": "",
    "api.auth.groups.refresh.seconds": "3600",
    "api.auth.jwt.token.expiry": "57600000",
    "api.auth.provider.configured": "none",
    "api.host": "",
    "api.security.enabled": "true",
    "audit_log.max.rows": "1000000",
    "audit_log.purge.after.seconds": "7776000",
    "api.show.removed.for.seconds": "300",
    "bootstrap.required.image": "trailboss/agent",
    "object.remove.time.delay.seconds": "60",
    "registration.token.period.millis": "315360000000",
    "simple.allocator.spread": "true",
    "simulator.enabled": "false",
    "simulator.ip.address": "192.168.0.21",
    "simulator.jitter.millis": "0",
    "simulator.latency.millis": "0",
    "task.agent.ping.schedule": "0",
    "task.purge.after.seconds": "604800",
    "task.purge.resources.schedule": "0",
}
_YEARS_S = 315_360_000
"""Ten of them, in seconds: the longest time that anything here is about."""
BOUNDS = {
    "api.auth.attempts.per.address": (1, 1_000),
    "api.auth.attempts.per.name": (1, 1_000),
    "api.auth.attempts.window.seconds": (1, 86_400),
    "api.auth.groups.refresh.seconds": (1, _YEARS_S),
    "api.auth.jwt.token.expiry": (1, _YEARS_S * 1000),
    "api.show.removed.for.seconds": (0, _YEARS_S),
    "audit_log.purge.after.seconds": (0, _YEARS_S),
    "object.remove.time.delay.seconds": (0, _YEARS_S),
}
"""The least and the most that a number may be; others are not stored, and a variable beyond counts as the bound."""
PUBLIC = (
    "api.ui.index",
    "cattle.version",
    "docker.machine.version",
    "go.machine.service.version",
    "rancher.compose.darwin.url",
    "rancher.compose.linux.url",
    "rancher.compose.version",
    "rancher.compose.windows.url",
    "rancher.server.image",
)
"""Settings that everybody sees."""
SECRET = (
    "api.auth.github.client.secret",
    "api.auth.ldap.service.account.password",
    "api.auth.openid.client.secret",
    "api.auth.openid.state.key",
)
"""Settings whose values are shown to nobody, and stored sealed."""


class Setting(Resource):
    """A value in the database."""

    type = "setting"
    roles = {"project": "r", "user": "r", "readonly": "r", "admin": "crud", "service": "crud"}
    stored = True
    answered_as = "activeSetting"

    id = number(column=True)
    kind = text(column=True, read=())
    account_id = number(column=True, read=())
    uuid = text(column=True, read=())
    created = number(column=True, read=())
    removed = number(column=True, read=())
    name = text(create=ADMINS, column=True, indexed=True)
    value = text(
        create=ADMINS, update=ADMINS, column=True, max_length=1024, secret_if=lambda values: values["name"] in SECRET
    )


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
    value = text(nullable=False, update=ADMINS, secret_if=lambda values: values["name"] in SECRET)


def environment_name(name: str) -> str:
    """Return the environment variable that overrides a setting (`api.host` -> `CATTLE_API_HOST`)."""
    return "CATTLE_" + name.upper().replace(".", "_")


def value_of(read: Read, name: str) -> str:
    """Return the value of a setting in force."""
    if (given := os.environ.get(environment_name(name))) is not None:
        return given
    stored = _stored(read, name)
    return stored.value or "" if stored is not None else default_of(name) or ""


def default_of(name: str) -> str | None:
    """Return what a setting is where nobody has stored anything; None if nothing is known of it."""
    return os.environ.get("DEFAULT_" + environment_name(name), DEFAULTS.get(name))


def number_of(read: Read, name: str) -> int:
    """Return a setting in force that is a number, within its bounds; its default where it is something else."""
    value = value_of(read, name)
    found = int(value if _is_number(value) else DEFAULTS[name])
    least, most = BOUNDS.get(name, (found, found))
    return min(max(found, least), most)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 19


def check(name: str, value: str) -> None:
    """Refuse a value that a setting cannot have. Raises ApiError 422."""
    if name not in BOUNDS:
        return
    if not _is_number(value.removeprefix("-")):
        raise ApiError(422, "InvalidFormat", f"{name} is a whole number", field="value")
    least, most = BOUNDS[name]
    if not least <= int(value) <= most:
        code = "MinLimitExceeded" if int(value) < least else "MaxLimitExceeded"
        raise ApiError(422, code, f"{name} is a number from {least} to {most}", field="value")


def is_controlled(read: Read) -> bool:
    """Say whether access control is on: only an explicit `false` turns it off."""
    return value_of(read, "api.security.enabled") != "false"


def store(tx: Tx, name: str, value: str) -> Setting:
    """Store the value of a setting."""
    stored = _stored(tx, name)
    return tx.insert(Setting, name=name, value=value) if stored is None else tx.change(stored, value=value)


def _stored(read: Read, name: str) -> Setting | None:
    return next(iter(read.find(Setting, name=name)), None)


def active(read: Read, name: str) -> ActiveSetting:
    """Return a setting as it is in force; one of which nothing is known has null values."""
    stored = _stored(read, name)
    given, default = os.environ.get(environment_name(name)), default_of(name)
    kept = stored.value if stored is not None else None
    in_force = next((value for value in (given, kept, default) if value is not None), None)
    shown, is_secret = in_force if kept is None else kept, name in SECRET
    by_variable = "DEFAULT_" + environment_name(name) in os.environ
    default_source = "Default Environment Variables" if by_variable else "Code Packaged Defaults"
    sources = ((given, "Environment Variables"), (kept, "Database"), (default, default_source))
    return ActiveSetting(
        {
            "id": stored.id if stored is not None else name,
            "name": name,
            "active_value": None if is_secret else in_force,
            "value": None if is_secret else shown,
            "source": next((source for value, source in sources if value is not None), None),
            "in_db": stored is not None,
        }
    )


def listed(read: Read, caller: Any, query: Mapping[str, str]) -> list[ActiveSetting]:
    """Return the settings that a caller sees: all for who administers, else the public ones."""
    if not caller.all_accounts or query.get("all") == "false":
        return [active(read, name) for name in PUBLIC]
    stored = {row.name for row in read.find(Setting)}
    return [active(read, name) for name in sorted(stored | DEFAULTS.keys()) if name[:1].islower()]


def found(read: Read, caller: Any, raw: str) -> ActiveSetting | None:
    """Return a setting by its name or the number of its row. Administrators may name one that is not there yet."""
    name: str | None = raw
    if raw.isascii() and raw.isdigit():
        row = read.get(Setting, int(raw)) if len(raw) < 19 else None
        name = row.name if row is not None else None
    if name is None:
        return ActiveSetting({"id": raw}) if caller.all_accounts else None
    return active(read, name) if caller.all_accounts or name in PUBLIC else None


def create(tx: Tx, values: dict[str, Any], caller: Any) -> Resource:
    """Store a value; of a setting that has one already, the new one. Raises ApiError 422 without a name, or for a value
    that it cannot have."""
    name = values.get("name")
    if not name:
        raise ApiError(422, "MissingRequired", "a setting needs a name", field="name")
    if _stored(tx, name) is not None:
        return update(tx, active(tx, name), values, caller)
    check(name, values.get("value") or "")
    return store(tx, name, values.get("value") or "")


def update(tx: Tx, row: ActiveSetting, values: dict[str, Any], caller: Any) -> ActiveSetting:
    """Store a value for a setting; null takes the stored one away. Raises ApiError 404 for a row that is gone, 422 for
    a value that it cannot have."""
    if row.name is None:
        raise ApiError(404)
    value = values.get("value")
    if "value" not in values:
        return row
    if value is None:
        return delete(tx, row, caller)
    check(row.name, value)
    store(tx, row.name, value)
    return active(tx, row.name)


def delete(tx: Tx, row: ActiveSetting, caller: Any) -> ActiveSetting:
    """Take the stored value away, so that the default is in force again."""
    stored = _stored(tx, row.name) if row.name is not None else None
    if stored is not None:
        tx.erase(stored)
        return active(tx, row.name)
    return row


Setting.behaviour = ActiveSetting.behaviour = Behaviour(
    listed=listed, found=found, create=create, update=update, delete=delete
)
