"""Installations for the API's benchmarks: projects with so many containers, and the servers that show them.

The rows are stored before a server starts, as they are after they were created and stopped through the API: at rest, so
that nothing but the benchmark keeps the server busy.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from tests.server.serving import ROOT, WITH_US, ServerProcess, free_port
from tests.waiting import eventually
from trailboss.dispatch.simulated import Shape, register
from trailboss.resources.account import Project
from trailboss.resources.instance import Container
from trailboss.resources.seed import add_key, seed
from trailboss.resources.setting import Setting
from trailboss.store import migrations
from trailboss.store.store import Store
from trailboss.store.transaction import Tx

CONTAINER: dict[str, Any] = {
    "image_uuid": "docker:registry.example.com/shop/web:1.4.2",
    "command": ["serve", "--port", "8080"],
    "environment": {"LOG_LEVEL": "info", "DATABASE_HOST": "db", "DATABASE_PORT": "5432"},
    "labels": {"io.rancher.stack.name": "shop", "io.rancher.stack_service.name": "shop/web", "tier": "front"},
    "ports": ["8080:8080/tcp"],
    "network_mode": "managed",
    "restart_policy": {"name": "always"},
    "desired": "stopped",
    "state": "stopped",
}
BODY = '{"imageUuid": "docker:busybox", "startOnCreate": false, "labels": {"tier": "front"}}'
"""Of a request that creates a container: it comes to rest without a host."""
_AT_ONCE = 500


@dataclass(frozen=True)
class Fleet:
    """A project of an installation. key: access and secret key. first: number of its first container."""

    project: str
    key: tuple[str, str]
    first: int
    size: int

    @property
    def path(self) -> str:
        """Path of its containers."""
        return f"/v1/projects/{self.project}/containers"


def store_fleets(url: str, sizes: tuple[int, ...], simulated_hosts: int = 0) -> list[Fleet]:
    """Make an installation with a project for each size; the hosts belong to the first."""
    store = Store(url)
    migrations.upgrade(store.database)
    store.start()
    try:
        store.write(seed)
        fleets = [_fleet(store, size) for size in sizes]
        if simulated_hosts:
            store.write(lambda tx: tx.insert(Setting, name="simulator.enabled", value="true"))
            project = int(fleets[0].project[2:])
            store.write(lambda tx: [register(tx, project, Shape()) for _ in range(simulated_hosts)])
        return fleets
    finally:
        store.close()


def _fleet(store: Store, size: int) -> Fleet:
    def make(tx: Tx) -> tuple[int, tuple[str, str]]:
        project = tx.insert(Project, kind="project", name=f"{size} containers", state="active")
        return project.id, add_key(tx, project.id, "bench")

    project_id, key = store.write(make)
    numbers: list[int] = []
    for start in range(0, size, _AT_ONCE):
        count = min(_AT_ONCE, size - start)
        numbers += store.write(partial(_containers, project_id=project_id, start=start, count=count))
    return Fleet(f"1a{project_id}", key, min(numbers, default=0), size)


def _containers(tx: Tx, project_id: int, start: int, count: int) -> list[int]:
    names = [f"web-{number}" for number in range(start, start + count)]
    return [tx.insert(Container, **CONTAINER, account_id=project_id, name=name, hostname=name).id for name in names]


@contextmanager
def server(database: str, **environment: str) -> Iterator[str]:
    """Run a server on a database in a process of its own; yield its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="trailboss-bench-") as folder:
        listen = url.removeprefix("http://")
        process = ServerProcess(
            Path(folder), {"TRAILBOSS_DATABASE": database, "TRAILBOSS_LISTEN": listen, **environment}
        )
        try:
            process.ready(url)
            yield url
        finally:
            process.process.terminate()
            process.process.wait(timeout=60)


@contextmanager
def floor(database: str, size: int) -> Iterator[str]:
    """Run the floors (`floor.py`), which answer with that many bytes; yield their URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [*WITH_US, sys.executable, "-m", "bench.floor", database, str(port), str(size)]
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the floor has ended: {Path(log.name).read_text()}")
            return _answers(f"{url}/bare")

        try:
            eventually(answers, within=60, what="the floor answers")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False
