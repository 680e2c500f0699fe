"""What the scheduler is shown of the hosts: always what the rows say, however little of it is read anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import trailboss.resources  # noqa: F401  (declares the types)
from tests.databases import OpenStore, database_url, migrated_postgres, migrated_sqlite, open_store, postgres  # noqa: F401
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.instance.placement import load
from trailboss.scheduler import Placed
from trailboss.store.store import Store
from trailboss.store.transaction import Tx

HOSTS = 60


@pytest.fixture
def store(open_store: OpenStore) -> Iterator[Store]:  # noqa: F811
    found = open_store()
    found.write(_an_environment)
    yield found


def _an_environment(tx: Tx) -> None:
    for number in range(HOSTS):
        tx.insert(Host, account_id=5, name=f"h{number}", state="active", agent_state="active", compute_free=100)
    tx.insert(Container, account_id=5, name="c", image_uuid="docker:x", state="starting")


def chosen(tx: Tx) -> str:
    """Return the name of the host that the container would be placed on."""
    placement = load(tx, tx.require(Container, 1), ())
    decision = placement.decide()
    assert isinstance(decision, Placed), decision
    return placement.host(decision.host_id).name


def best(number: int) -> Callable[[Tx], str]:
    """Return a transaction in which one host has more room than the others."""

    def run(tx: Tx) -> str:
        tx.change(tx.require(Host, number), compute_free=1000)
        return chosen(tx)

    return run


def test_a_change_of_the_room_is_seen(store: Store) -> None:
    assert store.write(chosen) == "h0"
    assert store.write(best(7)) == "h6"
    assert store.write(chosen) == "h6"


def test_any_other_change_is_seen(store: Store) -> None:
    assert store.write(chosen) == "h0"
    store.write(lambda tx: tx.change(tx.require(Host, 1), state="inactive"))
    assert store.write(chosen) == "h1"
    store.write(lambda tx: tx.change(tx.require(Host, 2), engine_message="its disk is full"))
    assert store.write(chosen) == "h2"
    store.write(lambda tx: tx.change(tx.require(Host, 3), removed=tx.now))
    assert store.write(chosen) == "h3"
    store.write(lambda tx: tx.change(tx.require(Host, 1), state="active"))
    assert store.write(chosen) == "h0"


def test_what_was_not_committed_is_not_believed(store: Store) -> None:
    def fail(tx: Tx) -> None:
        assert best(7)(tx) == "h6"
        raise ValueError

    assert store.write(chosen) == "h0"
    with pytest.raises(ValueError):
        store.write(fail)
    assert store.write(chosen) == "h0"
    assert store.write(best(9)) == "h8"


def test_the_rows_of_hosts_that_are_as_they_were_are_not_read_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(chosen)
    read: list[int] = []
    from trailboss.store import transaction

    decode = transaction.decode

    def counted(*arguments: object) -> object:
        row = decode(*arguments)  # type: ignore[arg-type]
        read.append(row.values["id"])
        return row

    monkeypatch.setattr(transaction, "decode", counted)
    store.write(best(7))
    assert len(read) < 10 < HOSTS
