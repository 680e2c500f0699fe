"""How long until a container runs: through Trailboss, and straight through Docker's API, in the same run.

Both make the same container (image, network, fixed address) on the same engine with the same number of workers; a
worker starts its next container when its last one runs. Through Trailboss a container counts as running when the change
stream of the API says so. Runs of both alternate; figures are medians over the runs, the spread is their smallest and
largest.
Also: memory of server and agent (resident, from /proc) while 100 containers run.
Needs root and what the tests on real Docker need (scripts/test installs it).
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from docker.types import EndpointConfig

from bench.rows import Options, Row, row
from tests.cluster.installation import LABEL_INSTALLATION, Installation, an_installation
from tests.lab import IMAGE
from tests.waiting import eventually
from trailboss.client import Client
from trailboss.client.changes import Changes
from trailboss.client.types import Container

WORKERS = 8
RUNS = {1: 15, 20: 5, 100: 5}
"""How often, by how many containers; a single one varies most from run to run."""


@dataclass(frozen=True)
class Figures:
    """One run. each: seconds of each container. total: seconds until all ran."""

    each: list[float]
    total: float

    @property
    def median(self) -> float:
        """Seconds of the container in the middle."""
        return statistics.median(self.each)


def run(options: Options) -> list[Row]:
    """Measure every size; return its rows, and those of memory."""
    sizes = {1: 1, 5: 1} if options.quick else RUNS
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder, an_installation(Path(folder)) as it:
        platform, engine = Platform(it), Engine(it)
        platform.warm_up()
        for size, runs in sizes.items():
            ours, theirs = [], []
            for number in range(runs):
                ours.append(platform.start(size, f"b{size}-{number}", keep=(size == max(sizes) and number == runs - 1)))
                theirs.append(engine.start(size, f"d{size}-{number}"))
            rows += _rows(size, ours, theirs)
        rows += _memory(it, max(sizes))
        platform.clear()
    return rows


def _rows(size: int, ours: list[Figures], theirs: list[Figures]) -> list[Row]:
    overheads = [(a.median - b.median) * 1000 for a, b in zip(ours, theirs, strict=True)]
    ratios = [a.total / b.total for a, b in zip(ours, theirs, strict=True)]
    spread = f"{min(overheads):.0f} to {max(overheads):.0f} ms, total {min(ratios):.2f} to {max(ratios):.2f}"
    name = f"{size} container{'s' * (size > 1)}"
    return [
        row(f"{name}: median overhead ({spread})", statistics.median(overheads), "ms", goal="<= 100"),
        row(
            f"{name}: total time",
            statistics.median(a.total for a in ours) * 1000,
            "ms",
            peer=("Docker's API", statistics.median(b.total for b in theirs) * 1000),
            goal="<= 1.2",
        ),
    ]


def _work(size: int, start: Callable[[int], None]) -> Figures:
    """Let the workers start `size` containers."""

    def timed(number: int) -> float:
        began = time.perf_counter()
        start(number)
        return time.perf_counter() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(min(size, WORKERS)) as pool:
        each = list(pool.map(timed, range(size)))
    return Figures(each, time.perf_counter() - began)


class Platform:
    """Containers through the v1 API; that they run is heard on its change stream."""

    def __init__(self, it: Installation) -> None:
        keys = it.environment
        self.it = it
        self.client = Client(keys["RANCHER_URL"], keys["RANCHER_ACCESS_KEY"], keys["RANCHER_SECRET_KEY"], timeout_s=60)

    def warm_up(self) -> None:
        """Start one container, so that network and connections are there."""
        self.start(1, "warm", keep=False)

    def start(self, size: int, prefix: str, *, keep: bool) -> Figures:
        """Start containers and take them away again."""
        runs = {f"{prefix}-{number}": threading.Event() for number in range(size)}
        with self.client.subscribe("container") as changes:
            threading.Thread(target=_hear, args=(changes, runs), daemon=True).start()
            figures = _work(size, lambda number: self._start(f"{prefix}-{number}", runs))
        if not keep:
            self.clear()
        return figures

    def _start(self, name: str, runs: dict[str, threading.Event]) -> None:
        self.client.containers.create(Container(name=name, image_uuid=f"docker:{IMAGE}"))
        assert runs[name].wait(120), f"{name} does not run"

    def clear(self) -> None:
        """Remove every container, also from Docker."""
        for container in self.client.containers.each():
            self.client.delete(container, purge=True)
        eventually(lambda: not self.it.owned(), 120, "the containers are purged")


def _hear(changes: Changes, runs: dict[str, threading.Event]) -> None:
    """Wake who waits for a container that runs, until all of them do."""
    for change in changes:
        container = change.resource
        if isinstance(container, Container) and container.state == "running" and container.name in runs:
            runs[container.name].set()
            if all(event.is_set() for event in runs.values()):
                return


class Engine:
    """The same containers straight through Docker's API: same image, network, labels; addresses from the end."""

    def __init__(self, it: Installation) -> None:
        self.it = it
        self.api = it.lab.docker.api

    def start(self, size: int, prefix: str) -> Figures:
        """Start containers and take them away again."""
        managed = self.it.lab.docker.networks.list(filters={"label": f"{LABEL_INSTALLATION}={self.it.id}"})[0]
        range_ = IPv4Network(managed.attrs["IPAM"]["Config"][0]["Subnet"])

        def start(number: int) -> None:
            address = str(range_[-2 - number])
            # a dict, whatever the stubs say
            endpoints: Any = {managed.name: EndpointConfig("1.41", ipv4_address=address)}
            made = self.api.create_container(
                IMAGE,
                name=f"{prefix}-{number}",
                labels={"bench": "1"},
                host_config=self.api.create_host_config(network_mode=managed.name, dns=[str(range_[1])]),
                networking_config=self.api.create_networking_config(endpoints),
            )
            self.api.start(made)

        try:
            return _work(size, start)
        finally:
            for container in self.it.lab.docker.containers.list(all=True, filters={"label": "bench"}):
                container.remove(force=True)


def _memory(it: Installation, size: int) -> list[Row]:
    rows = []
    for name, pid, goal in (("server", it.server.pid, "<= 150"), ("agent", it.agent.pid, "<= 60")):
        status = Path(f"/proc/{pid}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        rows.append(row(f"memory of the {name}, {size} containers", int(resident.split()[1]) / 1024, "MiB", goal=goal))
    return rows
