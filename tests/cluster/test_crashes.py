"""kill -9 of server, agent and Docker in the middle of a scale from 1 to 20: exactly 20 run afterwards.

Meanwhile a writer makes stacks; each one that was acknowledged must be there. One moment each here; the soak run
repeats them at many moments: a number of containers that Docker has when the kill comes.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import gdapi
import httpx2
import pytest

from tests.cluster.installation import Installation, an_installation
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.crash, pytest.mark.timeout(1800)]

SCALE = 20
SOAK_SEED = 20261125


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with an_installation(tmp_path_factory.mktemp("installation")) as installation:
        yield installation


def crash_server(it: Installation) -> None:
    it.server.kill()
    it.server.start()
    it.wait_until_ready()


def crash_agent(it: Installation) -> None:
    it.agent.kill()
    it.agent.start()


def crash_engine(it: Installation) -> None:
    it.lab.kill_engine()
    it.lab.start_engine()


CRASHES: dict[str, Callable[[Installation], None]] = {
    "server": crash_server,
    "agent": crash_agent,
    "engine": crash_engine,
}


class Writer:
    """Makes stacks as fast as they are acknowledged, and remembers which were."""

    def __init__(self, it: Installation, prefix: str) -> None:
        self.it, self.prefix = it, prefix
        self.acknowledged: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        number = 0
        keys = self.it.environment
        auth = (keys["RANCHER_ACCESS_KEY"], keys["RANCHER_SECRET_KEY"])
        while not self._stop.is_set():
            number += 1
            try:
                body = {"name": f"{self.prefix}-{number}"}
                answer = httpx2.post(f"{keys['RANCHER_URL']}/environments", json=body, auth=auth, timeout=10)
            except httpx2.HTTPError:
                self._stop.wait(0.05)
                continue
            if answer.status_code == 201:
                self.acknowledged.append(answer.json()["id"])
            self._stop.wait(0.02)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)


def crash_in_the_middle(it: Installation, what: str, at: int, name: str) -> None:
    """Scale from 1 to 20, crash when Docker has `at` of the containers, and check what is there afterwards."""
    service = it.a_service(name)
    with Writer(it, name) as writer:
        it.client.update(service, scale=SCALE)
        eventually(lambda: len(it.owned()) >= at, 120, f"{at} containers are there")
        CRASHES[what](it)
        it.wait_until_exact(service, SCALE)
    assert writer.acknowledged, "the writer wrote nothing"
    missing = [id for id in writer.acknowledged if it.client.by_id_environment(id) is None]
    assert not missing, f"acknowledged and not there: {missing}"
    stacks = [service.environmentId, *writer.acknowledged]
    for id in stacks:
        remove(it.client, id)
    eventually(lambda: not it.owned(), 180, "nothing is left in Docker")


def remove(client: gdapi.Client, stack_id: str) -> None:
    client._delete(client.by_id_environment(stack_id).links.self + "?purge=true")


@pytest.mark.parametrize(("what", "at"), [("server", 8), ("agent", 8), ("engine", 8)])
def test_a_crash_in_the_middle_of_a_scale_ends_in_exactly_what_was_asked_for(
    it: Installation, what: str, at: int
) -> None:
    crash_in_the_middle(it, what, at, f"crash-{what}")


@pytest.mark.soak
@pytest.mark.parametrize("what", list(CRASHES))
def test_crashes_at_many_moments_all_end_in_exactly_what_was_asked_for(tmp_path: Path, what: str) -> None:
    moments = random.Random(f"{SOAK_SEED}{what}").sample(range(1, SCALE + 1), 10)
    with an_installation(tmp_path) as it:
        for at in moments:
            crash_in_the_middle(it, what, at, f"soak-{what}-{at}")
