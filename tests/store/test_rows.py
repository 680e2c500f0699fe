"""Rows in, rows out: what is stored is what is read, changes are compared with what was read, and nobody is lost."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import msgspec
import pytest

from tests.databases import OpenStore
from trailboss.errors import Lost
from trailboss.resources.account import Account, Project
from trailboss.resources.host import Host
from trailboss.resources.instance import Container, Instance
from trailboss.store.store import Store
from trailboss.store.transaction import Tx


def a_host(tx: Tx, **values: object) -> Host:
    return tx.insert(Host, **{"name": "one", "account_id": 1, "state": "active", **values})


def test_a_row_is_read_as_it_was_stored(store: Store) -> None:
    made = store.write(lambda tx: a_host(tx, labels={"a": "b"}, info={"cpu": 2}))
    found = store.read(lambda read: read.get(Host, made.id))
    assert found is not None
    assert found.values == made.values
    assert (found.name, found.labels, found.info, found.kind) == ("one", {"a": "b"}, {"cpu": 2}, "host")
    assert len(found.uuid) == 36


def test_booleans_come_back_as_booleans_from_a_column_and_from_the_document(store: Store) -> None:
    made = store.write(lambda tx: tx.insert(Container, account_id=1, native_container=True, privileged=True))
    found = store.read(lambda read: read.require(Container, made.id))
    assert found.native_container is True
    assert found.privileged is True
    assert found.tty is False


def test_a_row_of_a_subtype_is_found_by_its_base_type_and_not_by_another_subtype(store: Store) -> None:
    made = store.write(lambda tx: tx.insert(Project, kind="project", name="p", state="active"))
    other = store.write(lambda tx: tx.insert(Account, kind="admin", name="a", state="active"))
    assert store.read(lambda read: [a.id for a in read.find(Account)]) == [made.id, other.id]
    assert store.read(lambda read: [a.id for a in read.find(Project)]) == [made.id]
    assert store.read(lambda read: type(read.require(Account, made.id))) is Project
    assert store.read(lambda read: read.get(Project, other.id)) is None


def test_removed_rows_are_found_only_on_request(store: Store) -> None:
    gone = store.write(lambda tx: a_host(tx, state="removed", removed=5))
    assert store.read(lambda read: read.find(Host, account_id=1)) == []
    assert [h.id for h in store.read(lambda read: read.find(Host, live=False, account_id=1))] == [gone.id]
    assert store.read(lambda read: read.get(Host, gone.id)) is not None


def test_rows_come_oldest_first_or_newest_first_and_limited(store: Store) -> None:
    ids = store.write(lambda tx: [a_host(tx, name=f"h{n}").id for n in range(5)])
    assert [h.id for h in store.read(lambda read: read.find(Host))] == ids
    assert [h.id for h in store.read(lambda read: read.find(Host, newest=True, limit=2))] == [ids[4], ids[3]]


def test_ids_are_never_given_twice(store: Store) -> None:
    first = store.write(lambda tx: a_host(tx))
    store.write(lambda tx: tx.erase(first))
    assert store.write(lambda tx: a_host(tx)).id > first.id


def test_a_change_counts_the_part_that_it_belongs_to(store: Store) -> None:
    row = store.write(lambda tx: a_host(tx))
    desired = store.write(lambda tx: tx.change(row, labels={"x": "y"}))
    assert (desired.values["generation"], desired.values["observed"]) == (2, 0)
    observed = store.write(lambda tx: tx.change(desired, agent_state="active"))
    assert (observed.values["generation"], observed.values["observed"]) == (2, 1)


def test_a_change_to_the_same_values_writes_nothing(store: Store) -> None:
    row = store.write(lambda tx: a_host(tx))
    assert store.write(lambda tx: tx.change(row, name="one")) is row
    assert store.read(lambda read: read.require(Host, row.id)).values == row.values


def test_a_change_of_a_row_that_somebody_changed_meanwhile_is_lost(store: Store) -> None:
    row = store.write(lambda tx: a_host(tx))
    store.write(lambda tx: tx.change(row, name="two"))
    with pytest.raises(Lost):
        store.write(lambda tx: tx.change(row, name="three"))
    assert store.read(lambda read: read.require(Host, row.id)).name == "two"


def test_a_function_that_reads_anew_is_run_again_after_a_lost_change(store: Store) -> None:
    row = store.write(lambda tx: a_host(tx))
    runs: list[int] = []

    def rename(tx: Tx) -> Host:
        seen = tx.require(Host, row.id)
        runs.append(len(runs))
        if len(runs) == 1:
            tx.change(tx.require(Host, row.id), name="in between")
        return tx.change(seen, name="in the end")

    assert store.write(rename).name == "in the end"
    assert len(runs) == 2


def test_two_servers_that_count_up_one_row_lose_no_step(open_store: OpenStore) -> None:
    servers = [open_store(), open_store()]
    row = servers[0].write(lambda tx: a_host(tx, compute_free=0))

    def count(tx: Tx) -> None:
        host = tx.require(Host, row.id)
        tx.change(host, compute_free=host.compute_free + 1)

    futures: list[Future[None]] = [server.submit(count) for _ in range(50) for server in servers]
    for future in futures:
        future.result(60)
    assert servers[0].read(lambda read: read.require(Host, row.id)).compute_free == 100


def test_what_a_newer_version_put_into_the_document_survives_a_change(store: Store) -> None:
    row = store.write(lambda tx: a_host(tx, labels={"a": "b"}))
    document = {"later": {"x": 1}, "fields": {"labels": {"a": "b"}, "notYetDeclared": [1, 2]}}
    text = msgspec.json.encode(document).decode()
    store.write(lambda tx: tx.run("UPDATE host SET data = " + _literal(text)))
    store.write(lambda tx: tx.change(tx.require(Host, row.id), labels={"a": "c"}))
    stored = store.read(lambda read: read.require(Host, row.id)).values["data"]
    assert stored == {"later": {"x": 1}, "fields": {"labels": {"a": "c"}, "notYetDeclared": [1, 2]}}


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def test_a_row_of_a_kind_that_this_version_does_not_know_is_read_as_its_base_type(store: Store) -> None:
    row = store.write(lambda tx: tx.insert(Container, account_id=1, name="x"))
    store.write(lambda tx: tx.run("UPDATE instance SET kind = 'unikernel'"))
    found = store.read(lambda read: read.find(Instance))
    assert [(type(i), i.id, i.name) for i in found] == [(Instance, row.id, "x")]


def test_one_failing_function_of_a_group_takes_no_other_with_it(store: Store) -> None:
    entered, gate = threading.Event(), threading.Event()

    def hold_up(tx: Tx) -> None:
        entered.set()
        gate.wait(20)

    def fail(tx: Tx) -> None:
        a_host(tx, name="of the failing one")
        raise KeyError("on purpose")

    def break_a_rule(tx: Tx) -> None:
        tx.run("INSERT INTO fact (name, value) VALUES ('journal.head', '7')")

    first = store.submit(hold_up)
    assert entered.wait(20)
    before = store.submit(lambda tx: a_host(tx, name="before"))
    failing = [store.submit(fail), store.submit(break_a_rule)]
    after = store.submit(lambda tx: a_host(tx, name="after"))
    gate.set()
    first.result(20)
    assert (before.result(20).name, after.result(20).name) == ("before", "after")
    for future in failing:
        assert future.exception(20) is not None
    assert [h.name for h in store.read(lambda read: read.find(Host))] == ["before", "after"]


def test_a_reader_does_not_see_what_is_not_committed_and_sees_one_moment(open_store: OpenStore) -> None:
    store = open_store()
    row = store.write(lambda tx: a_host(tx))

    def read_twice(read):  # type: ignore[no-untyped-def]
        before = read.require(Host, row.id).name
        store.write(lambda tx: tx.change(tx.require(Host, row.id), name="two"))
        return before, read.require(Host, row.id).name

    assert store.read(read_twice) == ("one", "one")
    assert store.read(lambda read: read.require(Host, row.id)).name == "two"


def test_a_held_key_has_one_holder_over_all_servers_until_it_is_released(open_store: OpenStore) -> None:
    servers = [open_store(), open_store()]
    hosts = servers[0].write(lambda tx: [a_host(tx, name=f"h{n}") for n in range(20)])
    futures = [
        servers[n % 2].submit(lambda tx, host=host: tx.hold("port", "1/80/tcp", host)) for n, host in enumerate(hosts)
    ]
    granted = [host for host, future in zip(hosts, futures, strict=True) if future.result(60)]
    assert len(granted) == 1
    holder = granted[0]
    assert servers[1].write(lambda tx: tx.holder("port", "1/80/tcp")) == ("host", holder.id)
    assert servers[0].write(lambda tx: tx.hold("port", "1/80/tcp", holder)), "the holder may ask again"
    servers[0].write(lambda tx: tx.release(holder, "address"))
    assert servers[0].write(lambda tx: tx.holder("port", "1/80/tcp")) is not None
    servers[0].write(lambda tx: tx.release(holder))
    assert servers[1].write(lambda tx: tx.hold("port", "1/80/tcp", hosts[-1]))


def test_a_fact_set_by_two_servers_at_once_has_the_later_value(open_store: OpenStore) -> None:
    servers = [open_store(), open_store()]
    futures = [servers[n % 2].submit(lambda tx, n=n: tx.set_fact("counter", str(n))) for n in range(40)]
    for future in futures:
        future.result(60)
    assert servers[0].read(lambda read: read.fact("counter")) in {"38", "39"}
