from __future__ import annotations

import pytest

from tests.scheduler.builders import a_container, a_host, a_request, affinity
from trailboss.scheduler import (
    Cluster,
    HostView,
    Peer,
    Placed,
    Port,
    Refusal,
    Request,
    Waiting,
    place,
    place_all,
)


def chosen(hosts: list[HostView], request: Request, *, spread: bool = True) -> int:
    outcome = place(Cluster(hosts), request, spread=spread)
    assert isinstance(outcome, Placed)
    return outcome.host_id


@pytest.mark.parametrize(
    ("free", "spread", "expected"),
    [
        ({1: 5, 2: 9, 3: 9}, True, 2),
        ({1: 5, 2: 9, 3: 5}, False, 1),
        ({1: 0, 2: 9, 3: 4}, False, 3),
        ({1: None, 2: 9}, True, 2),
        ({1: None, 2: 0}, True, 1),
        ({1: 3, 2: None}, False, 2),
    ],
)
@pytest.mark.parametrize("others", [0, 40])
def test_spread_takes_the_most_free_and_pack_the_least_then_the_lowest_id(
    free: dict[int, int | None], spread: bool, expected: int, others: int
) -> None:
    """With `others`, the request's few hosts are sorted; without, all hosts are walked in order."""
    hosts = [a_host(id, compute_free=room) for id, room in free.items()]
    hosts += [a_host(100 + n, compute_free=50) for n in range(others)]
    assert chosen(hosts, a_request(valid_host_ids=frozenset(free)), spread=spread) == expected


def test_a_batch_is_spread_and_packed() -> None:
    hosts = [a_host(id, compute_free=3) for id in (1, 2)]
    requests = [a_request(f"r{n}") for n in range(5)]
    spread = [one.host_id for one in place_all(Cluster(hosts), requests) if isinstance(one, Placed)]
    packed = [one.host_id for one in place_all(Cluster(hosts), requests, spread=False) if isinstance(one, Placed)]
    assert spread == [1, 2, 1, 2, 1]
    assert packed == [1, 1, 1, 2, 2]


def test_each_of_a_batch_sees_the_ports_labels_and_names_of_those_before() -> None:
    hosts = [a_host(id) for id in (1, 2)]
    requests = [
        a_request("a", ports=(Port(80),)),
        a_request("b", ports=(Port(80),)),
        a_request("c", ports=(Port(80),)),
        a_request("d", labels=affinity(container="b")),
    ]
    outcomes = place_all(Cluster(hosts), requests)
    assert [one.host_id if isinstance(one, Placed) else one.because for one in outcomes] == [
        1,
        2,
        "no host can take it: 2 hosts: port 80/tcp is taken",
        2,
    ]


def test_a_batch_leaves_the_snapshot_as_it_was() -> None:
    cluster = Cluster([a_host(1), a_host(2)])
    requests = [a_request(f"r{n}", ports=(Port(80),), labels={"a": "b"}) for n in range(3)]
    assert place_all(cluster, requests) == place_all(cluster, requests)
    assert cluster.free == {1: 100, 2: 100}
    assert not cluster.holding(Port(80))
    assert not cluster.with_container_label("a", "b")
    assert not cluster.with_container("r0")


def test_order_in_a_batch_does_not_matter_to_containers_that_stand_together() -> None:
    sidekick = a_request("sidekick", colocate_with=(Peer("uuid-of-main", "main", "volumes"),))
    third = a_request("third", colocate_with=(Peer("uuid-of-sidekick", "sidekick", "network"),))
    outcomes = place_all(Cluster([a_host(1), a_host(2)]), [third, sidekick, a_request("main")])
    assert [one.host_id for one in outcomes if isinstance(one, Placed)] == [1, 1, 1]


def test_containers_that_wait_for_one_another_wait_without_end_but_the_batch_returns() -> None:
    one = a_request("one", colocate_with=(Peer("uuid-of-two", "two", "volumes"),))
    two = a_request("two", colocate_with=(Peer("uuid-of-one", "one", "volumes"),))
    outcomes = place_all(Cluster([a_host()]), [one, two])
    assert [outcome.waits_for for outcome in outcomes if isinstance(outcome, Waiting)] == ["peer", "peer"]


def test_the_refusals_of_all_hosts_are_counted_in_one_sentence() -> None:
    busy = (a_container("lb_1", ports=(Port(80),)),)
    hosts = [
        a_host(1, agent_state="reconnecting", containers=(a_container("lb_0", ports=(Port(80),)),)),
        a_host(2, containers=busy),
        a_host(3, ports=(Port(80),)),
        a_host(4, compute_free=0),
    ]
    outcome = place(Cluster(hosts), a_request(ports=(Port(80),)))
    assert outcome == Waiting(
        "no host can take it: 2 hosts: port 80/tcp is taken; "
        "1 host: not active (reconnecting); 1 host: not enough compute free (needs 1)",
        (
            Refusal(1, "host-1", "state", "not active (reconnecting)"),
            Refusal(1, "host-1", "ports", "port 80/tcp is taken by lb_0"),
            Refusal(2, "host-2", "ports", "port 80/tcp is taken by lb_1"),
            Refusal(3, "host-3", "ports", "port 80/tcp is taken"),
            Refusal(4, "host-4", "compute", "needs compute 1 and has 0 free"),
        ),
    )


def test_a_pinned_request_hears_of_its_host_only() -> None:
    hosts = [a_host(1), a_host(2, agent_state="reconnecting", compute_free=0)]
    outcome = place(Cluster(hosts), a_request(requested_host_id=2))
    assert isinstance(outcome, Waiting)
    assert outcome.because == ("host-2 cannot take it: not active (reconnecting); needs compute 1 and has 0 free")
    assert {refusal.host_id for refusal in outcome.refusals} == {2}


def test_without_any_host_the_sentence_says_so() -> None:
    assert place(Cluster(), a_request()) == Waiting("the environment has no hosts")
    gone = Waiting("the requested host is gone or not in this environment")
    assert place(Cluster([a_host(1)]), a_request(requested_host_id=7)) == gone


def test_a_soft_rule_is_followed_when_a_host_allows_it() -> None:
    hosts = [a_host(1), a_host(2, compute_free=1, labels={"disk": "ssd"})]
    request = a_request(labels=affinity(host_label_soft="disk=ssd"))
    assert place(Cluster(hosts), request) == Placed(
        2, ("most compute free (1) of the hosts that fit best", "wants a host with label disk=ssd")
    )


def test_a_soft_rule_that_no_host_allows_is_given_up_and_said() -> None:
    request = a_request(labels=affinity(host_label_soft="disk=ssd"))
    assert place(Cluster([a_host(1)]), request) == Placed(
        1,
        (
            "most compute free (100) of the hosts that fit best",
            "prefers a host with label disk=ssd, which was given up",
        ),
    )


def test_a_hard_rule_wins_over_a_soft_one() -> None:
    hosts = [a_host(1, labels={"disk": "ssd"}), a_host(2, labels={"zone": "a"})]
    labels = affinity(host_label_soft="disk=ssd", host_label="zone=a")
    assert chosen(hosts, a_request(labels=labels)) == 2


def test_of_soft_rules_in_conflict_those_of_the_nearest_host_are_kept() -> None:
    hosts = [a_host(1, labels={"a": "1"}), a_host(2, compute_free=5, labels={"b": "1", "c": "1"})]
    assert chosen(hosts, a_request(labels=affinity(host_label_soft="a=1,b=1,c=1"))) == 2


def test_of_equally_near_hosts_the_one_with_more_room_decides_which_soft_rule_goes() -> None:
    hosts = [a_host(1, compute_free=5, labels={"a": "1"}), a_host(2, labels={"b": "1"})]
    outcome = place(Cluster(hosts), a_request(labels=affinity(host_label_soft="a=1,b=1")))
    assert isinstance(outcome, Placed)
    assert outcome.host_id == 2
    assert outcome.reasons[1:] == (
        "wants a host with label b=1",
        "prefers a host with label a=1, which was given up",
    )


def test_replicas_that_avoid_one_another_softly_double_up_only_when_they_must() -> None:
    hosts = [a_host(1), a_host(2, compute_free=2)]
    labels = {"svc": "web", **affinity(container_label_soft_ne="svc=web")}
    outcomes = place_all(Cluster(hosts), [a_request(f"r{n}", labels=labels) for n in range(3)])
    assert [one.host_id for one in outcomes if isinstance(one, Placed)] == [1, 2, 1]
