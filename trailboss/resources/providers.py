"""The login provider that is in force, and its settings: from rows of `setting` to something that can be asked.

Each configuration (`auth_configs.py`) shows and changes settings, one for each of its fields. Providers themselves are
in `trailboss/login/`; their libraries are loaded when one is asked for.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from trailboss.declare import Field, ResourceType, registry
from trailboss.errors import ApiError
from trailboss.resources import setting
from trailboss.resources.setting import value_of

if TYPE_CHECKING:
    from trailboss.login.provider import Provider
    from trailboss.store.transaction import Read, Tx

T = TypeVar("T")

CONFIGURED = "api.auth.provider.configured"
ENABLER = "api.auth.enabler"
"""Identity of who has become administrator by the first login of a set-up."""
CONTROL = "api.security.enabled"
STATE_KEY = "api.auth.openid.state.key"
"""With what the beginnings of logins are signed that somebody finishes at a provider."""
LOCAL, NONE = "localAuthConfig", "none"
KINDS = {
    "githubconfig": ("github_user", "github_org", "github_team"),
    "ldapconfig": ("ldap_user", "ldap_group"),
    "openidconfig": ("openid_user", "openid_group"),
}
"""What each provider knows; persons first."""
_PREFIX = {
    LOCAL: "api.auth.local",
    "githubconfig": "api.auth.github",
    "ldapconfig": "api.auth.ldap",
    "openidconfig": "api.auth.openid",
}
_NAMED_OTHERWISE = {"api.auth.github.hostname": "api.github.domain", "api.auth.github.scheme": "api.github.scheme"}
_NOT_KEPT = ("enabled", "name", "username", "password")
"""Fields of a configuration that are no settings of their own."""

_converting = threading.Lock()


def name_in_force(read: Read) -> str:
    """Return the type of the configuration that is in force, or `none`."""
    return value_of(read, CONFIGURED) or NONE


def kinds_in_force(read: Read) -> tuple[str, ...]:
    """Return what kinds of identities the provider in force knows, besides the accounts here."""
    return KINDS.get(name_in_force(read), ())


def in_force(read: Read, browser: str = "") -> Provider | None:
    """Return the provider in force; None if people log in with passwords kept here, or not at all. browser: by what the
    browser of who logs in is known. Raises ApiError 503 if its settings are not all there, or cannot be."""
    name = name_in_force(read)
    if name not in KINDS:
        return None
    try:
        return made(name, saved(read, registry[name]), value_of(read, STATE_KEY), browser)
    except msgspec.ValidationError as error:
        raise ApiError(503, message=f"the settings of {name} are not complete: {error}; save it again") from error


def made(name: str, values: dict[str, Any], state_key: str = "", browser: str = "") -> Provider:
    """Return a provider with some settings, by the Python names of its configuration's fields."""
    if name == "ldapconfig":
        from trailboss.login import ldap

        return ldap.Directory(_settings(ldap.Settings, values))
    if name == "githubconfig":
        from trailboss.login import github

        return github.GitHub(_settings(github.Settings, values))
    from trailboss.login import openid

    return openid.OpenId(_settings(openid.Settings, values), state_key.encode(), browser)


def _settings(type_: type[T], values: dict[str, Any]) -> T:
    # msgspec looks into a class when it first meets it, and readers that do so at once would crash the process
    with _converting:
        return msgspec.convert(values, type_, strict=False)


def saved(read: Read, type_: ResourceType) -> dict[str, Any]:
    """Return the settings of a configuration by the names of its fields, those that have a value; secrets, too."""
    found = {}
    for name, field in _kept(type_).items():
        value = value_of(read, _setting_of(type_, name)) or field.default
        if value not in (None, "") and (read_ := _from_text(field, value)) is not None:
            found[name] = read_
    return found


def save(tx: Tx, type_: ResourceType, values: dict[str, Any]) -> None:
    """Store the settings of a configuration; a secret that was not sent stays."""
    if not value_of(tx, STATE_KEY):
        setting.store(tx, STATE_KEY, secrets.token_hex(32))
    for name, field in _kept(type_).items():
        value = values.get(name)
        if value is None and field.secret:
            continue
        text = "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
        if text != value_of(tx, _setting_of(type_, name)):
            setting.store(tx, _setting_of(type_, name), text)


def access_mode(read: Read, name: str) -> str:
    """Return who may use the site: `restricted` or `unrestricted`."""
    return value_of(read, f"{_PREFIX[name]}.access.mode") if name in _PREFIX else ""


def allowed_identities(read: Read, name: str) -> list[str]:
    """Return the identities (`kind:id`) that are let in although they are members of nothing."""
    text = value_of(read, f"{_PREFIX[name]}.allowed.identities") if name in _PREFIX else ""
    try:
        found = msgspec.json.decode(text or "[]", type=list[dict[str, Any]])
    except msgspec.DecodeError:
        return []  # nobody more, where somebody has stored something else
    return [f"{identity.get('externalIdType')}:{identity.get('externalId')}" for identity in found]


def _kept(type_: ResourceType) -> dict[str, Field[Any]]:
    return {name: field for name, field in type_.fields.items() if name not in _NOT_KEPT}


def _setting_of(type_: ResourceType, name: str) -> str:
    usual = f"{_PREFIX[type_.type]}.{name.replace('_', '.')}"
    return _NAMED_OTHERWISE.get(usual, usual)


def _from_text(field: Field[Any], value: Any) -> Any:
    if not isinstance(value, str) or field.type in ("string", "enum", "password"):
        return value
    kind: Any = {"int": int, "boolean": bool}.get(field.type, list[dict[str, Any]])
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError:
        return field.default  # where somebody has stored something else
