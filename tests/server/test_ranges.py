"""Ranges and bridges: free on this machine, and different for each installation."""

from __future__ import annotations

import itertools
import uuid

import pytest

from trailboss.errors import Permanent
from trailboss.server.ranges import LAST, USUAL, InUse, Network, choose, conflicts, machine, parse_routes

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def in_use(*networks: str, interface: str = "eth0") -> list[InUse]:
    return [InUse(interface, Network(n)) for n in networks]


def test_routes_are_read_as_the_kernel_writes_them() -> None:
    assert parse_routes(ROUTES) == [
        InUse("eth0", Network("0.0.0.0/0")),
        InUse("eth0", Network("192.0.2.0/24")),
        InUse("docker0", Network("172.17.0.0/16")),
    ]


def test_this_machine_can_be_asked() -> None:
    _, interfaces = machine()
    assert "lo" in interfaces


def test_the_choice_follows_from_the_id_and_differs_between_installations() -> None:
    ids = [str(uuid.UUID(int=n << 64)) for n in range(50)]
    chosen = [choose(id, None, None, [], set()) for id in ids]
    assert chosen == [choose(id, None, None, [], set()) for id in ids]
    assert len({c.cidr for c in chosen}) > 30
    assert all(len(c.bridge) <= 15 and c.name.startswith("trailboss-") for c in chosen)


def test_what_the_machine_uses_is_passed_over_and_the_default_route_is_not_a_use() -> None:
    id = str(uuid.uuid4())
    first = choose(id, None, None, in_use("0.0.0.0/0"), set())
    second = choose(id, None, None, in_use(first.cidr), set())
    assert first.cidr != second.cidr
    everything_usual = choose(id, None, None, in_use("10.0.0.0/8"), set())
    assert Network(everything_usual.cidr) in LAST
    with pytest.raises(Permanent, match="--network"):
        choose(id, None, None, in_use("10.0.0.0/8", "172.16.0.0/12"), set())


def test_a_wish_that_overlaps_is_refused_and_says_with_what() -> None:
    with pytest.raises(Permanent, match=r"10\.77\.0\.0/16 overlaps 10\.77\.4\.0/24 \(eth0\)"):
        choose("id", "10.77.0.0/16", None, in_use("10.77.4.0/24"), set())
    with pytest.raises(Permanent, match="interface mine0 already"):
        choose("id", None, "mine0", [], {"mine0"})


def test_its_own_bridge_is_no_conflict() -> None:
    used = in_use("10.77.0.0/16", interface="tb-1")
    assert conflicts("10.77.0.0/16", "tb-1", used) == []
    assert conflicts("10.77.0.0/16", "tb-2", used) == used


def test_candidates_do_not_overlap() -> None:
    networks = sorted((*USUAL, *LAST))
    assert all(not a.overlaps(b) for a, b in itertools.pairwise(networks))
