"""An LDAP directory, in the manner of Active Directory: persons, their groups, and whether a password is theirs.

Searches run as the service account; a password is tried by binding as its person, after the person was found, so that
nothing that is typed becomes part of a name. Every value in a filter is escaped.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import ldap3
import msgspec
from ldap3.core.exceptions import LDAPException, LDAPInvalidDnError, LDAPNoSuchObjectResult
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

from trailboss.errors import ApiError
from trailboss.login.provider import Person, Who

WITHIN_S = 10
MOST_FOUND = 100
USER, GROUP = "ldap_user", "ldap_group"


class Settings(msgspec.Struct, frozen=True):
    """As in `ldapconfig`. tls: from the first byte on (`ldaps`); start_tls: begun on an ordinary connection, before
    anything is said. ca_certificate: who vouches for the directory, PEM; else the authorities that the system knows."""

    server: str
    service_account_username: str
    domain: str
    service_account_password: str = ""
    port: int = 389
    tls: bool = False
    start_tls: bool = False
    ca_certificate: str = ""
    login_domain: str = ""
    access_mode: str = "unrestricted"
    group_name_field: str = "name"
    group_object_class: str = "group"
    group_search_field: str = "sAMAccountName"
    user_disabled_bit_mask: int = 2
    user_enabled_attribute: str = "userAccountControl"
    user_login_field: str = "sAMAccountName"
    user_name_field: str = "name"
    user_object_class: str = "person"
    user_search_field: str = "sAMAccountName"


class Directory:
    """A directory; see `Provider`."""

    kinds: ClassVar[tuple[str, ...]] = (USER, GROUP)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def check(self) -> None:
        """Bind as the service account and read the search base. Raises ApiError 400 InvalidLDAPConfig."""
        if self.settings.tls and self.settings.start_tls:
            message = "tls is from the first byte on (often port 636), startTls on the ordinary port; not both"
            raise ApiError(400, "InvalidLDAPConfig", message, field="startTls")
        try:
            with self._searching() as connection:
                found = self._read(connection, self.settings.domain)
        except ApiError as error:
            raise ApiError(400, "InvalidLDAPConfig", error.message) from error
        if found is None:
            raise ApiError(400, "InvalidLDAPConfig", f"there is no {self.settings.domain}", field="domain")

    def begin(self) -> str | None:
        """A person gives name and password to us."""
        return None

    def login(self, code: str) -> Person:
        """Let somebody in by `name:password`. More than one colon is 403, as in the original."""
        login, *rest = code.split(":")
        if len(rest) != 1:
            raise ApiError(403, message="the code is user:password, without further colons")
        (password,) = rest
        login = login.rpartition("\\")[2] if self.settings.login_domain else login
        # to bind without a password is to bind as nobody, which succeeds
        if not login or not password:
            raise ApiError(401, message="wrong name or password")
        with self._searching() as connection:
            s = self.settings
            entries = self._find(connection, s.user_object_class, s.user_login_field, login, s.domain)
            if len(entries) != 1:
                raise ApiError(401, message="wrong name or password")
            person = self._person(connection, entries[0])
        with self._bound(person.who.external_id, password):
            return person

    def find(self, kind: str, external_id: str) -> Who | None:
        """Return the person or group of a DN below the search base."""
        class_ = self.settings.user_object_class if kind == USER else self.settings.group_object_class
        if not self._is_inside(external_id):
            return None
        with self._searching() as connection:
            entry = self._read(connection, external_id, class_)
        return self._who(entry, kind) if entry is not None else None

    def search(self, text: str, *, exactly: bool) -> list[Who]:
        """Return persons and groups."""
        s = self.settings
        with self._searching() as connection:
            persons = self._find(connection, s.user_object_class, s.user_search_field, text, s.domain, exactly)
            groups = self._find(connection, s.group_object_class, s.group_search_field, text, s.domain, exactly)
        return [self._who(entry, USER) for entry in persons] + [self._who(entry, GROUP) for entry in groups]

    def again(self, external_id: str) -> Person | None:
        """Return a person as the directory has it now. Raises ApiError 401 for one that is gone or disabled."""
        with self._searching() as connection:
            entry = self._read(connection, external_id) if self._is_inside(external_id) else None
            if entry is None:
                raise ApiError(401, message="the directory knows this person no more")
            return self._person(connection, entry)

    # --- connections ------------------------------------------------------------------------------------------------

    @contextmanager
    def _searching(self) -> Iterator[ldap3.Connection]:
        s = self.settings
        name = s.service_account_username
        if s.login_domain and "=" not in name and "\\" not in name:
            name = f"{s.login_domain}\\{name}"
        try:
            with self._bound(name, s.service_account_password) as connection:
                yield connection
        except _Refused as error:
            raise ApiError(503, "LdapDown", "the directory refuses the service account") from error

    @contextmanager
    def _bound(self, name: str, password: str) -> Iterator[ldap3.Connection]:
        """Be connected as somebody. Raises ApiError 401 for a wrong password, 503 LdapDown."""
        s = self.settings
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_data=s.ca_certificate or None)
        server = ldap3.Server(s.server, s.port, use_ssl=s.tls, tls=tls, connect_timeout=WITHIN_S, get_info=ldap3.NONE)
        connection = None
        try:
            connection = ldap3.Connection(
                server, name, password, receive_timeout=WITHIN_S, read_only=True, auto_referrals=False
            )
            if s.start_tls and not connection.start_tls():
                raise ApiError(503, "LdapDown", f"the directory {s.server}:{s.port} does not begin TLS")
            if not connection.bind():
                raise _Refused(401, message="wrong name or password")
            yield connection
        except LDAPException as error:
            raise ApiError(503, "LdapDown", f"the directory {s.server}:{s.port} does not answer: {error}") from error
        finally:
            if connection is not None:
                _let_go(connection)

    # --- entries ----------------------------------------------------------------------------------------------------

    def _find(
        self, connection: ldap3.Connection, class_: str, field: str, text: str, base: str, exactly: bool = True
    ) -> list[dict[str, Any]]:
        value = escape_filter_chars(text)
        value = value if exactly else f"*{value}*"
        connection.search(
            base, f"(&(objectClass={class_})({field}={value}))", attributes=["*", "memberOf"], size_limit=MOST_FOUND
        )
        return [entry for entry in connection.response or () if entry["type"] == "searchResEntry"]

    def _read(self, connection: ldap3.Connection, dn: str, class_: str = "*") -> dict[str, Any] | None:
        try:
            connection.search(dn, f"(objectClass={class_})", ldap3.BASE, attributes=["*", "memberOf"])
        except (LDAPNoSuchObjectResult, LDAPInvalidDnError):
            return None
        return next((entry for entry in connection.response or () if entry["type"] == "searchResEntry"), None)

    def _is_inside(self, dn: str) -> bool:
        """Say whether a DN is below the search base."""
        try:
            inner, outer = _parts(dn), _parts(self.settings.domain)
        except LDAPInvalidDnError:
            return False
        return len(inner) >= len(outer) and inner[len(inner) - len(outer) :] == outer

    def _person(self, connection: ldap3.Connection, entry: dict[str, Any]) -> Person:
        """Return a person and its groups. Raises ApiError 401 for one that is disabled."""
        s = self.settings
        flags = _first(entry, s.user_enabled_attribute) if s.user_enabled_attribute else None
        if flags is not None and str(flags).isdigit() and int(flags) & s.user_disabled_bit_mask:
            raise ApiError(401, message="the directory has disabled this person")
        names = [dn for dn in _values(entry, "memberOf") if self._is_inside(dn)]
        groups = [self._who(group, GROUP) for dn in names if (group := self._read(connection, dn)) is not None]
        return Person(self._who(entry, USER), tuple(groups))

    def _who(self, entry: dict[str, Any], kind: str) -> Who:
        s = self.settings
        is_person = kind == USER
        name = _first(entry, s.user_name_field if is_person else s.group_name_field)
        login = _first(entry, s.user_login_field if is_person else s.group_search_field)
        return Who(kind, entry["dn"], name or login, login)


class _Refused(ApiError):
    """The directory does not take the name and password."""


def _let_go(connection: ldap3.Connection) -> None:
    try:
        connection.unbind()
    except LDAPException:
        return  # it is closed already


def _parts(dn: str) -> list[tuple[str, str]]:
    return [(name.lower(), value.lower()) for name, value, _ in parse_dn(dn, strip=True)]


def _values(entry: dict[str, Any], name: str) -> list[str]:
    for key, value in entry["attributes"].items():
        if key.lower() == name.lower():
            values = value if isinstance(value, list) else [value]
            return [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in values]
    return []


def _first(entry: dict[str, Any], name: str) -> str | None:
    return next(iter(_values(entry, name)), None)
