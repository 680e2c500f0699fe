"""A whole installation for tests: a server and an agent as processes of their own, on a lab's real Docker Engine.

    with an_installation(folder) as it:
        it.client                         the unmodified gdapi client, inside the first environment
        it.server, it.agent               processes: start(), kill() (as a crash does), stop()
        it.lab                            the host: its engine can be killed, too (tests/lab.py)
        it.owned()                        what Docker has of this installation, seen by docker-py

The server listens where the lab sees it; the agent runs in the lab's network, as on a host of its own.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gdapi
import httpx2

from tests.lab import IMAGE, Lab, a_lab
from tests.waiting import eventually

LABEL_INSTALLATION = "io.trailboss.installation"
LABEL_SLOT = "io.trailboss.slot"
STARTS_WITHIN_S = 60
CONVERGES_WITHIN_S = 180


class Process:
    """One command that can be started, killed and started again. Its output goes to a file."""

    def __init__(self, log: Path, command: list[str], environment: dict[str, str]) -> None:
        self.log, self.command, self.environment = log, command, environment
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; not twice."""
        assert self._running is None, "it runs already"
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=os.environ | self.environment, start_new_session=True
            )

    def end(self, number: int) -> None:
        """Send a signal and wait until the process is gone."""
        if self._running is not None:
            self._running.send_signal(number)
            self._running.wait(60)
            self._running = None

    def kill(self) -> None:
        """End it as a crash does: at once, with nothing put in order."""
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self.end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """Its number; it must run."""
        assert self._running is not None, "it does not run"
        return self._running.pid


class Installation:
    """Made by `an_installation`."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.folder, self.lab = folder, lab
        self.address = f"{lab.outside}:{_free_port(lab.outside)}"
        self.url = f"http://{self.address}"
        python = [sys.executable, "-m", "trailboss"]
        self.server = Process(
            folder / "server.log", [*python, "server", "--listen", self.address, "--data", str(folder / "server")], {}
        )
        agent = ["agent", "--server", self.url, "--data", str(folder / "agent"), "--docker", lab.url]
        self.agent = Process(folder / "agent.log", lab.command(*python, *agent), {})

    def open(self) -> None:
        """Start the server, register the host the ordinary way, start its agent, wait until the host is active."""
        self.server.start()
        self.wait_until_ready()
        self.agent.environment["TRAILBOSS_TOKEN"] = self._token()
        self.agent.start()
        eventually(
            lambda: [h for h in self.client.list_host() if h.state == "active" and h.agentState == "active"],
            STARTS_WITHIN_S,
            f"the host becomes active; see {self.folder}",
        )

    def wait_until_ready(self) -> None:
        """Wait until the server answers, and make a client."""
        eventually(self._is_ready, STARTS_WITHIN_S, f"the server is ready; see {self.server.log}")
        keys = dict(
            line.split("=", 1) for line in (self.folder / "server/first-credentials.env").read_text().splitlines()
        )
        self.environment = keys
        self.client = gdapi.Client(
            url=keys["RANCHER_URL"],
            access_key=keys["RANCHER_ACCESS_KEY"],
            secret_key=keys["RANCHER_SECRET_KEY"],
            cache=False,
        )

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False

    def _token(self) -> str:
        token = self.client.create_registrationToken()
        return str(eventually(lambda: self.client.reload(token).token, what="the registration token is made"))

    def close(self) -> None:
        """End agent and server; the lab ends the containers."""
        self.agent.kill()
        self.server.kill()

    # --- what is wanted and what is there ---------------------------------------------------------------------

    def a_service(self, stack: str, name: str = "web", scale: int = 1, **launch_config: Any) -> Any:
        """Create an active service in a stack of its own; return it when it is at its scale."""
        environment = self.wait_success(self.client.create_environment(name=stack))
        service = self.wait_success(
            self.client.create_service(
                name=name,
                environmentId=environment.id,
                scale=scale,
                launchConfig={"imageUuid": f"docker:{IMAGE}", **launch_config},
            )
        )
        return self.wait_success(service.activate())

    def wait_success(self, resource: Any, within: float = CONVERGES_WITHIN_S) -> Any:
        """Wait until a resource's transition has ended well; return it as it is then."""
        seen: list[Any] = [resource]

        def settled() -> bool:
            seen[0] = self.client.reload(resource)
            return bool(seen[0].transitioning != "yes")

        eventually(settled, within, f"{resource.type} {resource.name} settles; see {self.folder}")
        assert seen[0].transitioning == "no", seen[0].transitioningMessage
        return seen[0]

    def owned(self, *, running: bool = False) -> list[Any]:
        """The containers in Docker that carry this installation's label."""
        chosen: dict[str, Any] = {"label": f"{LABEL_INSTALLATION}={self.id}"}
        return list(self.lab.docker.containers.list(all=not running, filters=chosen, ignore_removed=True))

    @property
    def id(self) -> str:
        """The installation's id."""
        return (self.folder / "server/installation-id").read_text().strip()

    def wait_until_exact(self, service: Any, scale: int, within: float = CONVERGES_WITHIN_S) -> None:
        """Wait until a service is at rest with exactly so many containers, in the API and in Docker alike."""

        def is_exact() -> bool:
            now = self.client.reload(service)
            listed = [c for c in now.instances().data if c.state == "running"]
            return bool(
                now.state == "active"
                and now.scale == scale
                and len(listed) == scale
                and {c.uuid for c in listed} == {c.name for c in self.owned(running=True)}
            )

        eventually(is_exact, within, f"{service.name} has exactly {scale}: {self.summary(service)}")
        slots = Counter(c.labels[LABEL_SLOT] for c in self.owned(running=True))
        assert len(slots) == scale, f"two containers in one slot: {slots}"

    def summary(self, service: Any) -> str:
        """What a failed wait should say."""
        now = self.client.reload(service)
        states = Counter(c.state for c in now.instances().data)
        return f"{now.state} {now.transitioningMessage} {dict(states)}, Docker: {len(self.owned())}; see {self.folder}"


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def an_installation(folder: Path) -> Iterator[Installation]:
    """Give an installation with one real host for the time of the block."""
    with a_lab() as lab:
        installation = Installation(folder, lab)
        try:
            installation.open()
            yield installation
        finally:
            installation.close()
