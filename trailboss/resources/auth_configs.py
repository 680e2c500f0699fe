"""How people prove who they are: by names and passwords kept here, GitHub, an LDAP directory, or OpenID Connect.

One of them is in force at a time. There are no rows: each shows and changes settings (`providers.py`). What is saved
with `enabled` puts the provider in force and switches access control, in one transaction; without it, only the settings
change. A provider is asked whether it can work before anything is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from trailboss.declare import ADMINS, Behaviour, Field, Resource, ResourceType, flag, listing, number, text
from trailboss.errors import ApiError, Lost
from trailboss.login import passwords
from trailboss.resources import providers, set_up, setting
from trailboss.resources.account import Account, account_created
from trailboss.resources.password import Password, hold_name, of_login

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

ACCESS_MODES = ("unrestricted", "restricted")


class LocalAuthConfig(Resource):
    """Names and passwords that are kept here."""

    type = "localAuthConfig"
    plain_id = True
    roles = dict.fromkeys(ADMINS, "cr")

    access_mode = text(create=True, default="unrestricted")
    enabled = flag(create=True)
    name = text(create=True, default="admin")
    password: Field[str] = Field(
        "password", create=True, required=True, nullable=False, secret=True, read_on_create_only=True
    )
    username = text(create=True, required=True, nullable=False)


class GithubConfig(Resource):
    """GitHub, or a GitHub Enterprise server."""

    type = "githubconfig"
    plain_id = True
    roles = dict.fromkeys(ADMINS, "cru")

    access_mode = text(create=True, required=True, nullable=False, default="unrestricted", options=ACCESS_MODES)
    allowed_identities = listing("identity", create=True)
    client_id = text(create=True)
    client_secret = text(create=True, secret=True, read_on_create_only=True)
    enabled = flag(create=True)
    hostname = text(create=True)
    name = text(create=True, update=True, nullable=False)
    scheme = text(create=True)


class LdapConfig(Resource):
    """A directory in the manner of Active Directory."""

    type = "ldapconfig"
    plain_id = True
    roles = dict.fromkeys(ADMINS, "cru")

    access_mode = text(create=True, required=True, nullable=False, default="unrestricted", options=ACCESS_MODES)
    enabled = flag(create=True)
    name = text(nullable=False)

    server = text(create=True, required=True, nullable=False, min_length=1)
    port = number(create=True, required=True, nullable=False, default=389)
    tls = flag(create=True, required=True, nullable=False)
    start_tls = flag(create=True, nullable=False, default=False)
    ca_certificate = text(create=True)
    service_account_username = text(create=True, required=True, nullable=False, min_length=1)
    service_account_password = text(create=True, required=True, min_length=1, secret=True, read_on_create_only=True)

    domain = text(create=True, required=True, nullable=False, min_length=1)
    login_domain = text(create=True)
    group_name_field = text(create=True, required=True, nullable=False, default="name")
    group_object_class = text(create=True, required=True, nullable=False, default="group")
    group_search_field = text(create=True, required=True, nullable=False, default="sAMAccountName")
    user_disabled_bit_mask = number(create=True, nullable=False, default=2)
    user_enabled_attribute = text(create=True, nullable=False, default="userAccountControl")
    user_login_field = text(create=True, required=True, nullable=False, default="sAMAccountName")
    user_name_field = text(create=True, required=True, nullable=False, default="name")
    user_object_class = text(create=True, required=True, nullable=False, default="person")
    user_search_field = text(create=True, required=True, nullable=False, default="sAMAccountName")


class OpenIdConfig(Resource):
    """Any provider of OpenID Connect. An addition to the v1 API."""

    type = "openidconfig"
    plain_id = True
    roles = dict.fromkeys(ADMINS, "cr")

    access_mode = text(create=True, required=True, nullable=False, default="unrestricted", options=ACCESS_MODES)
    allowed_identities = listing("identity", create=True)
    enabled = flag(create=True)
    name = text(nullable=False)

    issuer = text(create=True, required=True, nullable=False, min_length=1)
    client_id = text(create=True, required=True, nullable=False, min_length=1)
    client_secret = text(create=True, secret=True, read_on_create_only=True)
    redirect_url = text(create=True, required=True, nullable=False, min_length=1)
    scopes = text(create=True, nullable=False, default="openid profile email")
    groups_claim = text(create=True, nullable=False, default="groups")


def shown(read: Read, type_: ResourceType) -> Resource:
    """Return a configuration as it is saved, without its secrets."""
    saved = providers.saved(read, type_)
    values = {name: value for name, value in saved.items() if not type_.fields[name].secret}
    in_force = providers.name_in_force(read) == type_.type and setting.is_controlled(read)
    named = {} if type_ is LocalAuthConfig else {"name": type_.type}
    return type_(values | named | {"enabled": in_force, "id": type_.type})


def _listed(type_: ResourceType) -> Callable[[Read, Any, Mapping[str, str]], list[Resource]]:
    return lambda read, caller, query: [shown(read, type_)]


def _found(type_: ResourceType) -> Callable[[Read, Any, str], Resource | None]:
    return lambda read, caller, raw: shown(read, type_) if raw.lower() == type_.type.lower() else None


def refuse(tx: Tx, row: Resource, values: dict[str, Any], caller: Any) -> Resource:
    """A configuration is tried as a whole. Raises ApiError 405."""
    raise ApiError(405, message=f"save a {type(row).type} by POST to its collection")


def _put_in_force(tx: Tx, type_: ResourceType, enabled: bool | None) -> None:
    """Put a provider in force with access control on or off. Off begins a set-up: the first who logs in then becomes
    administrator, and nobody after that one."""
    if enabled is None:
        return
    set_up.drop_code(tx)
    setting.store(tx, providers.CONFIGURED, type_.type)
    setting.store(tx, providers.CONTROL, "true" if enabled else "false")
    if not enabled:
        setting.store(tx, providers.ENABLER, "")


# --- providers elsewhere ----------------------------------------------------------------------------------------


def _with_saved(read: Read, type_: ResourceType, values: dict[str, Any]) -> dict[str, Any]:
    """Return what is sent, with the secrets that are saved where none is sent."""
    saved = providers.saved(read, type_)
    secrets = {name: saved[name] for name, field in type_.fields.items() if field.secret and name in saved}
    kept = {name: value for name, value in values.items() if value is not None and name not in ("enabled", "name")}
    return secrets | kept


def _trying(type_: ResourceType) -> Callable[[Read, None, dict[str, Any], Any], Callable[[], None]]:
    def ask(read: Read, row: None, values: dict[str, Any], caller: Any) -> Callable[[], None]:
        return providers.made(type_.type, _with_saved(read, type_, values)).check

    return ask


def _saving(type_: ResourceType) -> Callable[[Tx, dict[str, Any], Any], Resource]:
    def create(tx: Tx, values: dict[str, Any], caller: Any) -> Resource:
        caller.shown_once.clear()
        providers.save(tx, type_, values)
        _put_in_force(tx, type_, values.get("enabled"))
        return shown(tx, type_)

    return create


for _type in (GithubConfig, LdapConfig, OpenIdConfig):
    _type.behaviour = Behaviour(
        create=_saving(_type),
        listed=_listed(_type),
        found=_found(_type),
        update=refuse,
        consult={"create": _trying(_type)},
    )


# --- passwords kept here ----------------------------------------------------------------------------------------


def proving(read: Read, row: None, values: dict[str, Any], caller: Any) -> Callable[[], tuple[int | None, str | None]]:
    """Return what hashes the password of a new login name, or compares it with that of one that is there; the answer is
    the number of that one and what is stored then. Raises ApiError 400 UserCredentialCreation for a blank one."""
    login, password = values["username"].strip(), values["password"]
    if not login or not password.strip() or ":" in login:
        raise ApiError(400, "UserCredentialCreation", "a login needs a name without ':', and a password")
    present = of_login(read, login)

    def question() -> tuple[int | None, str | None]:
        if present is None:
            return None, passwords.hashed(password)
        if not passwords.matches(present.secret_value, password):
            raise ApiError(401, "IncorrectPassword", "the login name is there with another password")
        return present.id, present.secret_value

    return question


def save_local(tx: Tx, values: dict[str, Any], caller: Any) -> Resource:
    """Let people log in with passwords kept here; a login name that is not there becomes an administrator's."""
    login = values["username"].strip()
    number_, secret = caller.consulted
    present = of_login(tx, login)
    if (present.id if present else None) != number_ or (present is not None and present.secret_value != secret):
        raise Lost("the login name was changed meanwhile")
    if present is None:
        account = tx.insert(Account, kind="admin", name=values.get("name"), state="active", has_logged_in=True)
        account_created(tx, account)
        values_ = {"public_value": login, "secret_value": secret, "state": "active"}
        hold_name(tx, tx.insert(Password, account_id=account.id, **values_))
    providers.save(tx, LocalAuthConfig, values)
    _put_in_force(tx, LocalAuthConfig, values.get("enabled"))
    caller.shown_once.clear()
    return shown(tx, LocalAuthConfig)


LocalAuthConfig.behaviour = Behaviour(
    create=save_local,
    listed=_listed(LocalAuthConfig),
    found=_found(LocalAuthConfig),
    consult={"create": proving},
)
