from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.scheduler.builders import a_container, a_host, a_request, affinity, port
from trailboss.scheduler import (
    Cluster,
    ContainerView,
    HostView,
    Peer,
    Placed,
    Port,
    Refusal,
    Request,
    VolumeBinding,
    Waiting,
    check,
    hosts_for_global,
    place,
    reads_containers,
)

REAL_AND_SIMULATED = (a_host(1), a_host(2, kind="sim"))


def refusals(host: HostView, request: Request) -> list[tuple[str, str]]:
    """What each filter says of the only host; [] when it is placed there."""
    outcome = place(Cluster([host]), request)
    said = check(Cluster([host]), request, host.id)
    if isinstance(outcome, Placed):
        assert said is None
        return []
    assert said == f"{host.name}: {outcome.refusals[0].reason}"
    return [(refusal.filter, refusal.reason) for refusal in outcome.refusals]


@pytest.mark.parametrize(
    ("state", "agent_state", "words"),
    [
        ("active", "active", None),
        ("active", None, None),
        ("updating-active", "active", None),
        ("inactive", "active", "not active (inactive)"),
        ("active", "reconnecting", "not active (reconnecting)"),
        ("deactivating", "reconnecting", "not active (deactivating)"),
    ],
)
def test_only_an_active_host_with_an_active_agent_takes_work(
    state: str, agent_state: str | None, words: str | None
) -> None:
    host = a_host(state=state, agent_state=agent_state)
    assert refusals(host, a_request()) == ([("state", words)] if words else [])


@pytest.mark.parametrize(
    ("free", "needed", "words"),
    [
        (1, 1, None),
        (None, 7, None),
        (0, 0, None),
        (0, 1, "needs compute 1 and has 0 free"),
        (2, 3, "needs compute 3 and has 2 free"),
    ],
)
def test_a_host_needs_the_compute(free: int | None, needed: int, words: str | None) -> None:
    said = refusals(a_host(compute_free=free), a_request(compute=needed))
    assert said == ([("compute", words)] if words else [])


@pytest.mark.parametrize(
    ("held", "wanted", "taken"),
    [
        ("80/tcp", "80/tcp", True),
        ("80/tcp", "80/udp", False),
        ("80/tcp", "81/tcp", False),
        ("0/tcp", "0/tcp", False),
        ("80/tcp", "10.0.0.1:80/tcp", True),
        ("10.0.0.1:80/tcp", "80/tcp", True),
        ("10.0.0.1:80/tcp", "10.0.0.1:80/tcp", True),
        ("10.0.0.1:80/tcp", "10.0.0.2:80/tcp", False),
        ("0.0.0.0:80/tcp", "10.0.0.2:80/tcp", True),
        ("10.0.0.1:80/tcp", "0.0.0.0:80/tcp", True),
    ],
)
def test_a_public_port_is_given_once_per_address_and_protocol(held: str, wanted: str, taken: bool) -> None:
    host = a_host(containers=(a_container("lb_1", ports=(port(held),)),))
    said = refusals(host, a_request(ports=(port(wanted),)))
    assert said == ([("ports", f"port {port(wanted)} is taken by lb_1")] if taken else [])


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"state": "running"}, True),
        ({"state": "starting"}, True),
        ({"state": "restarting"}, True),
        ({"state": "stopped"}, False),
        ({"state": "stopping"}, False),
        ({"is_leaving": True}, False),
    ],
)
def test_a_container_blocks_its_ports_only_while_it_runs_and_stays(fields: Any, taken: bool) -> None:
    host = a_host(containers=(a_container(ports=(Port(80),), **fields),))
    assert bool(refusals(host, a_request(ports=(Port(80),)))) is taken


def test_ports_of_a_snapshot_without_containers_block_too() -> None:
    host = a_host(ports=(Port(80),))
    assert refusals(host, a_request(ports=(Port(80),))) == [("ports", "port 80/tcp is taken")]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"host_label": "disk=ssd"}, None),
        ({"host_label": "DISK=SSD"}, None),
        ({"host_label": "disk=ssd,zone=a"}, "has no label zone=a"),
        ({"host_label": "disk=hdd"}, "has no label disk=hdd"),
        ({"host_label_ne": "disk=ssd"}, "has label disk=ssd"),
        ({"host_label_ne": "disk=hdd"}, None),
        ({"host_label_soft": "disk=hdd"}, None),
        ({"host_label_soft_ne": "disk=ssd"}, None),
    ],
)
def test_host_label_rules(rules: dict[str, str], words: str | None) -> None:
    said = refusals(a_host(labels={"Disk": "SSD"}), a_request(labels=affinity(**rules)))
    assert said == ([("host label", words)] if words else [])


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"container_label": "role=db"}, None),
        ({"container_label": "role=db,tier=back"}, None),
        ({"container_label": "ROLE=DB"}, None),
        ({"container_label": "role=web"}, "has no container labelled role=web"),
        ({"container_label_ne": "role=db"}, "has a container labelled role=db"),
        ({"container_label_ne": "role=web"}, None),
        ({"container_label_soft": "role=web"}, None),
        ({"container_label_soft_ne": "role=db"}, None),
    ],
)
def test_container_label_rules(rules: dict[str, str], words: str | None) -> None:
    containers = (
        a_container("db_1", labels={"role": "Db"}, state="stopped"),
        a_container("db_2", labels={"tier": "back"}),
    )
    said = refusals(a_host(containers=containers), a_request(labels=affinity(**rules)))
    assert said == ([("container label", words)] if words else [])


def test_labels_of_a_container_that_is_upgraded_away_do_not_count() -> None:
    host = a_host(containers=(a_container(labels={"role": "db"}, is_leaving=True),))
    assert refusals(host, a_request(labels=affinity(container_label_ne="role=db"))) == []


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"container": "db_1"}, None),
        ({"container": "uuid-of-db_1"}, None),
        ({"container": "web_1"}, "has no container web_1"),
        ({"container_ne": "db_1"}, "has container db_1"),
        ({"container_ne": "UUID-of-DB_1"}, "has container uuid-of-db_1"),
        ({"container_ne": "web_1"}, None),
        ({"container_soft": "web_1"}, None),
    ],
)
def test_container_rules_go_by_name_or_uuid_without_case(rules: dict[str, str], words: str | None) -> None:
    said = refusals(a_host(containers=(a_container("Db_1"),)), a_request(labels=affinity(**rules)))
    assert said == ([("container", words)] if words else [])


def test_swarm_style_variables_bind_like_labels() -> None:
    request = a_request(environment=("constraint:Disk==SSD",))
    assert refusals(a_host(labels={"disk": "ssd"}), request) == []
    assert refusals(a_host(), request) == [("host label", "has no label disk=ssd")]


def test_a_volume_binds_to_the_hosts_that_can_mount_it() -> None:
    binding = VolumeBinding("data", frozenset({1}))
    assert refusals(a_host(1), a_request(volumes=(binding,))) == []
    assert refusals(a_host(2), a_request(volumes=(binding,))) == [("volumes", "cannot mount volume data")]
    nowhere = VolumeBinding("data", frozenset())
    assert refusals(a_host(1), a_request(volumes=(nowhere,))) == [("volumes", "cannot mount volume data")]


def test_a_host_without_active_storage_pool_is_never_used() -> None:
    assert refusals(a_host(has_storage=False), a_request()) == [("storage", "has no active storage pool")]


@pytest.mark.parametrize(
    ("hosts", "image_kind", "requested", "chosen"),
    [
        (REAL_AND_SIMULATED, "docker", None, 1),
        (REAL_AND_SIMULATED, "docker", 2, 2),
        (REAL_AND_SIMULATED, "sim", None, 2),
        (REAL_AND_SIMULATED, "sim", 1, None),
        ((a_host(2, kind="sim"),), "docker", None, 2),
        ((a_host(1, state="inactive"), a_host(2, kind="sim")), "docker", None, 2),
        ((a_host(1, agent_state="reconnecting"), a_host(2, kind="sim")), "docker", None, None),
        ((a_host(1, compute_free=0), a_host(2, kind="sim")), "docker", None, None),
    ],
)
def test_simulated_hosts_stand_back_while_there_are_real_ones(
    hosts: tuple[HostView, ...], image_kind: Any, requested: int | None, chosen: int | None
) -> None:
    outcome = place(Cluster(hosts), a_request(image_kind=image_kind, requested_host_id=requested))
    assert (outcome.host_id if isinstance(outcome, Placed) else None) == chosen


def test_the_rule_of_kinds_is_said_in_words() -> None:
    real, simulated = a_host(1, compute_free=0), a_host(2, kind="sim")
    outcome = place(Cluster([real, simulated]), a_request())
    assert isinstance(outcome, Waiting)
    assert outcome.refusals[1] == Refusal(2, "host-2", "kind", "simulated, and the environment has real hosts")
    assert refusals(a_host(1), a_request(image_kind="sim")) == [("kind", "not simulated, as a sim: image needs")]


@pytest.mark.parametrize(
    ("requested", "valid", "allowed"),
    [(2, frozenset(), {2}), (None, frozenset({2, 3}), {2, 3}), (2, frozenset({3}), {2, 3})],
)
def test_only_requested_and_valid_hosts_are_used(
    requested: int | None, valid: frozenset[int], allowed: set[int]
) -> None:
    hosts = [a_host(number) for number in (1, 2, 3)]
    request = a_request(requested_host_id=requested, valid_host_ids=valid)
    assert {host.id for host in hosts if check(Cluster(hosts), request, host.id) is None} == allowed
    assert check(Cluster(hosts), request, 1) == "host-1: not asked for"


def test_a_pinned_request_is_spared_ports_affinity_and_colocation() -> None:
    host = a_host(containers=(a_container(ports=(Port(80),)),))
    request = a_request(
        requested_host_id=1,
        ports=(Port(80),),
        labels=affinity(host_label="disk=ssd", container_ne="web_1"),
        colocate_with=(Peer("p", "db_1", "volumes", host_id=9),),
    )
    assert refusals(host, request) == []
    unpinned = replace(request, requested_host_id=None)
    assert [name for name, _ in refusals(host, unpinned)] == [
        "ports",
        "container",
        "host label",
        "colocation",
    ]


def test_a_pinned_request_still_needs_an_active_host_with_compute_and_its_volumes() -> None:
    host = a_host(agent_state="reconnecting", compute_free=0)
    request = a_request(requested_host_id=1, volumes=(VolumeBinding("data", frozenset({2})),))
    assert [name for name, _ in refusals(host, request)] == ["state", "volumes", "compute"]


@pytest.mark.parametrize("shares", ["volumes", "network"])
def test_a_container_stands_beside_those_whose_volumes_or_network_it_shares(shares: Any) -> None:
    hosts = [a_host(1), a_host(2, compute_free=5, containers=(a_container("db_1"),))]
    seen = a_request(colocate_with=(Peer("uuid-of-db_1", "db_1", shares),))
    told = a_request(colocate_with=(Peer("unseen", "db_1", shares, host_id=2),))
    for request in (seen, told):
        outcome = place(Cluster(hosts), request)
        assert isinstance(outcome, Placed)
        assert outcome.host_id == 2
        assert f"wants the host of db_1, whose {shares} it shares" in outcome.reasons
        said = check(Cluster(hosts), request, 1)
        assert said == f"host-1: not the host of db_1, whose {shares} it shares"


def test_beside_a_container_without_host_it_waits_for_that_one() -> None:
    request = a_request(colocate_with=(Peer("p", "db_1", "volumes"), Peer("q", "db_2", "network")))
    outcome = place(Cluster([a_host()]), request)
    assert outcome == Waiting("db_1, db_2, which it must run beside, have no host yet", waits_for="peer")
    said = check(Cluster([a_host()]), request, 1)
    assert said == "host-1: not the host of db_1, whose volumes it shares"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, [1, 2]),
        ({"host_label": "zone=a"}, [1]),
        ({"host_label_ne": "zone=a"}, [2]),
        ({"host_label_soft": "zone=a"}, [1]),
        ({"host_label_soft_ne": "zone=a"}, [2]),
        ({"container": "db_1", "container_label_ne": "a=b"}, [1, 2]),
        ({"host_label": "zone=c"}, []),
    ],
)
def test_a_global_service_runs_on_each_active_host_that_its_host_label_rules_allow(
    rules: dict[str, str], expected: list[int]
) -> None:
    hosts = [
        a_host(4, labels={"zone": "a"}, agent_state="reconnecting"),
        a_host(3, labels={"zone": "b"}, state="inactive"),
        a_host(2, labels={"zone": "b"}, compute_free=0, agent_state=None),
        a_host(1, labels={"Zone": "A"}, state="updating-active"),
    ]
    assert hosts_for_global(Cluster(hosts), affinity(**rules)) == expected


def test_a_global_service_uses_simulated_hosts_for_simulated_images_or_without_real_hosts() -> None:
    cluster = Cluster(REAL_AND_SIMULATED)
    assert hosts_for_global(cluster, {}) == [1]
    assert hosts_for_global(cluster, {}, "sim") == [2]
    assert hosts_for_global(Cluster([a_host(2, kind="sim")]), {}) == [2]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (a_request(), False),
        (a_request(ports=(Port(80),), labels=affinity(host_label="a=b")), False),
        (a_request(labels=affinity(container_label_soft="a=b")), True),
        (a_request(environment=("affinity:container==x",)), True),
        (a_request(labels=affinity(container="x"), requested_host_id=1), False),
        (a_request(colocate_with=(Peer("p", "p", "volumes", host_id=1),)), False),
        (a_request(colocate_with=(Peer("p", "p", "volumes"),)), True),
    ],
)
def test_the_snapshot_needs_containers_only_for_rules_about_containers(request_: Request, expected: bool) -> None:
    assert reads_containers(request_) is expected


def test_check_sees_what_changed_since_the_decision() -> None:
    request = a_request(ports=(Port(80),))
    assert isinstance(place(Cluster([a_host()]), request), Placed)
    now = Cluster([a_host(containers=(ContainerView("u", "lb_1", ports=(Port(80),)),))])
    assert check(now, request, 1) == "host-1: port 80/tcp is taken by lb_1"
    assert check(Cluster([]), request, 1) == "the chosen host is gone"


def test_a_host_whose_docker_does_not_work_is_taken_only_when_there_is_no_other() -> None:
    idle, busy = a_host(1, compute_free=100, has_engine=False), a_host(2, compute_free=1)
    placed = place(Cluster([idle, busy]), a_request())
    assert isinstance(placed, Placed)
    assert (placed.host_id, placed.reasons[-1]) == (2, "wants a host whose Docker works")
    alone = place(Cluster([idle]), a_request())
    assert isinstance(alone, Placed)
    assert alone.reasons[-1] == "prefers a host whose Docker works, which was given up"
