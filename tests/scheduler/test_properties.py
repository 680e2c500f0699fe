"""What must hold for every cluster and every batch, on random small ones where all rules meet often."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler.builders import AFFINITY
from trailboss.scheduler import (
    Cluster,
    ContainerView,
    HostView,
    Peer,
    Placed,
    Port,
    Request,
    VolumeBinding,
    check,
    place,
    place_all,
)
from trailboss.scheduler.affinity import rules_of
from trailboss.scheduler.filters import constraints_of

HOST_IDS = range(1, 6)
label_texts = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2)
pairs = st.builds("{}={}".format, st.sampled_from("ab"), st.sampled_from("12"))
published = st.builds(
    Port, st.sampled_from([0, 80, 81]), st.sampled_from(["tcp", "udp"]), st.sampled_from(["", "10.0.0.1"])
)
host_ids = st.frozensets(st.sampled_from(HOST_IDS), max_size=5)
suffixes = st.sampled_from(["", "_ne", "_soft", "_soft_ne"])
host_rules = st.dictionaries(suffixes.map(lambda s: f"{AFFINITY}host_label{s}"), pairs, max_size=2)
label_rules = st.dictionaries(suffixes.map(lambda s: f"{AFFINITY}container_label{s}"), pairs, max_size=2)
name_rules = st.dictionaries(
    suffixes.map(lambda s: f"{AFFINITY}container{s}"), st.sampled_from(["c1", "c2", "r0", "r1"]), max_size=1
)


@st.composite
def hosts(draw: st.DrawFn, ids: range = HOST_IDS, states: tuple[str, ...] = ("active", "inactive")) -> HostView:
    id = draw(st.sampled_from(ids))
    containers = [
        ContainerView(
            uuid=f"{id}-{number}",
            name=draw(st.sampled_from(["c1", "C2", "c3"])),
            labels=draw(label_texts),
            state=draw(st.sampled_from(["running", "stopped"])),
            is_leaving=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    return HostView(
        id=id,
        name=f"host-{id}",
        state=draw(st.sampled_from(states)),
        agent_state=draw(st.sampled_from(["active", "active", "active", "reconnecting", None])),
        kind=draw(st.sampled_from(["docker", "docker", "docker", "sim"])),
        labels=draw(label_texts),
        compute_free=draw(st.sampled_from([0, 1, 2, 3, 8, None])),
        ports=tuple(draw(st.lists(published, max_size=1))),
        containers=tuple(containers),
    )


snapshots = st.lists(hosts(states=("active", "active", "updating-active", "inactive")), unique_by=lambda h: h.id)


@st.composite
def requests(draw: st.DrawFn, number: int, *, pinned: bool = True) -> Request:
    labels = {**draw(label_texts), **draw(host_rules), **draw(label_rules), **draw(name_rules)}
    peer = Peer(f"request-{draw(st.integers(0, 4))}", "peer", "volumes")
    binding = VolumeBinding("data", draw(host_ids))
    return Request(
        uuid=f"request-{number}",
        name=f"r{number}",
        labels=labels,
        ports=tuple(draw(st.lists(published, max_size=1))),
        compute=draw(st.integers(0, 2)),
        image_kind=draw(st.sampled_from(["docker", "docker", "sim"])),
        requested_host_id=draw(st.sampled_from([None, None, None, *HOST_IDS])) if pinned else None,
        valid_host_ids=draw(st.one_of(st.just(frozenset()), host_ids)),
        colocate_with=(peer,) if peer.uuid != f"request-{number}" and draw(st.integers(0, 4)) == 0 else (),
        volumes=(binding,) if draw(st.integers(0, 4)) == 0 else (),
    )


@st.composite
def batches(draw: st.DrawFn, *, pinned: bool = True) -> list[Request]:
    return [draw(requests(number, pinned=pinned)) for number in range(draw(st.integers(1, 6)))]


def hard_only(request: Request) -> Request:
    return replace(request, labels={k: v for k, v in request.labels.items() if "_soft" not in k})


def by_the_book(cluster: Cluster, request: Request, spread: bool) -> int | None:
    """The algorithm as the original does it: try all; when none fits, drop one soft rule and start again."""
    sign = -1 if spread else 1

    def rank(id: int) -> tuple[bool, int, int]:
        free = cluster.free[id]
        return (free is None) is spread, sign * (free or 0), id

    constraints = constraints_of(cluster, request)
    while True:
        failed = {
            id: [constraint for constraint in constraints if constraint.refuses(id)]
            for id in sorted(cluster.hosts, key=rank)
        }
        for id, unmet in failed.items():
            if not unmet:
                return id
        nearest = min(failed.values(), key=lambda u: (sum(c.hard for c in u), len(u)), default=[])
        soft = [constraint for constraint in nearest if not constraint.hard]
        if not soft:
            return None
        constraints.remove(soft[-1])


@given(snapshots, batches(), st.booleans())
def test_no_host_gets_more_than_it_has_nor_a_port_twice(
    snapshot: list[HostView], batch: list[Request], spread: bool
) -> None:
    held: Counter[tuple[int, int, str, str]] = Counter()
    spent: Counter[int] = Counter()
    for request, outcome in zip(batch, place_all(Cluster(snapshot), batch, spread=spread), strict=True):
        if not isinstance(outcome, Placed):
            continue
        spent[outcome.host_id] += request.compute
        if request.requested_host_id is None:
            for one in request.ports:
                held[outcome.host_id, one.public, one.protocol, one.bind] += bool(one.public)
    assert all(count <= 1 for count in held.values())
    for host in snapshot:
        for one in host.ports:
            assert not held[host.id, one.public, one.protocol, one.bind]
        for (id, public, protocol, bind), count in held.items():
            if id == host.id and bind == "" and count:
                assert not held[id, public, protocol, "10.0.0.1"], "one on every address, one on a single one"
        if host.compute_free is not None and spent[host.id]:
            assert spent[host.id] <= host.compute_free


@given(snapshots, requests(0))
def test_hard_rules_hold_where_it_is_placed(snapshot: list[HostView], request: Request) -> None:
    outcome = place(Cluster(snapshot), request)
    if not isinstance(outcome, Placed):
        return
    host = next(host for host in snapshot if host.id == outcome.host_id)
    assert host.state in ("active", "updating-active") and host.agent_state in ("active", None)
    assert not request.allowed_host_ids or host.id in request.allowed_host_ids
    assert all(host.id in binding.host_ids for binding in request.volumes)
    assert request.image_kind == "docker" or host.kind == "sim"
    if request.requested_host_id is not None:
        return
    staying = [container for container in host.containers if not container.is_leaving]
    has = {
        "host_label": set(host.labels.items()),
        "container_label": {pair for container in staying for pair in container.labels.items()},
        "container": {("", container.name.lower()) for container in host.containers},
    }
    for rule in rules_of(request.labels):
        if rule.hard:
            assert ((rule.key, rule.value) in has[rule.subject]) is rule.wanted


@given(snapshots, requests(0), st.booleans())
def test_it_decides_as_the_algorithm_by_the_book(snapshot: list[HostView], request: Request, spread: bool) -> None:
    cluster = Cluster(snapshot)
    outcome = place(cluster, request, spread=spread)
    expected = by_the_book(cluster, request, spread)
    assert (outcome.host_id if isinstance(outcome, Placed) else None) == expected


@given(snapshots, requests(0), st.booleans(), st.integers(6, 60))
def test_in_a_large_cluster_too_it_decides_by_the_book(
    snapshot: list[HostView], request: Request, spread: bool, others: int
) -> None:
    """With more hosts the search takes its other way: it sorts the few that are allowed."""
    full = [HostView(id=10 + n, name="", labels={"a": "1"}, compute_free=n % 3) for n in range(others)]
    cluster = Cluster(snapshot + full)
    outcome = place(cluster, request, spread=spread)
    expected = by_the_book(cluster, request, spread)
    assert (outcome.host_id if isinstance(outcome, Placed) else None) == expected


@given(st.data(), snapshots, batches(), st.booleans())
def test_the_order_of_hosts_in_the_snapshot_does_not_matter(
    data: st.DataObject, snapshot: list[HostView], batch: list[Request], spread: bool
) -> None:
    shuffled = data.draw(st.permutations(snapshot))
    once = place_all(Cluster(snapshot), batch, spread=spread)
    assert place_all(Cluster(shuffled), batch, spread=spread) == once


@given(snapshots, batches())
def test_a_batch_leaves_every_index_as_it_was(snapshot: list[HostView], batch: list[Request]) -> None:
    used, fresh = Cluster(snapshot), Cluster(snapshot)
    place_all(used, batch)
    for name in ("free", "_labels", "_names", "_ports", "_containers"):
        assert getattr(used, name) == getattr(fresh, name), name
    for spread in (True, False):
        assert list(used.ranking.walk(0, spread=spread)) == list(fresh.ranking.walk(0, spread=spread))


@given(snapshots, hosts(ids=range(6, 7)), requests(0))
def test_another_host_never_makes_placeable_work_unplaceable(
    snapshot: list[HostView], another: HostView, request: Request
) -> None:
    # The first real host moves work off simulated ones: that rule alone may refuse more when a host is added.
    one_kind = [replace(host, kind="docker") for host in snapshot]
    before = place(Cluster(one_kind), replace(request, image_kind="docker"))
    more = Cluster([*one_kind, replace(another, kind="docker")])
    after = place(more, replace(request, image_kind="docker"))
    assert isinstance(after, Placed) or not isinstance(before, Placed)


@given(snapshots, requests(0))
def test_soft_rules_never_make_work_unplaceable(snapshot: list[HostView], request: Request) -> None:
    cluster = Cluster(snapshot)
    soft, hard = place(cluster, request), place(cluster, hard_only(request))
    assert isinstance(soft, Placed) is isinstance(hard, Placed)


@given(snapshots, requests(0))
def test_the_check_agrees_with_the_decision_and_every_refusing_host_has_its_reason(
    snapshot: list[HostView], request: Request
) -> None:
    cluster = Cluster(snapshot)
    outcome = place(cluster, request)
    if isinstance(outcome, Placed):
        assert check(cluster, request, outcome.host_id) is None
        return
    assert all(check(cluster, request, host.id) for host in snapshot)
    asked = request.allowed_host_ids or {host.id for host in snapshot}
    if outcome.waits_for == "room":
        told = {refusal.host_id for refusal in outcome.refusals}
        assert told == asked & {host.id for host in snapshot}


@given(snapshots, batches(pinned=False))
@settings(max_examples=50)
def test_equal_input_gives_equal_answers(snapshot: list[HostView], batch: list[Request]) -> None:
    assert place_all(Cluster(snapshot), batch) == place_all(Cluster(snapshot), batch)
