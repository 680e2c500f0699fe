"""The queue of what wants to be looked at: one row per resource, leases, back-off; what is marked is looked at."""

from __future__ import annotations

import threading

import pytest

from tests.databases import OpenStore
from trailboss.engine import work
from trailboss.resources.host import Host
from trailboss.resources.instance import Container, Instance
from trailboss.store.store import Store
from trailboss.store.transaction import Tx


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(open_store: OpenStore, clock: Clock) -> Store:
    return open_store(clock=clock)


def claim(store: Store, owner: str = "a", most: int = 10) -> list[work.Claim]:
    return store.write(lambda tx: work.claim(tx, owner, most))


def ids(claims: list[work.Claim]) -> list[int]:
    return [c.id for c in claims]


def test_a_resource_is_queued_once_however_often_and_by_whatever_subtype_it_is_marked(store: Store) -> None:
    store.write(lambda tx: [tx.mark(t, 1) for t in (Container, Instance, Container)] and None)
    assert [(c.type, c.id, c.marks) for c in claim(store)] == [("instance", 1, 3)]


def test_what_is_claimed_is_given_to_nobody_else(store: Store) -> None:
    store.write(lambda tx: tx.mark(Host, 1))
    assert ids(claim(store, "a")) == [1]
    assert ids(claim(store, "b")) == []
    assert ids(claim(store, "a")) == []


def test_a_lease_that_has_run_out_goes_to_another_and_the_first_one_can_no_longer_finish(
    store: Store, clock: Clock
) -> None:
    store.write(lambda tx: tx.mark(Host, 1))
    [first] = claim(store, "a")
    clock.now += work.LEASE_S * 1000
    assert ids(claim(store, "b")) == [], "to the last moment it is the first one's"
    clock.now += 1
    [second] = claim(store, "b")
    assert store.write(lambda tx: work.renew(tx, first)) is None
    store.write(lambda tx: work.finish(tx, first))
    assert store.write(lambda tx: work.renew(tx, second)) == second
    store.write(lambda tx: work.finish(tx, second))
    clock.now += 10**9
    assert claim(store) == []


def test_what_is_marked_while_it_is_worked_on_is_looked_at_again(store: Store) -> None:
    store.write(lambda tx: tx.mark(Host, 1))
    [first] = claim(store)
    store.write(lambda tx: tx.mark(Host, 1))
    store.write(lambda tx: work.finish(tx, first))
    assert ids(claim(store)) == [1]


def test_what_is_marked_while_it_is_worked_on_is_not_put_off(store: Store) -> None:
    store.write(lambda tx: tx.mark(Host, 1))
    [first] = claim(store)
    store.write(lambda tx: tx.mark(Host, 1))
    store.write(lambda tx: work.put_off(tx, first, 60, "later", failed=False))
    assert ids(claim(store)) == [1]


def test_a_renewed_claim_answers_the_marks_until_then(store: Store) -> None:
    store.write(lambda tx: tx.mark(Host, 1))
    [first] = claim(store)
    store.write(lambda tx: tx.mark(Host, 1))
    renewed = store.write(lambda tx: work.renew(tx, first))
    assert renewed is not None
    store.write(lambda tx: work.finish(tx, renewed))
    assert claim(store) == []


def test_work_that_is_put_off_is_due_at_its_time_and_a_mark_brings_it_forward(store: Store, clock: Clock) -> None:
    store.write(lambda tx: tx.mark(Host, 1))
    store.write(lambda tx: work.put_off(tx, work.claim(tx, "a", 1)[0], 10, "later", failed=False))
    assert store.read(work.next_due) == clock.now + 10_000
    clock.now += 9_999
    assert claim(store) == []
    store.write(lambda tx: tx.mark(Host, 1, after_s=5))
    clock.now += 1
    [again] = claim(store)
    store.write(lambda tx: work.put_off(tx, again, 10, "later", failed=False))
    store.write(lambda tx: tx.mark(Host, 1))
    assert ids(claim(store)) == [1]


def test_failed_tries_are_counted_and_a_success_forgets_them(store: Store, clock: Clock) -> None:
    store.write(lambda tx: tx.mark(Host, 1))
    for expected in (0, 1, 2):
        [held] = claim(store)
        assert held.attempts == expected
        store.write(lambda tx, held=held: work.put_off(tx, held, 1, "failed", failed=True))
        clock.now += 1000
    [held] = claim(store)
    store.write(lambda tx: work.put_off(tx, held, 1, "it waits", failed=False))
    clock.now += 1000
    assert claim(store)[0].attempts == 0


def test_pauses_double_up_to_a_longest_and_jitter_spreads_them() -> None:
    pauses = [work.pause_s(n, 0.0) for n in range(12)]
    assert pauses[:4] == [0.5, 1, 2, 4]
    assert pauses[-1] == work.LONGEST_PAUSE_S == work.pause_s(10**6, 0.0)
    assert work.pause_s(3, 1.0) == 5


def test_the_most_urgent_comes_first_then_what_is_due_longest(store: Store, clock: Clock) -> None:
    store.write(lambda tx: tx.mark(Host, 1, priority=90))
    clock.now += 1
    store.write(lambda tx: tx.mark(Host, 2))
    clock.now += 1
    store.write(lambda tx: tx.mark(Host, 3))
    assert ids(claim(store, most=2)) == [2, 3]
    assert ids(claim(store)) == [1]


def test_a_user_who_waits_makes_slow_work_urgent(store: Store) -> None:
    store.write(lambda tx: [tx.mark(Host, n, priority=90) for n in (1, 2)] and None)
    store.write(lambda tx: tx.mark(Host, 2))
    store.write(lambda tx: tx.mark(Host, 2, priority=90))
    assert ids(claim(store)) == [2, 1]


def test_the_request_that_marked_last_is_the_cause(store: Store) -> None:
    store.write(lambda tx: tx.mark(Host, 1), cause="request-1")
    store.write(lambda tx: tx.mark(Host, 1))
    assert claim(store)[0].cause == "request-1"


def test_a_server_takes_up_what_it_had_in_hand_when_it_died(store: Store) -> None:
    store.write(lambda tx: [tx.mark(Host, n) for n in (1, 2)] and None)
    claim(store, "a", most=1)
    claim(store, "b", most=1)
    store.write(lambda tx: work.forget_claims(tx, "a"))
    assert ids(claim(store, "a")) == [1]


def test_servers_that_claim_at_once_share_the_work_without_overlap(open_store: OpenStore) -> None:
    servers = [open_store() for _ in range(3)]
    count = 120

    def mark_all(tx: Tx) -> None:
        for n in range(count):
            tx.mark(Host, n)

    servers[0].write(mark_all)
    taken: list[int] = []

    def take(number: int) -> None:
        while found := claim(servers[number], f"server-{number}", most=7):
            taken.extend(c.id for c in found)

    threads = [threading.Thread(target=take, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == list(range(count))
