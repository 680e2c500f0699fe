"""One Docker Engine for the tests of the agent, and for each test a fresh server, network and agent on it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException
from docker.models.containers import Container

from tests.host.fake_server import TOKEN, FakeServer
from tests.lab import IMAGE, Lab, a_lab
from tests.waiting import eventually
from trailboss.wire.messages import LABEL_INSTALLATION, Network, Observation, Record, Specification, hash_of

ROOT = Path(__file__).parents[2]
_numbers = itertools.count(1)


class Host:
    """A host under test: engine, fake server, and an agent that can be killed and started again."""

    def __init__(self, lab: Lab, data: Path) -> None:
        self.lab, self.data = lab, data
        self.number = next(_numbers)
        self.prefix = f"10.{100 + self.number}"
        network = Network(f"tb{self.number}", f"tb{self.number}", f"{self.prefix}.0.0/16", f"{self.prefix}.0.1")
        self.server = FakeServer(lab.outside, network, f"installation-{self.number}")
        self.resolv_conf = data / "resolv.conf"
        self.resolv_conf.write_text("")
        self.log = data / "agent.log"
        self._agent: subprocess.Popen[bytes] | None = None
        self._addresses = itertools.count(1)

    def start_agent(self, **environment: str) -> None:
        """Start the agent on the lab's host."""
        arguments = (self.server.url, str(self.data / "agent"), self.lab.url, str(self.resolv_conf))
        command = self.lab.command(sys.executable, "-m", "tests.host.agent_main", *arguments)
        with self.log.open("ab") as log:
            self._agent = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "TRAILBOSS_TOKEN": TOKEN, **environment}
            )

    def end_agent(self, number: int = signal.SIGKILL) -> int:
        """End the agent by a signal; return its exit code."""
        assert self._agent is not None
        self._agent.send_signal(number)
        return self._agent.wait(30)

    def wait_for_agent(self, within: float = 30) -> int:
        """Wait until the agent has ended by itself; return its exit code."""
        assert self._agent is not None
        return self._agent.wait(within)

    def record(self, container: str, epoch: int = 1, desired: Any = "running", **more: Any) -> Record:
        """Return a record with good defaults; what is no field of a record belongs to its specification."""
        fields = {name: more.pop(name) for name in ("slot", "restart", "stop_timeout_s", "cause") if name in more}
        known = self.server.records.get(container)
        specification = known.specification if known is not None and known.specification is not None else None
        if specification is None or more:
            values: dict[str, Any] = {"image": IMAGE, **more}
            if values.get("network", "managed") == "managed":
                number = next(self._addresses)
                values.setdefault("address", f"{self.prefix}.{4 + number // 250}.{number % 250 + 1}")
            specification = Specification(**values)
        kept = {"slot": known.slot, "restart": known.restart} if known is not None else {"slot": container}
        return Record(
            container,
            epoch=epoch,
            desired=desired,
            hash=hash_of(specification),
            specification=None if desired == "removed" else specification,
            **{**kept, **fields},
        )

    def want(self, container: str, epoch: int = 1, desired: Any = "running", **more: Any) -> Record:
        """Tell the agent what is wanted of a container."""
        record = self.record(container, epoch, desired, **more)
        self.server.want(record)
        return record

    def until(self, container: str, state: str, epoch: int = 1, within: float = 20) -> Observation:
        """Wait until a state of a run was reported; return the report."""

        def reported() -> bool:
            seen = self.server.latest.get(container)
            return seen is not None and (seen.state, seen.epoch) == (state, epoch)

        eventually(reported, within, f"{container} is {state} in run {epoch}: {self.server.latest.get(container)}")
        return self.server.latest[container]

    def container(self, name: str) -> Container:
        """Return a container, by the independent observer."""
        return self.lab.docker.containers.get(name)

    def owned(self) -> dict[str, str]:
        """Return names and states of all containers of this installation."""
        filters = {"label": f"{LABEL_INSTALLATION}={self.server.installation}"}
        found = self.lab.docker.containers.list(all=True, filters=filters, ignore_removed=True)
        return {str(container.name): container.status for container in found}

    def close(self) -> None:
        """Take down the agent, the server, and what they made."""
        if self._agent is not None and self._agent.poll() is None:
            self._agent.kill()
            self._agent.wait(30)
        self.server.close()
        with suppress(DockerException):
            for container in self.lab.docker.containers.list(all=True, ignore_removed=True):
                container.remove(force=True, v=True)
            self.lab.docker.networks.prune()


@contextmanager
def a_host(lab: Lab, data: Path) -> Iterator[Host]:
    """A host with a connected agent; what the agent said is shown with a failure."""
    host = Host(lab, data)
    try:
        host.server.start()
        host.start_agent()
        eventually(lambda: host.server.hellos, what="the agent connects")
        yield host
    finally:
        host.close()
        if host.log.exists():
            print(host.log.read_text()[-6000:])


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One engine for all tests of this folder."""
    with a_lab() as lab:
        yield lab


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[Host]:
    """A host on the engine that all share."""
    with a_host(lab, tmp_path) as host:
        yield host
