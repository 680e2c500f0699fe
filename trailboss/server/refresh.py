"""Asks the login provider again about people, so that groups they have left count no more, while they are logged in or
work by their keys. Who is no longer let in loses groups and logins.

A round looks once a minute for those of whom was asked longer ago than `api.auth.groups.refresh.seconds`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

import structlog

from trailboss.errors import ApiError, TrailbossError
from trailboss.login.provider import Person, Provider
from trailboss.resources import login_token, providers
from trailboss.resources.account import Account
from trailboss.resources.setting import number_of
from trailboss.store.store import Store
from trailboss.store.transaction import Read, Tx

log = structlog.get_logger()

EVERY_S = 60.0
AT_ONCE = 200
"""People in one round."""


@dataclass(frozen=True)
class _Round:
    """Whom to ask about whom. people: number of the account and external id."""

    provider: Provider
    people: tuple[tuple[int, str], ...]


async def refreshing(store: Store) -> None:
    """Ask again and again, until cancelled."""
    while True:
        try:
            await refresh(store)
        except TrailbossError as error:
            log.warning("the login provider is asked about groups later", error=str(error))
        await asyncio.sleep(EVERY_S)


async def refresh(store: Store) -> None:
    """Ask about everybody of whom was not asked for a while. Raises ApiError 503 while the provider does not answer."""
    found = await asyncio.wrap_future(store.submit_read(_due))
    for account_id, external_id in found.people if found is not None else ():
        assert found is not None
        try:
            person = await asyncio.to_thread(found.provider.again, external_id)
        except ApiError as error:
            if error.status != 401:
                raise
            log.info("a person is no longer let in", account=account_id, reason=error.message)
            await asyncio.wrap_future(store.submit(partial(_shut_out, account_id=account_id), cause="refresh"))
            continue
        if person is None:
            return
        await asyncio.wrap_future(store.submit(partial(_note, account_id=account_id, person=person), cause="refresh"))


def _due(read: Read) -> _Round | None:
    provider = providers.in_force(read)
    if provider is None:
        return None
    before = read.now - number_of(read, "api.auth.groups.refresh.seconds") * 1000
    known = read.find(Account, external_id_type=provider.kinds[0], state="active")
    due = [a for a in known if a.identities and (a.identities_at or 0) <= before]
    return _Round(provider, tuple((a.id, a.external_id) for a in due[:AT_ONCE]))


def _note(tx: Tx, account_id: int, person: Person) -> None:
    account = tx.require(Account, account_id)
    tx.change(account, identities=[person.who.id, *(g.id for g in person.groups)], identities_at=tx.now)


def _shut_out(tx: Tx, account_id: int) -> None:
    tx.change(tx.require(Account, account_id), identities=[], identities_at=tx.now)
    login_token.end_all(tx, account_id)
