"""How many placements a second the scheduler decides on one core, and whether it slows down as the fleet
fills.

A placement is one decision, one check at commit and the change of the snapshot. The requests are mixed: units
that keep together, replicas that avoid one another, host labels hard and soft, public ports. The floor is
what the simplest scheduler must do: a min() over the hosts by their load. All rounds are interleaved, and
each figure is the median of its rounds, so that a drift of the machine meets all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

from bench.rows import Options, Row, row
from trailboss.scheduler import Cluster, HostView, Placed, Port, Request, Waiting, check, place

AFFINITY = "io.rancher.scheduler.affinity:"
UNIT = "io.rancher.service.deployment.unit"
SERVICE = "io.rancher.stack_service.name"
ROUNDS = 7


def run(options: Options) -> list[Row]:
    """Measure clusters of 100 and 1,000 hosts, empty and with 10,000 containers."""
    fleets = [(10, 100)] if options.quick else [(100, 10_000), (1_000, 10_000)]
    return [one for hosts, containers in fleets for one in measure(hosts, containers)]


def measure(hosts: int, containers: int) -> Iterator[Row]:
    """Yield the rows of one size of fleet."""
    empty, filled = a_fleet(hosts), a_fleet(hosts)
    place_batch(filled, list(requests(0, containers)))
    batch = list(requests(containers, max(hosts // 2, 20)))
    loads = list(filled.free.items())
    nowhere = Request("nowhere", labels={f"{AFFINITY}host_label": "zone=none"})
    cases: dict[str, Callable[[], int]] = {
        "empty": lambda: place_batch(empty, batch),
        "filled": lambda: place_batch(filled, batch),
        "floor": lambda: least_loaded(loads, len(batch)),
        "refused": lambda: refuse(filled, nowhere, 20),
    }
    undo = {"empty": empty, "filled": filled}
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, case in cases.items():
            started = time.perf_counter()
            count = case()
            rates[name].append(count / (time.perf_counter() - started))
            for request in batch if name in undo else ():
                undo[name].release(request.uuid)
    of = {name: median(rounds) for name, rounds in rates.items()}
    size = f"{hosts:,} hosts"
    full = f"{size}, {containers:,} containers"
    floor = ("min() over the hosts", of["floor"])
    yield row(f"{size}, empty", of["empty"], "placements/s", peer=floor)
    yield row(full, of["filled"], "placements/s", peer=floor)
    yield row(f"{full}: flat", of["filled"], "placements/s", peer=("empty", of["empty"]), goal=">= 0.8")
    yield row(f"{full}: aim", of["filled"], "placements/s", goal=">= 2000")
    yield row(f"{full}: none fits", of["refused"], "refusals/s", peer=floor)


def a_fleet(hosts: int) -> Cluster:
    """Return hosts in four zones, half of them with fast disks."""
    return Cluster(
        HostView(
            id=n,
            name=f"host-{n}",
            kind="sim",
            labels={"zone": f"z{n % 4}", "disk": "ssd" if n % 2 else "hdd"},
        )
        for n in range(1, hosts + 1)
    )


def requests(first: int, count: int) -> Iterator[Request]:
    """Yield a fixed mix of requests, numbered from `first`: services of ten containers, units of two."""
    for n in range(first, first + count):
        unit = f"unit-{n // 2}"
        labels = {
            "io.rancher.stack.name": f"stack-{n // 50}",
            SERVICE: f"stack-{n // 50}/service-{n // 10}",
            UNIT: unit,
            f"{AFFINITY}container_label_soft": f"{UNIT}={unit}",
        }
        ports: tuple[Port, ...] = ()
        match n // 10 % 5:
            case 1:
                ports = (Port(8000 + n // 50 % 25),)
            case 2:
                labels[f"{AFFINITY}host_label"] = f"zone=z{n // 50 % 4}"
            case 3:
                own = "${stack_name}/${service_name}"
                labels[f"{AFFINITY}container_label_soft_ne"] = f"{SERVICE}={own}"
            case 4:
                labels[f"{AFFINITY}host_label_soft"] = "disk=ssd"
                labels[f"{AFFINITY}container_ne"] = f"container-{n - 7}"
        yield Request(f"uuid-{n}", f"container-{n}", labels, ports=ports)


def place_batch(cluster: Cluster, batch: list[Request]) -> int:
    """Decide, check and place each request; return how many. RuntimeError if one does not fit: the mix
    must."""
    for request in batch:
        decision = place(cluster, request)
        if not isinstance(decision, Placed):
            raise RuntimeError(f"{request.name}: {decision.because}")
        refusal = check(cluster, request, decision.host_id)
        if refusal:
            raise RuntimeError(f"{request.name}: {refusal}")
        cluster.take(request, decision.host_id)
    return len(batch)


def refuse(cluster: Cluster, request: Request, times: int) -> int:
    """Ask for what no host can give; return how often."""
    for _ in range(times):
        decision = place(cluster, request)
        if not isinstance(decision, Waiting) or len(decision.refusals) != len(cluster.hosts):
            raise RuntimeError("every host should refuse this request, and say why")
    return times


def least_loaded(loads: list[tuple[int, int | None]], times: int) -> int:
    """Do what no scheduler without an index can do less of: look at the load of each host."""
    for _ in range(times):
        min(loads, key=lambda load: load[1] or 0)
    return times
