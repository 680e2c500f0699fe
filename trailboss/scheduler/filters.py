"""Who refuses a container, and in which words: one small function per filter, asked in order.

In: a `Cluster` and a `Request`. Out: `Constraint`s, each a set of hosts that alone may have the container, or
of hosts that may not, with the words for a refusal. One value serves the search, the explanation and the
check at commit, so they cannot disagree. A filter that has nothing to say of a request yields no constraint.
Critical filters always apply; the others are skipped for a request that is pinned to a host, as in the
original. Not here: the account (a snapshot is of one environment) and subnets (decided with the address).
Next: `place.py` takes the first host that no hard constraint refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from trailboss.scheduler.affinity import Rule, rules_of
from trailboss.scheduler.cluster import Cluster
from trailboss.scheduler.model import HostView, Kind, Peer, Port, Request


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition on the host, by the filter that sets it.

    only: hosts that meet it, None for all but `never`. refusal: said of a host that does not, after its name;
    equal refusals are counted together. detail: the same with what is special to one host. wish: what the
    request wants, for the reasons of a placement; "" when that goes without saying.
    """

    filter: str
    refusal: Callable[[HostView], str]
    only: Container[int] | None = None
    never: AbstractSet[int] = frozenset()
    hard: bool = True
    wish: str = ""
    detail: Callable[[HostView], str] | None = None

    def refuses(self, host_id: int) -> bool:
        """Tell whether the host does not meet it."""
        return host_id in self.never or (self.only is not None and host_id not in self.only)

    def explain(self, host: HostView) -> str:
        """Return the full words about one host that is refused."""
        return self.detail(host) if self.detail else self.refusal(host)


def _words(text: str) -> Callable[[HostView], str]:
    return lambda host: text


def _state(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    yield Constraint("state", lambda host: f"not active ({host.inactivity})", only=cluster.ready)


def _valid_host(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    if request.allowed_host_ids:
        yield Constraint("valid host", _words("not asked for"), only=request.allowed_host_ids)


def _kind(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    if request.image_kind == "sim":
        text = "not simulated, as a sim: image needs"
        yield Constraint("kind", _words(text), only=cluster.kinds["sim"])
    elif cluster.has_active_real_host and request.requested_host_id not in cluster.kinds["sim"]:
        text = "simulated, and the environment has real hosts"
        yield Constraint("kind", _words(text), only=cluster.kinds["docker"])


def _storage(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    yield Constraint("storage", _words("has no active storage pool"), only=cluster.stored)


def _volumes(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    for binding in request.volumes:
        text = f"cannot mount volume {binding.volume}"
        yield Constraint("volumes", _words(text), only=binding.host_ids)


@dataclass(frozen=True, slots=True)
class _Roomy:
    """The hosts with at least `compute` free, asked one by one: to list them would cost more than the
    search."""

    free: Mapping[int, int | None]
    compute: int

    def __contains__(self, host_id: object) -> bool:
        free = self.free[host_id]  # type: ignore[index]
        return free is None or free >= self.compute


def _compute(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    yield Constraint(
        "compute",
        _words(f"not enough compute free (needs {request.compute})"),
        only=_Roomy(cluster.free, request.compute),
        detail=lambda host: f"needs compute {request.compute} and has {cluster.free[host.id]} free",
    )


def _ports(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    for port in request.ports:
        if port.public:
            yield _port(cluster, port)


def _port(cluster: Cluster, port: Port) -> Constraint:
    text = f"port {port} is taken"

    def detail(host: HostView) -> str:
        name = cluster.holder(port, host.id)
        return f"{text} by {name}" if name else text

    return Constraint("ports", _words(text), never=cluster.holding(port), detail=detail)


def _engine(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    """A wish only: an engine that starts anew is back in a moment, and there may be no other host."""
    if cluster.without_engine:
        text = "Docker does not work there now"
        yield Constraint(
            "engine", _words(text), never=cluster.without_engine, hard=False, wish="a host whose Docker works"
        )


def _affinity(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    for rule in rules_of(request.labels, request.environment):
        yield _rule(cluster, rule)


def _rule(cluster: Cluster, rule: Rule) -> Constraint:
    name, refusal, hosts = rule.subject.replace("_", " "), _words(rule.refusal), _hosts_of(cluster, rule)
    if rule.wanted:
        return Constraint(name, refusal, only=hosts, hard=rule.hard, wish=rule.wish)
    return Constraint(name, refusal, never=hosts, hard=rule.hard, wish=rule.wish)


def _hosts_of(cluster: Cluster, rule: Rule) -> AbstractSet[int]:
    if rule.subject == "host_label":
        return cluster.with_host_label(rule.key, rule.value)
    if rule.subject == "container_label":
        return cluster.with_container_label(rule.key, rule.value)
    return cluster.with_container(rule.value)


def _colocation(cluster: Cluster, request: Request) -> Iterator[Constraint]:
    for peer in request.colocate_with:
        host_id = host_of_peer(cluster, peer)
        # The search never gets here with a peer that has no host; the check at commit may, and then refuses.
        only = frozenset() if host_id is None else frozenset({host_id})
        wish = f"the host of {peer.name}, whose {peer.shares} it shares"
        yield Constraint("colocation", _words(f"not {wish}"), only=only, wish=wish)


CRITICAL = (_state, _valid_host, _kind, _storage, _volumes, _compute)
"""The filters that always apply, in the order in which they are asked."""
RELAXED = (_ports, _engine, _affinity, _colocation)
"""The filters that a request pinned to a host is spared."""


def constraints_of(cluster: Cluster, request: Request) -> list[Constraint]:
    """Return all that the request asks of its host, in the order of the filters."""
    filters = CRITICAL if request.requested_host_id is not None else CRITICAL + RELAXED
    return [constraint for one in filters for constraint in one(cluster, request)]


def unplaced_peers(cluster: Cluster, request: Request) -> list[Peer]:
    """Return the containers that the request must stand beside and that have no host yet."""
    if request.requested_host_id is not None:
        return []
    return [peer for peer in request.colocate_with if host_of_peer(cluster, peer) is None]


def host_of_peer(cluster: Cluster, peer: Peer) -> int | None:
    """Return where a peer stands; what the request says goes before the snapshot."""
    return peer.host_id if peer.host_id is not None else cluster.host_of(peer.uuid)


def reads_containers(request: Request) -> bool:
    """Tell whether the snapshot must show the containers of hosts; else `HostView.ports` is enough."""
    if request.requested_host_id is not None:
        return False
    rules = rules_of(request.labels, request.environment)
    peers = any(peer.host_id is None for peer in request.colocate_with)
    return peers or any(rule.subject != "host_label" for rule in rules)


def hosts_for_global(cluster: Cluster, labels: Mapping[str, str], image_kind: Kind = "docker") -> list[int]:
    """Return, by id, the hosts that run one unit each of a global service with these labels.

    Only host-label rules choose, soft ones as if they were hard; ports, compute and other containers play no
    role.
    """
    rules = [rule for rule in rules_of(labels) if rule.subject == "host_label"]
    constraints = [_rule(cluster, rule) for rule in rules]
    constraints += _kind(cluster, Request(uuid="", image_kind=image_kind))
    return [
        host_id
        for host_id in sorted(cluster.ready)
        if not any(constraint.refuses(host_id) for constraint in constraints)
    ]
