"""Tasks of a running server: when they run, what is noted of a run, and what the two that there are do."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.builders import a_container
from tests.server.conftest import StartServer
from tests.server.live import Api, basic
from tests.serving import Installation
from tests.waiting import eventually_async
from trailboss.errors import Unreachable
from trailboss.resources import setting, task
from trailboss.resources.task import Task, TaskInstance
from trailboss.server import housekeeping
from trailboss.server.tasks import Tasks
from trailboss.simulator import host as simulated
from trailboss.store.store import Store

WEEK_MS = 7 * 24 * 3_600_000
LONG_AGO = "2015-11-24T09:00:00Z"
KEY = ("operator", "the-operators-secret-key")


class Server:
    """A store with tasks. ran: their names, as they ran."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ran: list[str] = []
        store.write(task.ensure)

    def start(self, **runs: Callable[[], Awaitable[None]]) -> None:
        async def note(name: str) -> None:
            self.ran.append(name)

        known = {name: lambda name=name: note(name) for name in task.NAMES} | {
            name.replace("_", "."): run for name, run in runs.items()
        }
        self.running = asyncio.create_task(Tasks(self.store, known, "one").run())

    async def stop(self) -> None:
        self.running.cancel()
        await asyncio.wait((self.running,))

    def execute(self, name: str) -> None:
        self.store.write(lambda tx: task.execute(tx, tx.find(Task, name=name)[0], {}, None))

    def instances(self) -> list[TaskInstance]:
        return self.store.read(lambda r: r.find(TaskInstance))

    async def ended(self, count: int = 1) -> list[TaskInstance]:
        def find() -> list[TaskInstance] | None:
            rows = self.instances()
            return rows if len(rows) >= count and all(row.end_time is not None for row in rows) else None

        found = await eventually_async(find, what=f"{count} runs have ended")
        assert found is not None
        return found


@pytest.fixture
async def server(installation: Installation) -> AsyncIterator[Server]:
    made = Server(installation.store)
    yield made
    await made.stop()


async def test_what_is_executed_runs_once_and_its_end_is_noted(server: Server) -> None:
    server.start()
    server.execute("purge.resources")
    (run,) = await server.ended()
    assert (run.name, run.server_id, run.exception) == ("purge.resources", "one", None)
    assert run.start_time <= run.end_time
    assert server.ran == ["purge.resources"]


async def test_why_a_run_has_failed_is_noted_and_the_next_one_goes_on(server: Server) -> None:
    async def fail() -> None:
        raise ValueError("no " * 200)

    server.start(agent_ping=fail)
    server.execute("agent.ping")
    server.execute("purge.resources")
    failed, good = await server.ended(2)
    assert failed.exception == ("no " * 200)[:255] and good.exception is None


async def test_a_task_of_another_version_is_noted_as_unknown(server: Server) -> None:
    server.start()
    server.store.write(lambda tx: task.begin(tx, tx.insert(Task, name="process.replay")))
    (run,) = await server.ended()
    assert run.exception == "this version has no task process.replay"


async def test_a_run_is_made_again_after_the_database_was_away(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trailboss.server.tasks.PAUSE_S", 0.01)
    failures = iter((True, True, False))

    async def sometimes() -> None:
        if next(failures):
            raise Unreachable("the database is away")
        server.ran.append("at last")

    server.start(agent_ping=sometimes)
    server.execute("agent.ping")
    (run,) = await server.ended()
    assert server.ran == ["at last"] and run.exception is None


async def test_what_a_server_left_undone_is_done_at_its_next_start(server: Server) -> None:
    server.execute("agent.ping")
    server.start()
    await server.ended()
    assert server.ran == ["agent.ping"]


async def test_the_end_is_noted_by_the_first_server_only(server: Server) -> None:
    server.start()
    server.execute("agent.ping")
    (run,) = await server.ended()
    server.store.write(lambda tx: task.end(tx, run.id, "another", "too late"))
    assert server.instances()[0].values == run.values


@pytest.mark.parametrize("period", ["0.1", "0.0001"])
async def test_a_task_runs_again_and_again_as_soon_as_its_period_is_set(server: Server, period: str) -> None:
    server.start()
    server.store.write(lambda tx: setting.store(tx, "task.agent.ping.schedule", period))
    runs = await server.ended(3)
    starts = [run.start_time for run in runs]
    assert {run.name for run in runs} == {"agent.ping"}
    assert min(later - earlier for earlier, later in itertools.pairwise(starts)) >= 100


@pytest.mark.parametrize("period", ["0", "", "-1", "soon", "nan", "inf"])
def test_without_a_period_a_task_runs_only_when_asked(installation: Installation, period: str) -> None:
    store = installation.store
    store.write(task.ensure)
    store.write(lambda tx: setting.store(tx, "task.agent.ping.schedule", period))
    assert store.write(task.begin_scheduled) is None
    assert store.read(lambda r: r.find(TaskInstance)) == []


def test_runs_of_long_ago_are_forgotten(installation: Installation) -> None:
    store = installation.store
    store.write(task.ensure)
    store.write(task.ensure)
    (ping, _) = store.read(lambda r: r.find(Task))
    for age_ms in (WEEK_MS + 60_000, WEEK_MS - 60_000):
        store.write(lambda tx, age=age_ms: tx.insert(TaskInstance, task_id=ping.id, start_time=tx.now - age))  # type: ignore[misc]
    assert task.prune in housekeeping._PRUNED
    assert [store.write(task.prune) for _ in range(2)] == [1, 0]
    assert [row.id for row in store.read(lambda r: r.find(TaskInstance))] == [2]


# --- a whole server, with simulated hosts --------------------------------------------------------------------------


class Operator:
    """Who may do everything, on a server with one simulated host."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.url = f"{api.server.url}/v1"
        self.headers = basic(*KEY)

    async def ask(self, method: str, path: str, status: int, **options: Any) -> Any:
        return await self.api.ask(method, f"{self.url}/{path}", status, headers=self.headers, **options)

    async def execute(self, name: str) -> None:
        (found,) = (await self.ask("GET", f"tasks?name={name}", 200))["data"]
        answer = await self.ask("POST", f"tasks/{found['id']}/?action=execute", 200)
        assert (answer["id"], answer["name"]) == (found["id"], name)

    async def reaches(self, path: str, state: str) -> Any:
        async def find() -> Any:
            row = await self.ask("GET", path, 200)
            return row if row["state"] == state else None

        return await eventually_async(find, within=20, what=f"{path} is {state}")

    async def run(self, **values: Any) -> str:
        made = await self.ask("POST", "containers", 201, json=a_container(accountId="1a5", **values))
        return f"containers/{(await self.reaches('containers/' + made['id'], 'running'))['id']}"


@pytest.fixture
async def operator(start_server: StartServer, session: aiohttp.ClientSession) -> Operator:
    server = start_server(simulator=True, superadmin_key=":".join(KEY))
    made = Operator(Api(server, session))
    body = {"key": secrets.token_hex(16), "accountId": "1a5", "agentUriFormat": "sim://%s"}
    await made.ask("POST", "register", 201, json=body)
    await eventually_async(lambda: server.running.simulated.simulator.lines, what="the host is run")

    async def active() -> bool:
        return [h["state"] for h in (await made.ask("GET", "hosts", 200))["data"]] == ["active"]

    await eventually_async(active, within=20, what="the host is active")
    return made


async def test_agent_ping_removes_a_running_container_that_its_host_has_forgotten(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "VANISH_MS", 3_600_000)
    forgotten = await operator.run(name="forgotten", labels={"simForgetImmediately": "true"})
    kept = await operator.run(name="kept")
    short = await operator.run(name="short", command=["simShutdownAfter", "3600"])
    await operator.execute("agent.ping")
    await operator.reaches(forgotten, "removed")
    for other in (kept, short):
        assert (await operator.ask("GET", other, 200))["state"] == "running"
    (run,) = (await operator.ask("GET", "taskinstances", 200))["data"]
    assert (run["name"], run["exception"]) == ("agent.ping", None)
    assert run["startTime"] and run["endTime"] and run["serverId"]


async def test_purge_resources_purges_what_was_removed_and_whose_time_was_moved_to_the_past(operator: Operator) -> None:
    paths = [await operator.run(name=name) for name in ("early", "late")]
    for path in paths:
        await operator.ask("POST", f"{path}/?action=stop", 202, json={"remove": True, "timeout": 0})
        await operator.reaches(path, "removed")
    early, late = paths
    moved = await operator.ask("PUT", early, 200, json={"removeTime": LONG_AGO})
    assert (moved["removeTime"], moved["state"]) == (LONG_AGO, "removed")
    await operator.execute("purge.resources")
    await operator.reaches(early, "purged")
    assert (await operator.ask("GET", late, 200))["state"] == "removed"


async def test_only_the_operator_moves_the_time_and_nothing_else_of_what_was_removed(operator: Operator) -> None:
    path = await operator.run()
    await operator.ask("POST", f"{path}/?action=stop", 202, json={"remove": True, "timeout": 0})
    before = await operator.reaches(path, "removed")
    for body in ({"removeTime": LONG_AGO, "name": "other"}, {"name": "other"}, {}):
        await operator.ask("PUT", path, 405, json=body)
    await operator.api.ask("PUT", path, 405, json={"removeTime": LONG_AGO})
    assert await operator.ask("GET", path, 200) == before
