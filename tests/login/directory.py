"""A real slapd with persons and groups in the manner of Active Directory, on a port and in a folder of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
import pytest

from tests.certificates import a_key, issue
from tests.server.serving import free_port
from tests.waiting import eventually

BASE = "dc=example,dc=org"
ROOT = f"cn=service,{BASE}"
ROOT_PASSWORD = "service-password"
_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.8 NAME 'group' SUP top STRUCTURAL MUST ( cn $ sAMAccountName ) MAY ( member ) )
objectclass ( 1.2.840.113556.1.5.9 NAME 'account2' SUP top AUXILIARY MUST sAMAccountName MAY userAccountControl )
moduleload /usr/lib/ldap/back_mdb
moduleload /usr/lib/ldap/memberof
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/slapd.crt
TLSCertificateKeyFile {folder}/slapd.key
{more}
database mdb
suffix "{base}"
rootdn "{root}"
rootpw {password}
directory {folder}/db
overlay memberof
memberof-group-oc group
memberof-member-ad member
access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous none
"""


@dataclass
class Slapd:
    """A running directory. Names are made by `user` and `group`. tls_port: for TLS from the first byte on; authority:
    who vouches for it as `127.0.0.1`, PEM."""

    port: int
    tls_port: int
    authority: str

    @property
    def config(self) -> dict[str, Any]:
        """What `ldapconfig` is sent."""
        return {
            "server": "127.0.0.1",
            "port": self.port,
            "tls": False,
            "domain": BASE,
            "serviceAccountUsername": ROOT,
            "serviceAccountPassword": ROOT_PASSWORD,
            "userNameField": "cn",
            "groupNameField": "cn",
            "accessMode": "unrestricted",
        }

    def connection(self) -> ldap3.Connection:
        server = ldap3.Server("127.0.0.1", self.tls_port, use_ssl=True)
        return ldap3.Connection(server, ROOT, ROOT_PASSWORD, auto_bind=True)

    def user(self, login: str, password: str = "secret", flags: int = 512) -> str:
        """Add a person; return its DN."""
        dn = f"cn={login.title()},{BASE}"
        values = {"cn": login.title(), "sn": login, "sAMAccountName": login, "userPassword": password}
        self._add(dn, ["inetOrgPerson", "account2"], {**values, "userAccountControl": flags})
        return dn

    def group(self, name: str, *members: str) -> str:
        """Add a group; return its DN."""
        dn = f"cn={name},{BASE}"
        self._add(dn, ["group"], {"cn": name, "sAMAccountName": name, "member": members or [ROOT]})
        return dn

    def change(self, dn: str, **values: Any) -> None:
        """Replace attributes of an entry."""
        changes = {name: [(ldap3.MODIFY_REPLACE, value)] for name, value in values.items()}
        with self.connection() as connection:
            assert connection.modify(dn, changes), connection.result

    def _add(self, dn: str, classes: list[str], values: dict[str, Any]) -> None:
        with self.connection() as connection:
            connection.delete(dn)
            assert connection.add(dn, classes, values), connection.result


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """A directory with nothing in it but its base."""
    with _running(tmp_path_factory.mktemp("slapd")) as found:
        yield found


@pytest.fixture(scope="session")
def tls_slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """Another one, that does nothing without TLS."""
    with _running(tmp_path_factory.mktemp("slapd"), "security tls=128") as found:
        yield found


@contextmanager
def _running(folder: Path, more: str = "") -> Iterator[Slapd]:
    (folder / "db").mkdir()
    config = folder / "slapd.conf"
    config.write_text(_CONFIG.format(folder=folder, base=BASE, root=ROOT, password=ROOT_PASSWORD, more=more))
    authority = issue("directory authority", authority=True)
    shown = issue("directory", authority, private=a_key("ec"), names=("127.0.0.1",))
    (folder / "slapd.crt").write_text(shown.cert)
    (folder / "slapd.key").write_text(shown.key)
    port, tls_port = free_port(), free_port()
    urls = f"ldap://127.0.0.1:{port} ldap://127.0.0.2:{port} ldaps://127.0.0.1:{tls_port} ldaps://127.0.0.2:{tls_port}"
    command = ["/usr/sbin/slapd", "-d", "0", "-f", str(config), "-h", urls]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        found = Slapd(port, tls_port, authority.cert)

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                found.connection().unbind()
            except ldap3.core.exceptions.LDAPException:
                return False
            return True

        eventually(answers, what="slapd answers")
        with found.connection() as connection:
            assert connection.add(BASE, ["dcObject", "organization"], {"dc": "example", "o": "Example"})
        yield found
    finally:
        process.terminate()
        process.wait(timeout=20)
