"""From options to an open installation: the database at its present schema, and what a first start makes.

Made once, in one transaction: accounts and keys (`resources/seed.py`), the range and bridge of the installation. The
first credentials are on the disk before that transaction commits: if the process dies between, the next start makes
others and writes them again; after the commit they are there. Nothing else holds their secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.exc import OperationalError

import trailboss.resources  # noqa: F401  (declares every type before the tables are asked for)
from trailboss.dispatch.sessions import Installation
from trailboss.errors import Permanent, Unreachable
from trailboss.resources import providers, set_up, task
from trailboss.resources.credential import FINGERPRINT, PIN
from trailboss.resources.seed import seed, seed_superadmin
from trailboss.resources.setting import is_controlled, value_of
from trailboss.resources.setting import store as store_setting
from trailboss.server import credential_files, ranges, secrets_key
from trailboss.server.data_folder import INSTALLATION_ID, SET_UP_CODE, DataFolder
from trailboss.server.options import Options
from trailboss.server.tls import Tls
from trailboss.store import migrations
from trailboss.store.reseal import check, reseal
from trailboss.store.store import Store
from trailboss.store.transaction import Tx
from trailboss.store.vault import Vault

log = structlog.get_logger()

SHORT_SECRET = 16


@dataclass(frozen=True)
class Opened:
    """An open store and what agents are told of the installation. first: this start was the first one.
    is_controlled: access control is on, which a variable of the setting may have decided against the option."""

    store: Store
    installation: Installation
    first: bool
    is_controlled: bool


def open_installation(options: Options, folder: DataFolder, url: str, tls: Tls | None = None) -> Opened:
    """Open the database and make what is missing. url: the server's own address, for the first credentials.

    Raises Unreachable if the database does not answer, Permanent if the options do not fit what is there.
    """
    keys = secrets_key.given_keys(options, folder)
    made = None if keys else secrets_key.new_key()
    vault = Vault([made] if made else keys)
    store = Store(options.database or f"sqlite:///{folder.path}/trailboss.db", vault=vault)
    try:
        migrations.upgrade(store.database)
    except OperationalError as error:
        raise Unreachable(f"the database does not answer: {error.orig}") from error
    store.start()
    try:
        begin = partial(_begin, options=options, folder=folder, url=url, tls=tls, made=made)
        first = store.write(begin, cause="server-start")
        store.write(partial(_keep_pin, tls=tls), cause="server-start")
        credential_files.refresh(folder, tls)
        installation = store.read(
            lambda read: Installation(
                id=read.fact("installation.id") or "",
                incarnation=int(read.fact("installation.incarnation") or 1),
                cidr=read.fact("network.cidr") or "",
                bridge=read.fact("network.bridge") or "",
                network=read.fact("network.name") or "",
            )
        )
        _keep_id(folder, installation.id)
    except BaseException:
        store.close()
        raise
    _warn_of_overlaps(installation)
    return Opened(store, installation, first, store.read(is_controlled))


def _check_secrets(tx: Tx, folder: DataFolder, made: bytes | None) -> None:
    """Refuse a database whose secrets have other keys; seal with the newest one. made: a key of this start."""
    if check(tx) and made is not None:
        # inside the transaction, hence before its commit: what it seals must not outlive it
        secrets_key.keep(folder, made)
    if count := reseal(tx):
        log.info("secrets were sealed with the newest key", rows=count)


def _begin(
    tx: Tx, options: Options, folder: DataFolder, url: str, tls: Tls | None, made: bytes | None
) -> bool:  # fmt: skip
    """Make at the first start what must be there, and put in force what the options say; say if it was the first."""
    _check_secrets(tx, folder, made)
    keys = seed(tx)
    task.ensure(tx)
    _choose_range(tx, options)
    was_open = not is_controlled(tx)
    _set_access_control(tx, options.access_control)
    _offer_set_up(tx, folder, is_due=keys is not None or was_open)
    if options.simulator or options.simulated_hosts:
        _set(tx, "simulator.enabled", "true")
    if (key := options.superadmin) is not None and seed_superadmin(tx, *key) and len(key[1]) < SHORT_SECRET:
        log.warning("the superadmin's secret is short", at_least=SHORT_SECRET)
    if keys is not None:
        # inside the transaction, hence before its commit: see above
        credential_files.write(folder, url, keys, tls)
    return keys is not None


def _keep_pin(tx: Tx, tls: Tls | None) -> None:
    """Note what the command that joins a host tells it of this server."""
    tx.set_fact(PIN, tls.pin if tls else "")
    tx.set_fact(FINGERPRINT, tls.fingerprint if tls else "")


def _choose_range(tx: Tx, options: Options) -> None:
    """Store range and bridge at the first start; later, refuse others than those."""
    cidr, bridge = tx.fact("network.cidr"), tx.fact("network.bridge")
    if cidr is None or bridge is None:
        chosen = ranges.choose(tx.fact("installation.id") or "", options.network, options.bridge, *ranges.machine())
        tx.set_fact("network.cidr", chosen.cidr)
        tx.set_fact("network.bridge", chosen.bridge)
        tx.set_fact("network.name", chosen.name)
        return
    for option, given, kept in (("--network", options.network, cidr), ("--bridge", options.bridge, bridge)):
        if given is not None and given != kept:
            raise Permanent(f"{option} {given}: this installation has used {kept} since its first start; leave it out")


def _set_access_control(tx: Tx, option: str) -> None:
    """Turn access control on, or off where the option has just become so: a restart with the options as they were does
    not open what has been closed through the API since."""
    if option == "on":
        _set(tx, "api.security.enabled", "true")
    elif tx.fact("option.access-control") != option:
        _set(tx, "api.security.enabled", "false")
    tx.set_fact("option.access-control", option)


def _offer_set_up(tx: Tx, folder: DataFolder, is_due: bool) -> None:
    """Keep in the data folder a code by which logins are set up, until it is used: made when access control comes on
    without any provider (`is_due`), and anew if nobody has used it in its time."""
    if providers.name_in_force(tx) != providers.NONE or not is_controlled(tx):
        set_up.drop_code(tx)
    elif is_due or set_up.has_expired(tx):
        # inside the transaction, hence before its commit: see above
        folder.write(SET_UP_CODE, set_up.make_code(tx) + "\n")
        log.info("logins can be set up with the code in a file", file=str(folder.path / SET_UP_CODE))
    if not set_up.is_waiting(tx):
        folder.remove(SET_UP_CODE)


def _set(tx: Tx, name: str, value: str) -> None:
    if value_of(tx, name) != value:
        store_setting(tx, name, value)


def _keep_id(folder: DataFolder, installation_id: str) -> None:
    """Write the installation's id where scripts find it. Raises Permanent if the folder belongs to another one."""
    kept = folder.read(INSTALLATION_ID)
    if kept is None:
        folder.write(INSTALLATION_ID, installation_id + "\n")
    elif kept != installation_id:
        raise Permanent(
            f"the data folder {folder.path} belongs to the installation {kept}, the database to {installation_id}; "
            "give each its own --data"
        )


def _warn_of_overlaps(installation: Installation) -> None:
    used, _ = ranges.machine()
    for other in ranges.conflicts(installation.cidr, installation.bridge, used):
        log.warning(
            "the range of containers overlaps another network of this machine: containers may not reach it",
            range=installation.cidr,
            interface=other.interface,
            network=str(other.network),
        )
