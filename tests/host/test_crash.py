"""Agent, engine and server die at any moment: it goes on by itself, nothing is doubled, nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.host.conftest import Host, a_host
from tests.lab import Lab, a_lab
from tests.waiting import eventually
from trailboss.agent.leftovers import processes_of

pytestmark = pytest.mark.docker


@pytest.fixture
def breakable(tmp_path: Path) -> Iterator[Host]:
    """A host on an engine of its own, which the test may kill."""
    with a_lab() as lab, a_host(lab, tmp_path) as host:
        yield host


def starts(host: Host, container: str) -> str:
    """When a container was started last."""
    return str(host.container(container).attrs["State"]["StartedAt"])


def command_line(pid: int) -> str:
    """The command line of a process; "" if it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def test_a_killed_agent_finds_its_containers_again_and_restarts_none(host: Host) -> None:
    for number in range(3):
        host.want(f"c-{number}")
        host.until(f"c-{number}", "running")
    before = {name: starts(host, name) for name in host.owned()}
    host.end_agent()
    host.container("c-0").kill()
    host.container("c-1").remove(force=True)
    host.server.latest.clear()
    host.start_agent()
    assert host.until("c-0", "exited").exit_code == 137
    host.until("c-1", "removed")
    host.until("c-2", "running")
    assert host.owned() == {"c-0": "exited", "c-2": "running"}
    assert {name: starts(host, name) for name in host.owned()} == {n: before[n] for n in ("c-0", "c-2")}


def test_the_run_is_still_known_after_many_restarts_and_a_crash(host: Host) -> None:
    for epoch in (1, 2, 3):
        host.want("c-runs", epoch=epoch)
        host.until("c-runs", "running", epoch=epoch)
    before = starts(host, "c-runs")
    host.end_agent()
    host.server.latest.clear()
    host.start_agent()
    host.until("c-runs", "running", epoch=3)
    assert starts(host, "c-runs") == before


@pytest.mark.parametrize("delay_s", [0.05, 0.3, 0.7, 1.2])
def test_an_agent_killed_while_it_starts_many_containers_starts_each_once(host: Host, delay_s: float) -> None:
    names = [f"c-{number}" for number in range(8)]
    host.server.want(*[host.record(name) for name in names])
    threading.Event().wait(delay_s)
    host.end_agent()
    host.server.latest.clear()
    host.start_agent()
    for name in names:
        host.until(name, "running", within=60)
    assert host.owned() == dict.fromkeys(names, "running")
    assert host.lab.docker.info()["ContainersRunning"] == len(names)


def test_an_agent_ended_by_sigterm_leaves_its_containers(host: Host) -> None:
    host.want("c-stays")
    host.until("c-stays", "running")
    assert host.end_agent(signal.SIGTERM) == 0
    assert host.owned() == {"c-stays": "running"}


def test_an_agent_whose_disk_was_lost_destroys_nothing(host: Host) -> None:
    host.want("c-kept")
    host.until("c-kept", "running")
    before = starts(host, "c-kept")
    host.end_agent()
    for name in ("runs.json", "wishes.json"):
        (host.data / "agent" / name).unlink()
    host.server.latest.clear()
    host.start_agent()
    host.until("c-kept", "running")
    assert starts(host, "c-kept") == before


@pytest.mark.crash
def test_a_killed_engine_is_reported_and_its_containers_with_it(breakable: Host) -> None:
    host = breakable
    host.want("c-0")
    host.want("c-1")
    host.until("c-0", "running")
    host.until("c-1", "running")
    host.lab.kill_engine()
    said = eventually(lambda: host.server.engine[-1], what="the agent says that Docker does not answer")
    assert said.startswith("Docker does not answer: ") and "ssl" not in said
    host.want("c-1", desired="stopped")
    host.want("c-2")
    host.lab.start_engine()
    eventually(lambda: host.server.engine[-1] == "", what="the agent says that Docker is back")
    host.until("c-0", "exited")
    host.until("c-1", "exited")
    host.until("c-2", "running")
    host.want("c-0", epoch=2)
    host.until("c-0", "running", epoch=2)
    assert host.owned() == {"c-0": "running", "c-1": "exited", "c-2": "running"}


@pytest.mark.crash
@pytest.mark.parametrize("delay_s", [0.2, 0.5, 0.8])
def test_an_engine_killed_while_it_starts_many_containers(breakable: Host, delay_s: float) -> None:
    """The server does what the real one does: a run that ended is followed by the next."""
    host = breakable
    host.want("c-first")
    host.until("c-first", "running")
    names = ["c-first", *(f"c-{number}" for number in range(8))]
    host.server.want(*[host.record(name) for name in names[1:]])
    threading.Event().wait(delay_s)
    host.lab.kill_engine()
    host.lab.start_engine()

    def all_run() -> bool:
        for name in names:
            seen = host.server.latest.get(name)
            epoch = host.server.records[name].epoch
            if seen is not None and seen.epoch == epoch and seen.state in ("exited", "failed", "removed"):
                host.want(name, epoch=epoch + 1)
        return all(
            name in host.server.latest and host.server.latest[name].state == "running" for name in names
        ) and set(host.owned().values()) == {"running"}

    eventually(all_run, 90, "all containers run after the engine was killed")
    assert host.owned() == dict.fromkeys(names, "running")
    ids = {str(host.container(name).id) for name in names}
    shells = [pid for pid, name in processes_of(ids).items() if "/serve" in command_line(pid)]
    assert len(shells) == len(names), "no process runs beside those that Docker knows"


def test_with_the_server_away_ended_containers_are_restarted_and_counted(host: Host) -> None:
    host.want("c-served", restart=True)
    host.want("c-plain")
    host.until("c-served", "running")
    host.until("c-plain", "running")
    host.server.stop()
    host.container("c-served").kill()
    host.container("c-plain").kill()
    eventually(lambda: host.owned()["c-served"] == "running", 30, "the agent restarts a service's container")
    host.container("c-served").kill()
    eventually(lambda: host.owned()["c-served"] == "running", 30, "and again, after a pause")
    assert host.owned()["c-plain"] == "exited"
    host.server.latest.clear()
    host.server.start()
    assert host.until("c-served", "running").restarts == 2
    host.until("c-plain", "exited")


def test_with_the_server_there_an_ended_container_is_left_to_it(host: Host) -> None:
    host.want("c-served", restart=True)
    host.until("c-served", "running")
    host.container("c-served").kill()
    host.until("c-served", "exited")
    host.want("c-next")
    host.until("c-next", "running")
    assert host.owned()["c-served"] == "exited"


def test_what_happened_while_the_server_was_away_is_in_the_next_hello(host: Host) -> None:
    host.want("c-a")
    host.want("c-b")
    host.until("c-a", "running")
    host.until("c-b", "running")
    host.server.stop()
    host.container("c-a").remove(force=True)
    host.server.records["c-b"] = host.record("c-b", desired="stopped")
    connections = len(host.server.hellos)
    host.server.start()
    eventually(lambda: len(host.server.hellos) > connections)
    states = {seen.container: seen.state for seen in host.server.hellos[-1].inventory}
    assert states == {"c-a": "removed", "c-b": "running"}
    host.until("c-b", "exited")


def test_a_restored_database_restarts_nothing(host: Host) -> None:
    """The epochs of another incarnation may be lower; what runs is what is wanted."""
    host.want("c-kept", epoch=7)
    host.until("c-kept", "running", epoch=7)
    before = starts(host, "c-kept")
    host.server.stop()
    host.server.incarnation = 2
    host.server.records["c-kept"] = host.record("c-kept", epoch=5)
    host.server.start()
    host.until("c-kept", "running", epoch=5)
    assert starts(host, "c-kept") == before
    host.server.incarnation = 1
    host.want("c-kept", epoch=9, desired="removed")
    host.server.incarnation = 2
    host.want("c-after")
    host.until("c-after", "running")
    assert host.owned() == {"c-kept": "running", "c-after": "running"}


def test_an_agent_that_was_removed_ends_with_a_sentence(host: Host) -> None:
    host.want("c-stays")
    host.until("c-stays", "running")
    host.server.stop()
    host.server.refuses_keys = True
    host.server.start()
    assert host.wait_for_agent(60) != 0
    assert "its host was removed" in host.log.read_text()
    assert host.owned() == {"c-stays": "running"}


def test_registering_again_gives_the_same_agent(host: Host) -> None:
    host.end_agent()
    host.start_agent()
    eventually(lambda: len(host.server.hellos) == 2)
    assert len(host.server.registrations) == 1
    assert host.server.hellos[0].host.uuid == host.server.hellos[1].host.uuid
    identity = host.data / "agent" / "identity.json"
    assert identity.stat().st_mode & 0o777 == 0o600


def test_a_wrong_token_is_refused_with_a_sentence(lab: Lab, tmp_path: Path) -> None:
    host = Host(lab, tmp_path)
    try:
        host.server.start()
        host.start_agent(TRAILBOSS_TOKEN="wrong")
        assert host.wait_for_agent() != 0
        assert "refuses the registration token" in host.log.read_text()
    finally:
        host.close()


def test_a_full_disk_of_the_agent_is_told_in_words_and_lived_through(host: Host) -> None:
    host.end_agent()
    folder = host.data / "agent"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    try:
        host.start_agent()
        eventually(lambda: len(host.server.hellos) > 1, what="the agent connects")
        host.want("c-before")
        host.until("c-before", "running")
        # a page for the file that is written beside: what is to be kept grows beyond it
        room = os.statvfs(folder).f_bavail * 4096 - 4096
        (folder / "filler").write_bytes(b"x" * room)
        host.want("c-waits", environment={"LONG": "x" * 10_000})
        eventually(lambda: "No space left on device" in host.log.read_text(), what="the log says what is missing")
        assert host.container("c-before").status == "running"
        (folder / "filler").unlink()
        host.until("c-waits", "running")
    finally:
        host.end_agent()
        subprocess.run(["umount", str(folder)], check=True)


def test_two_agents_do_not_share_a_folder(host: Host) -> None:
    first = host._agent
    host.start_agent()
    assert host.wait_for_agent() != 0
    assert "another agent uses the folder" in host.log.read_text()
    host._agent = first
    host.want("c-on")
    host.until("c-on", "running")


def test_heartbeats_and_facts_are_sent(host: Host) -> None:
    host.want("c-x")
    host.until("c-x", "running")
    eventually(lambda: host.server.heartbeats and host.server.heartbeats[-1].applied >= 1)
    facts = host.server.hellos[0].host
    assert facts.address == host.lab.address
    assert facts.info["memoryInfo"]["memTotal"] > 0
    assert facts.info["osInfo"]["dockerVersion"].startswith("Docker version ")
    assert facts.info["cpuInfo"]["count"] == len(facts.info["cpuInfo"]["cpuCoresPercentages"])
    assert set(facts.labels) >= {"io.rancher.host.docker_version", "io.rancher.host.linux_kernel_version"}
