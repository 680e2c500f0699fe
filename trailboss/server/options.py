"""The options of the server, each declared once: default, environment variable, help.

The command line makes its options from these fields (`metadata`: `variable`, `help`, `metavar`, `secret`); what it was
not given comes from the environment, else from the default. Secrets have a variable but no option, because every user
of a machine can read command lines. What can be changed while the server runs is a `setting` resource instead.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from trailboss.errors import Permanent

_BRIDGE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
WIDEST, NARROWEST = 8, 20
"""Prefix lengths that a range of container addresses may have: 1,024 addresses are kept for hosts."""


def option(default: Any, variable: str, help: str, *, metavar: str | None = None, secret: bool = False) -> Any:
    """Declare one option. secret: it has no place on a command line nor in a log."""
    meta = {"variable": variable, "help": help, "metavar": metavar, "secret": secret}
    return field(default=default, metadata=meta, repr=not secret)


@dataclass(frozen=True)
class Options:
    """What a server is started with. Make it with `read`; the constructor takes values as they are."""

    listen: str = option(
        "127.0.0.1:8080",
        "TRAILBOSS_LISTEN",
        "where the API, agents and metrics are served",
        metavar="HOST:PORT",
    )
    data: Path = option(
        Path("data"),
        "TRAILBOSS_DATA",
        "folder for the database file, the installation's id and the first credentials",
        metavar="DIR",
    )
    database: str | None = option(
        None,
        "TRAILBOSS_DATABASE",
        "the database, if not SQLite in the data folder: postgresql+psycopg://user@host/name",
        metavar="URL",
    )
    access_control: str = option(
        "on", "TRAILBOSS_ACCESS_CONTROL", "off: who reaches the port may do everything", metavar="on|off"
    )
    simulator: bool = option(False, "TRAILBOSS_SIMULATOR", "allow hosts without Docker, for tests and trials")
    simulated_hosts: int = option(
        0,
        "TRAILBOSS_SIMULATED_HOSTS",
        "make so many hosts without Docker in the default environment while it has no host; allows them, too",
        metavar="NUMBER",
    )
    network: str | None = option(
        None,
        "TRAILBOSS_NETWORK",
        "range of container addresses; by default a free /16 below 10.0.0.0/8, chosen at the first start",
        metavar="CIDR",
    )
    bridge: str | None = option(
        None,
        "TRAILBOSS_BRIDGE",
        "kernel name of the managed bridge on hosts; by default tb- and the beginning of the installation's id",
        metavar="NAME",
    )
    tls: str = option(
        "off", "TRAILBOSS_TLS", "self-signed: with a certificate of its own, made at the first start", metavar="KIND"
    )
    tls_cert: Path | None = option(
        None, "TRAILBOSS_TLS_CERT", "certificate of the server with its chain, PEM; with --tls-key", metavar="FILE"
    )
    tls_key: Path | None = option(None, "TRAILBOSS_TLS_KEY", "private key of the certificate, PEM", metavar="FILE")
    trusted_proxies: str | None = option(
        None,
        "TRAILBOSS_TRUSTED_PROXIES",
        "networks of proxies in front, as 10.0.0.0/8,fd00::/8: who comes through them is known by X-Forwarded-For",
        metavar="CIDR,...",
    )
    superadmin_key: str | None = option(
        None, "TRAILBOSS_SUPERADMIN_KEY", "ACCESS:SECRET of a key that may do everything", secret=True
    )
    superadmin_key_file: Path | None = option(
        None, "TRAILBOSS_SUPERADMIN_KEY_FILE", "file that holds the same", secret=True
    )
    secrets_key: str | None = option(
        None, "TRAILBOSS_SECRETS_KEY", "keys that seal the secrets in the database, the newest first", secret=True
    )
    secrets_key_file: Path | None = option(
        None,
        "TRAILBOSS_SECRETS_KEY_FILE",
        "file with the keys that seal the secrets in the database; by default secrets.key in the data folder",
        metavar="FILE",
    )

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ, **given: Any) -> Options:
        """Take what was given (None: not given), else what the environment says, else the defaults.

        Raises Permanent, naming the option, for what cannot be understood.
        """
        values: dict[str, Any] = {}
        for spec in fields(cls):
            value = given.get(spec.name)
            if value is None:
                value = environment.get(spec.metadata["variable"])
                if value is not None:
                    value = _from_text(spec.name, value, spec.metadata["variable"])
            if value is not None:
                values[spec.name] = value
        options = cls(**values)
        options.check()
        return options

    def check(self) -> None:
        """Raise Permanent, naming the option, for the first value that cannot be."""
        _ = self.address, self.proxies
        if self.simulated_hosts < 0:
            raise Permanent(f"--simulated-hosts is a number of hosts, not {self.simulated_hosts}")
        if self.tls not in ("off", "self-signed"):
            raise Permanent(f"--tls is off or self-signed, not {self.tls!r}; certificates come by --tls-cert")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise Permanent("--tls-cert and --tls-key go together")
        if self.access_control not in ("on", "off"):
            raise Permanent(f"--access-control is on or off, not {self.access_control!r}")
        if self.database is not None and not re.match(r"(postgresql(\+psycopg)?|sqlite)://", self.database):
            raise Permanent("--database begins with postgresql+psycopg:// or sqlite:///")
        if self.network is not None:
            _check_network(self.network)
        if self.bridge is not None and not _BRIDGE.fullmatch(self.bridge):
            raise Permanent(f"--bridge {self.bridge!r} cannot name a network interface: at most 15 letters and digits")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on; port 0 takes a free one. Raises Permanent if `listen` is no address."""
        host, colon, port = self.listen.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise Permanent(f"--listen {self.listen!r} is not HOST:PORT")
        return host.strip("[]"), int(port)

    @property
    def proxies(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks of the proxies in front. Raises Permanent if one is none."""
        words = (self.trusted_proxies or "").split(",")
        try:
            return tuple(ipaddress.ip_network(word.strip()) for word in words if word.strip())
        except ValueError as error:
            raise Permanent(f"--trusted-proxies {self.trusted_proxies!r}: {error}") from error

    @property
    def superadmin(self) -> tuple[str, str] | None:
        """Access and secret key of the superadmin, if one is configured. Raises Permanent if it cannot be read."""
        text = self.superadmin_key
        if not text and self.superadmin_key_file is not None:
            try:
                text = self.superadmin_key_file.read_text()
            except OSError as error:
                raise Permanent(f"TRAILBOSS_SUPERADMIN_KEY_FILE: {error}") from error
        if not text:
            return None
        access, colon, secret = text.strip().partition(":")
        if not (access and colon and secret):
            raise Permanent("the superadmin's key is ACCESS:SECRET")
        return access, secret


def _from_text(name: str, text: str, variable: str) -> Any:
    if name in ("data", "superadmin_key_file", "secrets_key_file", "tls_cert", "tls_key"):
        return Path(text) if text else None
    if name == "simulated_hosts":
        if not text.isascii() or not text.isdigit():
            raise Permanent(f"{variable} is a number of hosts, not {text!r}")
        return int(text)
    if name != "simulator":
        return text or None
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise Permanent(f"{variable} is true or false, not {text!r}")


def _check_network(text: str) -> None:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise Permanent(f"--network {text!r} is not an IPv4 range such as 10.77.0.0/16: {error}") from error
    if not WIDEST <= network.prefixlen <= NARROWEST:
        raise Permanent(f"--network {text}: a range between /{WIDEST} and /{NARROWEST} is needed, a /16 is usual")
