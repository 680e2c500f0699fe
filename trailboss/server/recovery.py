"""A lost administrator, from the server's own machine: a new key, password or set-up code, straight into the database.

It is possible only here, for who may read the data folder, and while no server uses that. There is no way to it over
the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trailboss.resources  # noqa: F401  (declares every type before the tables are asked for)
from trailboss.errors import Permanent
from trailboss.login import passwords
from trailboss.resources import login_token, providers, set_up, setting
from trailboss.resources.account import Account, account_created
from trailboss.resources.password import Password, hold_name, of_login
from trailboss.resources.seed import add_key
from trailboss.server.data_folder import SET_UP_CODE, DataFolder
from trailboss.server.options import Options
from trailboss.server.secrets_key import given_keys
from trailboss.store import migrations
from trailboss.store.reseal import check
from trailboss.store.store import Store
from trailboss.store.transaction import Tx
from trailboss.store.vault import Vault

T = TypeVar("T")

CAUSE = "command-line"


def new_key(options: Options) -> tuple[str, str]:
    """Make an API key of the platform's own administrator, who is activated if need be; return both values."""

    def run(tx: Tx) -> tuple[str, str]:
        account = _activated(tx)
        return add_key(tx, account.id, "made on the command line of the server")

    return _on_database(options, run)


def new_set_up_code(options: Options) -> str:
    """Make a code by which logins are set up, once. Raises Permanent if people log in already."""

    def run(tx: Tx) -> str:
        _activated(tx)
        if (name := providers.name_in_force(tx)) != providers.NONE:
            raise Permanent(f"people log in by {name}: use `trailboss admin password` or `trailboss admin key`")
        return set_up.make_code(tx)

    code = _on_database(options, run)
    (options.data / SET_UP_CODE).unlink(missing_ok=True)  # what stands there counts no more
    return code


def set_password(options: Options, login: str, password: str) -> None:
    """Let an administrator log in by a name and a password, and put passwords kept here in force.

    A login name that is there gets the password, and its account becomes an active administrator; all its logins end.
    """
    if not login.strip() or ":" in login or not password.strip():
        raise Permanent("a login needs a name without ':', and a password")
    hashed = passwords.hashed(password)

    def run(tx: Tx) -> None:
        _seeded(tx)
        row = of_login(tx, login)
        account = tx.get(Account, row.account_id) if row is not None else None
        if row is not None and account is not None and account.state not in ("removed", "purging", "purged"):
            tx.change(row, secret_value=hashed)
            tx.change(account, kind="admin", state="active")
            login_token.end_all(tx, account.id)
        else:
            account = tx.insert(Account, kind="admin", name=login, state="active", has_logged_in=True)
            account_created(tx, account)
            values = {"public_value": login, "secret_value": hashed, "state": "active"}
            hold_name(tx, tx.insert(Password, account_id=account.id, **values))
        setting.store(tx, providers.CONFIGURED, providers.LOCAL)

    _on_database(options, run)


def _seeded(tx: Tx) -> Account:
    """Return the platform's own administrator. Raises Permanent if there is no installation."""
    if tx.fact("installation.id") is None:
        raise Permanent("there is no installation yet: start the server once; is --data or --database right?")
    return tx.find(Account, uuid="admin", live=False)[0]


def _activated(tx: Tx) -> Account:
    """Return the platform's own administrator, who is active from now on."""
    account = _seeded(tx)
    if (account.state, account.kind) == ("active", "admin"):
        return account
    return tx.change(account, state="active", kind="admin", removed=None, remove_time=None)


def _on_database(options: Options, run: Callable[[Tx], T]) -> T:
    """Run a function in a transaction while no server uses the data folder. Raises Permanent, Unreachable."""
    database = options.data / "trailboss.db"
    if options.database is None and not database.exists():
        raise Permanent(f"there is no database {database}; give --data")
    folder = DataFolder(options.data)
    try:
        keys = given_keys(options, folder)
        if not keys:
            raise Permanent("the key of the secrets is not there: start the server once; is --data right?")
        store = Store(options.database or f"sqlite:///{folder.path}/trailboss.db", vault=Vault(keys))
        migrations.upgrade(store.database)
        store.start()
        try:
            store.write(check, cause=CAUSE)
            return store.write(run, cause=CAUSE)
        finally:
            store.close()
    finally:
        folder.close()
