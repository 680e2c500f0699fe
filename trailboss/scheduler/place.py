"""Placement: a pure function of (snapshot, request) to a host with reasons, or to the reasons why none fits.

In: a `Cluster` and `Request`s. Out: `Placed` or `Waiting`. The search tries hosts in order of rank and stops
at the first that no constraint refuses; only when there is none it looks at every host, to give up soft rules
or to explain. The caller writes the decision and, in that transaction, asks `check` against the present
state. No clock, no randomness: equal input gives an equal answer, whatever the order of the hosts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import filterfalse

from trailboss.scheduler.cluster import Cluster
from trailboss.scheduler.filters import Constraint, constraints_of, unplaced_peers
from trailboss.scheduler.model import Placed, Refusal, Request, Waiting
from trailboss.scheduler.score import ranked


def place(cluster: Cluster, request: Request, *, spread: bool = True) -> Placed | Waiting:
    """Choose the host of one container; the snapshot stays as it is (see `Cluster.take`).

    spread: most free compute first; otherwise the fullest host that fits (setting simple.allocator.spread).
    """
    peers = unplaced_peers(cluster, request)
    if peers:
        names = ", ".join(peer.name for peer in peers)
        verb = "have" if len(peers) > 1 else "has"
        return Waiting(f"{names}, which it must run beside, {verb} no host yet", waits_for="peer")
    constraints = constraints_of(cluster, request)
    hard = [constraint for constraint in constraints if constraint.hard]
    soft = [constraint for constraint in constraints if not constraint.hard and not _is_hopeless(cluster, constraint)]
    host_id = next(_fitting(cluster, request, hard + soft, spread), None)
    if host_id is None and soft:
        # To drop unmet rules of the nearest host one by one, as the original does, ends at that host: no drop
        # brings another host closer than it.
        host_id = min(
            _fitting(cluster, request, hard, spread),
            key=lambda candidate: sum(one.refuses(candidate) for one in soft),
            default=None,
        )
    if host_id is None:
        return _explain(cluster, request, hard)
    return Placed(host_id, _reasons(cluster, request, constraints, spread, host_id))


def place_all(cluster: Cluster, requests: Sequence[Request], *, spread: bool = True) -> list[Placed | Waiting]:
    """Choose hosts for a batch, each request seeing those before it; answers in the order of the requests.

    A request that stands beside a later one of the batch is tried again after that one. The snapshot is used
    while this runs, and is as before when it returns.
    """
    decisions: dict[int, Placed | Waiting] = {}
    taken: list[str] = []
    waiting = list(range(len(requests)))
    try:
        while waiting:
            for number in waiting:
                request = requests[number]
                decision = decisions[number] = place(cluster, request, spread=spread)
                if isinstance(decision, Placed):
                    cluster.take(request, decision.host_id)
                    taken.append(request.uuid)
            before, waiting = waiting, [number for number in waiting if _waits_for_peer(decisions[number])]
            if waiting == before:
                break
    finally:
        for uuid in reversed(taken):
            cluster.release(uuid)
    return [decisions[number] for number in range(len(requests))]


def check(cluster: Cluster, request: Request, host_id: int) -> str | None:
    """Return why a decision no longer fits the present state, in words; None when it does.

    Soft rules do not count.
    """
    host = cluster.hosts.get(host_id)
    if host is None:
        return "the chosen host is gone"
    for constraint in constraints_of(cluster, request):
        if constraint.hard and constraint.refuses(host_id):
            return f"{host.name}: {constraint.explain(host)}"
    return None


def _waits_for_peer(decision: Placed | Waiting) -> bool:
    return isinstance(decision, Waiting) and decision.waits_for == "peer"


def _fitting(cluster: Cluster, request: Request, constraints: list[Constraint], spread: bool) -> Iterator[int]:
    """Return the hosts that meet all constraints, best first; each is found only when asked for."""
    few = min((one.only for one in constraints if isinstance(one.only, AbstractSet)), key=len)
    hosts: Iterator[int]
    # A few allowed hosts are sorted; many are walked until one fits, which takes about n/k steps for k of n.
    if len(few) ** 2 < len(cluster.ready):
        hosts = iter(ranked(((i, cluster.free[i]) for i in few if i in cluster.ready), spread=spread))
    else:
        hosts = cluster.ranking.walk(request.compute, spread=spread)
    for constraint in constraints:
        if constraint.only is not None:
            hosts = filter(constraint.only.__contains__, hosts)
        if constraint.never:
            hosts = filterfalse(constraint.never.__contains__, hosts)
    return hosts


def _is_hopeless(cluster: Cluster, constraint: Constraint) -> bool:
    """Tell whether a soft constraint refuses every host, so that it is given up without a search.

    That is common: the first container of a unit wishes to be beside its unit.
    """
    nowhere = isinstance(constraint.only, AbstractSet) and not constraint.only
    return nowhere or len(constraint.never) == len(cluster.hosts)


def _reasons(
    cluster: Cluster, request: Request, constraints: list[Constraint], spread: bool, host_id: int
) -> tuple[str, ...]:
    if host_id == request.requested_host_id:
        first = "it is the requested host"
    else:
        free = cluster.free[host_id]
        much = "no limit" if free is None else str(free)
        first = f"{'most' if spread else 'least'} compute free ({much}) of the hosts that fit best"
    wishes = [constraint for constraint in constraints if constraint.wish]
    met = [f"wants {wish.wish}" for wish in wishes if not wish.refuses(host_id)]
    unmet = [f"prefers {wish.wish}, which was given up" for wish in wishes if wish.refuses(host_id)]
    return (first, *met, *unmet)


def _explain(cluster: Cluster, request: Request, hard: list[Constraint]) -> Waiting:
    asked = request.allowed_host_ids or cluster.hosts.keys()
    hosts = [cluster.hosts[host_id] for host_id in sorted(asked) if host_id in cluster.hosts]
    if not hosts:
        gone = "the requested host is gone or not in this environment"
        return Waiting(gone if request.allowed_host_ids else "the environment has no hosts")
    refusals: list[Refusal] = []
    first: Counter[str] = Counter()
    for host in hosts:
        unmet = [constraint for constraint in hard if constraint.refuses(host.id)]
        first[unmet[0].refusal(host)] += 1
        refusals += [Refusal(host.id, host.name, one.filter, one.explain(host)) for one in unmet]
    if len(asked) == 1:
        reasons = "; ".join(refusal.reason for refusal in refusals)
        return Waiting(f"{hosts[0].name} cannot take it: {reasons}", tuple(refusals))
    counted = sorted(first.items(), key=lambda item: (-item[1], item[0]))
    groups = [f"{count} host{'s' if count > 1 else ''}: {words}" for words, count in counted]
    return Waiting(f"no host can take it: {'; '.join(groups)}", tuple(refusals))
