"""A server's life: what a first start makes, what later ones keep, and how it ends."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from tests.server.conftest import StartProcess, StartServer
from tests.server.serving import ROOT, ServerProcess, client, credentials, free_port
from tests.waiting import eventually, eventually_async
from trailboss.errors import Permanent, Unreachable
from trailboss.resources.agent import Agent
from trailboss.resources.credential import ApiKey
from trailboss.resources.host import Host
from trailboss.resources.setting import value_of
from trailboss.server.data_folder import DataFolder
from trailboss.server.installation import open_installation
from trailboss.server.options import Options
from trailboss.server.process import Started
from trailboss.store.store import Store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_start_makes_everything_and_only_its_owner_may_read_it(start_server: StartServer) -> None:
    server = start_server()
    data = server.running.data
    assert mode(data) == 0o700
    assert mode(data / "first-credentials.env") == mode(data / "admin-credentials.env") == 0o600
    assert (data / "installation-id").read_text().strip() == server.running.dispatcher.installation.id
    assert credentials(data)["RANCHER_URL"] == f"{server.url}/v1/projects/1a5"
    with client(data) as project, client(data, "admin-credentials.env") as admin:
        assert project.get("hosts").status_code == 200
        assert admin.get("accounts").json()["data"][0]["kind"] == "admin"
    assert httpx2.get(f"{server.url}/v1/projects/1a5/hosts").status_code == 401


def test_the_credentials_are_written_once_and_stay_good(start_server: StartServer, tmp_path: Path) -> None:
    first = start_server()
    before = (first.running.data / "first-credentials.env").read_text()
    first.stop()
    second = start_server()
    assert (second.running.data / "first-credentials.env").read_text() == before
    found = credentials(second.running.data)
    key = (found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"])
    assert httpx2.get(f"{second.url}/v1/projects/1a5/hosts", auth=key).status_code == 200
    (second.running.data / "first-credentials.env").unlink()
    second.stop()
    third = start_server()
    assert not third.running.first_credentials.exists()


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
def test_the_first_credentials_survive_a_crash_around_their_commit(
    tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(data=tmp_path / "data")
    program = (
        "import os, sys\n"
        "from trailboss.server.installation import open_installation\n"
        "from trailboss.server.data_folder import DataFolder\n"
        "from trailboss.server.options import Options\n"
        "from trailboss.store.store import Store\n"
        "start = Store.start\n"
        "def crashing(store):\n"
        f"    store.crash = lambda at: os._exit(9) if at == {point!r} else None\n"
        "    start(store)\n"
        "Store.start = crashing\n"
        "options = Options.read()\n"
        "open_installation(options, DataFolder(options.data), 'http://127.0.0.1:1')\n"
    )
    environment = {**os.environ, "TRAILBOSS_DATA": str(options.data)}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, timeout=60, check=False)
    assert done.returncode == 9
    assert (options.data / "first-credentials.env").exists()
    folder = DataFolder(options.data)
    opened = open_installation(options, folder, "http://127.0.0.1:1")
    access = credentials(options.data)["RANCHER_ACCESS_KEY"]
    assert opened.first == (point == "before-commit")
    assert opened.store.read(lambda r: r.find(ApiKey, public_value=access))
    opened.store.close()
    folder.close()


def test_liveness_readiness_and_metrics(start_server: StartServer) -> None:
    server = start_server()
    assert httpx2.get(f"{server.url}/healthz").status_code == 200
    assert httpx2.get(f"{server.url}/readyz").status_code == 200
    metrics = httpx2.get(f"{server.url}/metrics").text
    for name in ("work_due", "work_oldest_seconds", "engine_reconciles_total", "store_commit_seconds_count",
                 "store_function_seconds_count",
                 "agent_sessions", "subscribers", "streams"):  # fmt: skip
        assert f"trailboss_{name}" in metrics


def test_it_is_not_ready_when_reconcilers_do_not_run(start_server: StartServer) -> None:
    server = start_server()
    server.running.engine.stop()
    assert httpx2.get(f"{server.url}/readyz").status_code == 503
    assert httpx2.get(f"{server.url}/healthz").status_code == 200


def test_it_is_not_ready_when_the_database_does_not_answer(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server()

    def broken(self: Store, fn: object) -> None:
        raise Unreachable("gone")

    monkeypatch.setattr(Store, "read", broken)
    assert httpx2.get(f"{server.url}/readyz").status_code == 503
    assert httpx2.get(f"{server.url}/metrics").status_code == 200


def test_a_second_server_on_the_same_data_is_refused(start_server: StartServer) -> None:
    start_server()
    with pytest.raises(Permanent, match="another server uses the data folder"):
        start_server()


def test_a_port_that_is_taken_is_named(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    with pytest.raises(Permanent, match=r"cannot listen on .*--listen"):
        start_server(listen=server.url.removeprefix("http://"), data=tmp_path / "other")


def test_a_data_folder_of_another_installation_is_refused(start_server: StartServer, tmp_path: Path) -> None:
    first, second = start_server(data=tmp_path / "a"), start_server(data=tmp_path / "b")
    first.stop()
    second.stop()
    (tmp_path / "a" / "installation-id").write_text((tmp_path / "b" / "installation-id").read_text())
    with pytest.raises(Permanent, match="belongs to the installation"):
        start_server(data=tmp_path / "a")


def test_two_installations_run_side_by_side_without_options(start_server: StartServer, tmp_path: Path) -> None:
    first = start_server(data=tmp_path / "a").running.dispatcher.installation
    second = start_server(data=tmp_path / "b").running.dispatcher.installation
    assert first.id != second.id and first.cidr != second.cidr
    assert first.bridge != second.bridge and first.network != second.network


def test_range_and_bridge_stay_as_they_were_at_the_first_start(start_server: StartServer) -> None:
    server = start_server(network="10.9.0.0/16", bridge="mine0")
    server.stop()
    kept = start_server()
    assert (kept.running.dispatcher.installation.cidr, kept.running.dispatcher.installation.bridge) == (
        "10.9.0.0/16",
        "mine0",
    )
    kept.stop()
    with pytest.raises(Permanent, match=r"has used 10\.9\.0\.0/16 since its first start"):
        start_server(network="10.8.0.0/16")


def test_access_control_off_lets_everybody_in_and_on_closes_again(start_server: StartServer) -> None:
    server = start_server(access_control="off")
    assert httpx2.get(f"{server.url}/v1/projects/1a5/hosts").status_code == 200
    server.stop()
    server = start_server()
    assert httpx2.get(f"{server.url}/v1/projects/1a5/hosts").status_code == 401
    with client(server.running.data) as project:
        found = credentials(server.running.data)
        key = (found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"])
        assert project.base_url is not None
        assert httpx2.get(f"{server.url}/v1/projects/1a5/hosts", auth=key).status_code == 200


def test_the_superadmins_key_is_made_once(start_server: StartServer) -> None:
    server = start_server(superadmin_key="ROOT:a-secret-of-the-operator")
    assert httpx2.get(f"{server.url}/v1/accounts", auth=("ROOT", "a-secret-of-the-operator")).status_code == 200
    server.stop()
    server = start_server(superadmin_key="OTHER:another-secret-than-before")
    assert httpx2.get(f"{server.url}/v1/accounts", auth=("ROOT", "a-secret-of-the-operator")).status_code == 200
    assert httpx2.get(f"{server.url}/v1/accounts", auth=("OTHER", "another-secret-than-before")).status_code == 401


def test_the_simulator_is_off_unless_asked_for(start_server: StartServer, tmp_path: Path) -> None:
    off, on = start_server(data=tmp_path / "a"), start_server(data=tmp_path / "b", simulator=True)
    assert off.running.store.read(lambda r: value_of(r, "simulator.enabled")) == "false"
    assert on.running.store.read(lambda r: value_of(r, "simulator.enabled")) == "true"


def test_simulated_hosts_are_made_while_the_default_environment_has_no_host(start_server: StartServer) -> None:
    def hosts(server: Started) -> list[tuple[int, str]]:
        return server.running.store.read(lambda r: [(h.account_id, h.state) for h in r.find(Host)])

    server = start_server(simulated_hosts=3)
    eventually(lambda: hosts(server) == [(5, "active")] * 3, within=20, what="three hosts are active")
    server.stop()
    server = start_server(simulated_hosts=5)
    assert len(server.running.store.read(lambda r: r.find(Agent))) == 3
    assert len(hosts(server)) == 3


@pytest.mark.slow
def test_sigterm_ends_it_cleanly_with_what_was_asked_for(start_process: StartProcess) -> None:
    port = free_port()
    server = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    server.ready(f"http://127.0.0.1:{port}")
    answers: list[int] = []
    refused = threading.Event()

    def write() -> None:
        with client(server.data) as project:
            while True:
                try:
                    answers.append(project.post("environments", json={"name": f"s{len(answers)}"}).status_code)
                except httpx2.TransportError:
                    refused.set()
                    return

    writing = threading.Thread(target=write)
    writing.start()
    eventually(lambda: len(answers) > 5)
    server.process.terminate()
    assert server.process.wait(timeout=30) == 0, server.log.read_text()
    assert refused.wait(30)
    writing.join()
    assert set(answers) == {201}
    again = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    again.ready(f"http://127.0.0.1:{port}")
    with client(again.data) as project:
        names = {e["name"] for e in project.get("environments", params={"limit": 1000}).json()["data"]}
    assert {f"s{n}" for n in range(len(answers))} <= names


@pytest.mark.slow
def test_sigterm_does_not_wait_for_those_who_only_listen(start_process: StartProcess) -> None:
    port = free_port()
    server = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    server.ready(f"http://127.0.0.1:{port}")
    with (
        client(server.data) as project,
        httpx2.stream(
            "POST",
            f"http://127.0.0.1:{port}/v1/projects/1a5/subscribe",
            auth=project.auth,
            json={"eventNames": ["resource.change"]},
        ) as stream,
    ):
        assert stream.status_code == 200
        server.process.terminate()
        assert server.process.wait(timeout=8) == 0, server.log.read_text()


@pytest.mark.crash
def test_what_was_acknowledged_before_a_kill_is_there_after_a_restart(start_process: StartProcess) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    acknowledged: set[str] = set()
    for round_ in range(4):
        server = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
        server.ready(url)
        asyncio.run(_write_until_killed(server, round_, acknowledged))
    server = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    server.ready(url)
    with client(server.data) as project:
        present: set[str] = set()
        next_: str | None = f"{project.base_url}/environments?limit=1000"
        while next_:
            page = project.get(next_).json()
            present |= {e["name"] for e in page["data"]}
            next_ = page["pagination"]["next"]
    assert len(acknowledged) > 50
    assert acknowledged <= present


async def _write_until_killed(server: ServerProcess, round_: int, acknowledged: set[str]) -> None:
    found = credentials(server.data)
    key = (found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"])
    before = len(acknowledged)
    async with httpx2.AsyncClient(base_url=found["RANCHER_URL"], auth=key, timeout=30) as project:

        async def write(worker: int) -> None:
            number = 0
            while True:
                name = f"r{round_}-w{worker}-{number}"
                try:
                    answer = await project.post("environments", json={"name": name})
                except httpx2.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                acknowledged.add(name)
                number += 1

        writing = [asyncio.create_task(write(worker)) for worker in range(8)]
        await eventually_async(lambda: len(acknowledged) - before >= 20 + 15 * round_, within=60)
        server.process.kill()
        await asyncio.gather(*writing)
    server.process.wait()
