"""What belongs to an account, and how it goes when the account is purged: a few rows at a time, the largest first.

Stacks take their services and containers along; then containers that stand alone, then hosts. What is left has nobody
behind it that would have to be asked. In: `load` for `account.reconcile`; out: its outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import Resource, registry
from trailboss.outcome import Again, Begin, Done, End, Outcome, Set, Step

if TYPE_CHECKING:
    from trailboss.resources.account import Account
    from trailboss.store.transaction import Tx

SLICE = 100
HOSTS_ARE_ASKED_FOR_S = 60
"""How long hosts are waited for to delete containers before they are removed themselves."""
_IN_ORDER = ("environment", "service", "instance", "host")


@dataclass(frozen=True)
class Belongings:
    """Some of what an account still has. kind: type of the rows, if they have a life of their own.
    purging: containers that their hosts are deleting."""

    kind: str | None
    rows: tuple[Resource, ...]
    purging: int = 0


def load(tx: Tx, account: Account) -> Belongings:
    """Read what has to go next."""
    for kind in _IN_ORDER:
        if rows := tx.find(registry[kind], account_id=account.id, limit=SLICE):
            return Belongings(kind, tuple(rows), _purging(tx, account) if kind == "host" else 0)
    rest: list[Resource] = []
    for type_ in registry.values():
        if type_.stored and type_.base is type_ and "account_id" in type_.fields and type_.machine is not None:
            rest += tx.find(type_, account_id=account.id, limit=SLICE - len(rest)) if len(rest) < SLICE else []
    return Belongings(None, tuple(rest))


def _purging(tx: Tx, account: Account) -> int:
    """Count the containers that hosts are still asked to delete; in time nobody waits for them any more."""
    if tx.now > (account.remove_time or 0) + HOSTS_ARE_ASKED_FOR_S * 1000:
        return 0
    instance = registry["instance"]
    gone = [tx.find(instance, live=False, account_id=account.id, state=s, limit=SLICE) for s in ("removed", "purging")]
    return sum(1 for rows in gone for row in rows if row.values["host_id"] is not None)


def let_go(belongings: Belongings) -> Outcome:
    """Begin to remove what is there; done when nothing is."""
    if not belongings.rows:
        return Done()
    if belongings.kind is None:
        return Again("Removing what belongs to it", after_s=0, steps=tuple(End(row) for row in belongings.rows))
    if belongings.purging:
        return Again(f"{belongings.purging} containers are being deleted from their hosts", after_s=1.0)
    steps = tuple(step for row in belongings.rows if (step := _begin(row)) is not None)
    return Again(f"Removing what belongs to it: {len(belongings.rows)} of {belongings.kind}", after_s=1.0, steps=steps)


def _begin(row: Resource) -> Step | None:
    """Return the next step on a row's way to its removal; None while it is on the way."""
    values: dict[str, Any] = {"purge_at_once": True} if "purge_at_once" in type(row).fields else {}
    if row.values["state"] in ("removing", "stopping", "deactivating"):
        return Set(row, values) if values else None
    if "desired" in type(row).fields:
        values |= {"desired": "stopped", "after_stop": "remove"}
    for process in ("remove", "deactivate", "stop"):
        if states.may(row, process):
            return Begin(row, process, values)
    return Set(row, values) if values else None
