from __future__ import annotations

import pytest

from tests.scheduler.builders import a_container, a_host, a_request, port
from trailboss.scheduler import Cluster, Placed, Port, place


def test_what_was_taken_is_seen_and_what_was_released_is_not() -> None:
    cluster = Cluster([a_host(1)])
    cluster.take(a_request("Web", labels={"Role": "Web"}, ports=(Port(80),), compute=3), 1)
    assert cluster.free[1] == 97
    assert cluster.host_of("uuid-of-Web") == 1
    assert cluster.with_container("web") == cluster.with_container_label("role", "web") == {1}
    assert cluster.holding(Port(80)) == {1}
    assert cluster.holder(Port(80), 1) == "Web"
    cluster.release("uuid-of-Web")
    assert cluster.free[1] == 100
    assert cluster.host_of("uuid-of-Web") is None
    assert not cluster.with_container("web") | cluster.with_container_label("role", "web")
    assert not cluster.holding(Port(80))


def test_of_two_containers_with_one_label_the_other_still_counts_after_a_release() -> None:
    cluster = Cluster([a_host(1, containers=(a_container("a", labels={"role": "web"}),))])
    cluster.take(a_request("b", labels={"role": "web"}), 1)
    cluster.release("uuid-of-a")
    assert cluster.with_container_label("role", "web") == {1}


def test_the_room_of_an_inactive_host_is_kept_too_but_it_takes_no_work() -> None:
    cluster = Cluster([a_host(1, state="inactive"), a_host(2, compute_free=1)])
    cluster.take(a_request("pinned"), 1)
    assert cluster.free[1] == 99
    outcome = place(cluster, a_request())
    assert isinstance(outcome, Placed)
    assert outcome.host_id == 2


def test_the_holder_of_a_port_is_the_one_on_the_same_address() -> None:
    containers = (
        a_container("a", ports=(port("10.0.0.1:80/tcp"),)),
        a_container("b", ports=(port("10.0.0.2:80/tcp"),)),
    )
    cluster = Cluster([a_host(1, containers=containers)])
    assert cluster.holder(port("10.0.0.2:80/tcp"), 1) == "b"
    assert cluster.holder(port("10.0.0.3:80/tcp"), 1) == ""
    assert cluster.holding(port("10.0.0.3:80/tcp")) == set()


def test_a_container_cannot_be_taken_twice() -> None:
    cluster = Cluster([a_host(1), a_host(2)])
    cluster.take(a_request(), 1)
    with pytest.raises(ValueError, match="stands on host 1 already"):
        cluster.take(a_request(), 2)
    assert cluster.free == {1: 99, 2: 100}


def test_a_snapshot_refuses_one_host_twice() -> None:
    with pytest.raises(ValueError, match="host 1 is in the snapshot already"):
        Cluster([a_host(1), a_host(1)])
