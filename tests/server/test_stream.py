"""The exact form of the change stream: it is the journal, for each reader, whatever breaks in between."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from tests.databases import Postgres
from tests.databases import postgres as postgres
from tests.server.conftest import StartProcess, StartServer
from tests.server.live import Api, basic
from tests.server.serving import credentials, free_port
from tests.server.streaming import BREAKS, Reader, Server, by_http, by_socket, journal_of
from tests.waiting import eventually_async
from trailboss.api import channel_exact, events, subscription
from trailboss.declare import format_id, registry
from trailboss.resources.account import Account, Project
from trailboss.resources.agent import Agent
from trailboss.resources.credential import ApiKey
from trailboss.resources.environment import Environment
from trailboss.resources.project_member import ProjectMember
from trailboss.resources.seed import add_key
from trailboss.store import journal
from trailboss.store.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


@pytest.fixture
async def api(start_server: StartServer, session: aiohttp.ClientSession) -> Api:
    return Api(start_server(), session)


def server_of(api: Api) -> Server:
    return Server(api.url, api.headers)


def project_of(store: Store) -> int:
    return int(store.read(lambda read: read.find(Project, uuid="adminProject")[0].id))


def entries_of(api: Api, above: int = 0) -> list[dict[str, Any]]:
    store = api.server.running.store
    project = project_of(store)
    return [e for e in store.read(lambda read: journal.after(read, above, 10**6)) if e["account_id"] == project]


def here(api: Api) -> str:
    return str(api.server.running.store.read(journal.here))


def make(api: Api, **values: Any) -> Environment:
    store = api.server.running.store
    given = {"account_id": project_of(store), "name": "shop", "state": "active"} | values
    return store.write(lambda tx: tx.insert(Environment, **given), cause="test", actor=given["account_id"])


def change_often(api: Api, row: Environment, times: int, description: str = "") -> None:
    def run(tx: Any) -> None:
        fresh = tx.require(Environment, row.id)
        for number in range(times):
            fresh = tx.change(fresh, description=f"{description}{number}")

    api.server.running.store.write(run)


async def events_of(api: Api, query: str, count: int, ask: Any = by_socket) -> list[dict[str, Any]]:
    """Read so many events besides pings, then leave."""
    found: list[dict[str, Any]] = []
    stream = ask(server_of(api), api.session, query)
    async with asyncio.timeout(30):
        async for event in stream:
            if event["name"] != "ping":
                found.append(event)
            if len(found) == count:
                break
    await stream.aclose()
    return found


def assert_equal(told: list[dict[str, Any]], entries: list[dict[str, Any]]) -> None:
    """Compare a stream with the journal, entry by entry."""
    assert [e["data"]["entry"]["sequence"] for e in told] == [e["seq"] for e in entries]
    for event, entry in zip(told, entries, strict=True):
        type_, shown = registry[entry["type"]], event["data"]["entry"]
        assert (event["name"], event["resourceType"]) == ("journal", entry["type"])
        assert event["resourceId"] == format_id(type_, entry["id"])
        assert (event["time"], shown["cause"], shown["message"]) == (entry["at"], entry["cause"], entry["message"])
        assert shown["actor"] == (entry["actor"] and format_id(Account, entry["actor"]))
        assert event["id"] == event["cursor"] == f"1.{entry['seq']}"
        assert shown["change"].keys() <= entry["change"].keys()
        for name in {"name", "description", "state"} & entry["change"].keys():
            assert shown["change"][name] == entry["change"][name]


# --- the journal, whatever breaks -------------------------------------------------------------------------------------


class Churn:
    """Changes a project at random through the API until it has been told `end`. acknowledged: what was answered."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, seed: int) -> None:
        self.server, self.session, self.random = server, session, random.Random(seed)
        self.stacks: list[str] = []
        self.acknowledged = 0
        self.should_end = False

    async def run(self) -> None:
        while not self.should_end:
            try:
                await self._step()
                self.acknowledged += 1
            except BREAKS:
                await asyncio.sleep(0.05)

    async def _step(self) -> None:
        what = self.random.random()
        if what < 0.2 or not self.stacks:
            made = await self._ask("POST", "environments", {"name": f"s{self.random.randrange(10**9)}"})
            self.stacks.append(made["id"])
        elif what < 0.25:
            await self._ask("POST", "registrationtokens", {})
        elif what < 0.3:
            gone = self.stacks.pop(self.random.randrange(len(self.stacks)))
            await self._ask("DELETE", f"environments/{gone}", None)
        else:
            chosen = self.random.choice(self.stacks)
            await self._ask("PUT", f"environments/{chosen}", {"description": str(self.random.random())})

    async def _ask(self, method: str, path: str, body: Any) -> Any:
        url = f"{self.server.url}/{path}"
        async with self.session.request(method, url, json=body, headers=self.server.headers) as answer:
            return await answer.json()


async def same_as_the_journal(
    start_process: StartProcess, session: aiohttp.ClientSession, changes: int, kills: int
) -> None:
    """Let readers lose their connections at random while a project is changed and the server is killed."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    await asyncio.to_thread(process.ready, url)
    keys = credentials(process.data)
    headers = basic(keys["RANCHER_ACCESS_KEY"], keys["RANCHER_SECRET_KEY"])
    server = Server(f"{url}/v1/projects/1a5", headers)
    database = process.data / "trailboss.db"
    start = (await anext(by_socket(server, session, "eventNames=journal")))["cursor"]
    ways = [(by_socket, "journal"), (by_socket, "journal"), (by_http, "journal"), (by_socket, "resource.change")]
    readers = [Reader(server, session, start, f"eventNames={name}", ask) for ask, name in ways]
    churn = [Churn(server, session, seed) for seed in range(2)]
    running = [asyncio.create_task(each.run()) for each in (*readers, *churn)]
    killed = 0
    try:
        while sum(each.acknowledged for each in churn) < changes or killed < kills:
            await asyncio.sleep(random.random() / 3)
            random.choice(readers).cut()
            if sum(each.acknowledged for each in churn) > (killed + 1) * changes / (kills + 1) and killed < kills:
                process.kill()
                process = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
                await asyncio.to_thread(process.ready, url)
                killed += 1
            assert all(not task.done() for task in running), [task for task in running if task.done()]
        for each in churn:
            each.should_end = True

        def have_all() -> bool:
            found = journal_of(database, 5, 0)
            return all(reader.seq >= found[-1]["seq"] for reader in readers)

        await eventually_async(have_all, within=60, what="every reader has come to the end")
        late = Reader(server, session, start)
        running.append(asyncio.create_task(late.run()))
        end = journal_of(database, 5, 0)[-1]["seq"]
        # the engine may have gone on meanwhile: nobody is let go before they have that, too
        come = (*readers, late)
        await eventually_async(
            lambda: all(r.seq >= end for r in come), within=60, what="a late reader comes to the end"
        )
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        process.kill()
    entries = journal_of(database, 5, int(start.partition(".")[2]))
    assert len(entries) > changes
    for reader in (*readers, late):
        assert {event["name"] for event in reader.events} == {reader.names.partition("=")[2]}
        until = max(int(event["cursor"].partition(".")[2]) for event in reader.events)
        expected = [entry for entry in entries if entry["seq"] <= until]
        assert end <= until
        if reader.names == "eventNames=journal":
            assert_equal(reader.events, expected)
        else:
            assert [event["cursor"] for event in reader.events] == [f"1.{entry['seq']}" for entry in expected]
    assert all(reader.breaks > kills for reader in readers)


@pytest.mark.crash
async def test_every_reader_sees_the_journal_through_lost_connections_and_killed_servers(
    start_process: StartProcess, session: aiohttp.ClientSession
) -> None:
    await same_as_the_journal(start_process, session, changes=2000, kills=3)


@pytest.mark.crash
@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_the_same_for_long(start_process: StartProcess, session: aiohttp.ClientSession) -> None:
    await same_as_the_journal(start_process, session, changes=40_000, kills=40)


@pytest.mark.postgres
async def test_a_reader_sees_every_entry_of_eight_writers_on_postgresql(
    postgres: Postgres, start_server: StartServer, session: aiohttp.ClientSession
) -> None:
    url = postgres.url(postgres.create())
    api = Api(await asyncio.to_thread(start_server, database=url), session)
    start = here(api)
    readers = [Reader(server_of(api), session, start), Reader(server_of(api), session, start, asks=by_http)]
    reading = [asyncio.create_task(reader.run()) for reader in readers]
    project = project_of(api.server.running.store)
    writers = [Store(url) for _ in range(8)]

    def write(store: Store, number: int) -> None:
        for n in range(60):
            given = {"account_id": project, "name": f"w{number}-{n}", "state": "active"}
            store.write(lambda tx, given=given: tx.insert(Environment, **given))

    threads = [threading.Thread(target=write, args=(store, n)) for n, store in enumerate(writers)]
    try:
        for store in writers:
            store.start()
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            random.choice(readers).cut()
            await asyncio.sleep(0.1)
        entries = entries_of(api, int(start.partition(".")[2]))
        assert len([e for e in entries if "name" in e["change"]]) == 8 * 60
        await eventually_async(lambda: all(r.seq >= entries[-1]["seq"] for r in readers), within=60)
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        await asyncio.to_thread(lambda: [store.close() for store in writers])
    for reader in readers:
        assert_equal(reader.events[: len(entries)], entries)


# --- what is told, and to whom ----------------------------------------------------------------------------------------


async def test_an_entry_says_what_changed_by_whom_and_because_of_which_request(api: Api) -> None:
    cursor = here(api)
    made = await api.ask("POST", "environments", 201, json={"name": "shop"}, headers={"X-Request-Id": "r-1"})
    path = f"environments/{made['id']}"
    await api.ask("PUT", path, 200, json={"description": "new"}, headers={"X-Request-Id": "r-2"})
    found = await events_of(api, f"eventNames=journal&cursor={cursor}", len(entries_of(api, int(cursor[2:]))))
    assert_equal(found, entries_of(api, int(cursor[2:]))[: len(found)])
    described = next(e for e in found if e["data"]["entry"]["cause"] == "r-2")
    assert described["data"]["entry"]["change"] == {"description": [None, "new"]}
    assert described["data"]["entry"]["resourceName"] == "shop"
    assert described["data"]["entry"]["actor"] == "1a5"
    assert (described["resourceType"], described["resourceId"]) == ("environment", made["id"])


async def test_values_are_told_as_the_api_writes_them(api: Api) -> None:
    cursor = here(api)
    row = make(api)
    api.server.running.store.write(lambda tx: tx.change(tx.require(Environment, row.id), removed=1_700_000_000_000))
    made, removed = await events_of(api, f"eventNames=journal&cursor={cursor}", 2)
    assert made["data"]["entry"]["change"]["accountId"] == [None, "1a5"]
    assert removed["data"]["entry"]["change"] == {"removed": [None, "2023-11-14T22:13:20Z"]}


async def test_with_a_cursor_every_change_of_a_resource_is_told_one_by_one(api: Api) -> None:
    row = make(api)
    cursor = here(api)
    change_often(api, row, 20)
    found = await events_of(api, f"eventNames=resource.change&cursor={cursor}", 20)
    first = int(cursor[2:]) + 1
    assert [e["cursor"] for e in found] == [f"1.{n}" for n in range(first, first + 20)]
    assert {e["data"]["resource"]["description"] for e in found} == {"19"}
    assert found[-1]["data"]["resource"] == await api.ask("GET", f"environments/1e{row.id}", 200)


async def test_from_the_cursor_of_any_event_the_stream_goes_on_behind_it(api: Api) -> None:
    row = make(api)
    cursor = here(api)
    change_often(api, row, 10)
    found = await events_of(api, f"eventNames=journal&cursor={cursor}", 10)
    for number, event in enumerate(found[:-1]):
        rest = await events_of(api, f"eventNames=journal&cursor={event['cursor']}", 9 - number)
        assert rest == found[number + 1 :]


async def test_a_reader_of_the_plain_form_can_go_on_from_its_cursor_and_misses_nothing(api: Api) -> None:
    rows = [make(api, name=f"s{n}") for n in range(3)]
    stream = by_socket(server_of(api), api.session, "eventNames=resource.change")
    cursors = [(await anext(stream))["cursor"]]
    for number in range(5):
        for row in rows:
            change_often(api, row, 1, f"{number}-")
    told = [await anext(stream) for _ in range(3)]
    await stream.aclose()
    cursors += [event["cursor"] for event in told]
    known = {e["resourceId"]: e["data"]["resource"] for e in told}
    entries = entries_of(api)
    for cursor in cursors:
        behind = [e for e in entries if e["seq"] > int(cursor[2:])]
        rest = await events_of(api, f"eventNames=resource.change&cursor={cursor}", len(behind))
        now = known | {e["resourceId"]: e["data"]["resource"] for e in rest}
        assert {r["description"] for r in now.values()} == {"4-0"}


async def test_pings_carry_the_position_past_what_others_change(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "PING_EVERY_S", 0.1)
    stream = by_socket(server_of(api), api.session, "eventNames=journal")
    await anext(stream)
    store = api.server.running.store
    other = store.write(lambda tx: tx.insert(Project, kind="project", name="other", state="active"))
    make(api, account_id=other.id)
    goal = here(api)
    async with asyncio.timeout(20):
        async for event in stream:
            assert event["name"] == "ping"
            if event["cursor"] == goal:
                break
    await stream.aclose()


async def test_neither_the_entries_of_others_nor_types_and_fields_out_of_sight_are_told(api: Api) -> None:
    cursor = here(api)
    store = api.server.running.store
    project = project_of(store)
    other = store.write(lambda tx: tx.insert(Project, kind="project", name="other", state="active"))
    make(api, account_id=other.id, name="foreign")
    store.write(lambda tx: tx.insert(Agent, account_id=project, state="active", uri="x"))
    make(api, name="own", purge_at_once=True, external_id="x")
    (event,) = await events_of(api, f"eventNames=journal&cursor={cursor}", 1)
    shown = event["data"]["entry"]
    assert shown["resourceName"] == "own"
    assert "externalId" in shown["change"]
    assert not {"purgeAtOnce", "data", "generation", "message"} & shown["change"].keys()


async def test_secrets_are_told_as_changed_only(api: Api) -> None:
    cursor = here(api)
    store = api.server.running.store
    project = project_of(store)
    access, secret = store.write(lambda tx: add_key(tx, project, "a key"))
    for ask in (by_socket, by_http):
        (event,) = await events_of(api, f"eventNames=journal&cursor={cursor}", 1, ask)
        change = event["data"]["entry"]["change"]
        assert change["secretValue"] == ["changed"]
        assert change["publicValue"] == [None, access]
        assert secret not in json.dumps(event)


async def test_values_of_before_a_migration_do_not_end_the_stream(api: Api) -> None:
    cursor = here(api)
    row = make(api)
    store = api.server.running.store

    def as_it_was_once(tx: Any) -> None:
        tx.change(tx.require(Environment, row.id), removed=1)
        tx.entries[-1].change["removed"] = [None, "2015-11-24"]

    store.write(as_it_was_once)
    _, event = await events_of(api, f"eventNames=journal&cursor={cursor}", 2)
    assert event["data"]["entry"]["change"] == {"removed": ["changed"]}


async def test_who_loses_a_role_loses_the_stream(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    store = api.server.running.store
    project = project_of(store)

    def join(tx: Any) -> tuple[int, tuple[str, str]]:
        person = tx.insert(Account, kind="user", name="ann", state="active")
        tx.insert(
            ProjectMember,
            project_id=project,
            account_id=project,
            external_id=str(person.id),
            external_id_type="rancher_id",
            role="owner",
            state="active",
        )
        return person.id, add_key(tx, person.id, "hers")

    person, key = store.write(join)
    socket = await api.socket(f"{api.url}/subscribe?eventNames=journal", headers=basic(*key))
    assert (await socket.receive_json())["name"] == "ping"

    def narrow(tx: Any) -> None:
        member = tx.find(ProjectMember, external_id=str(person))[0]
        tx.change(member, role="readonly")

    store.write(narrow)
    async with asyncio.timeout(30):
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            continue
    assert socket.close_code == 1008


async def test_who_loses_its_key_loses_server_sent_events_too(api: Api) -> None:
    store = api.server.running.store
    key = store.write(lambda tx: add_key(tx, project_of(store), "a key"))
    stream = by_http(Server(api.url, basic(*key)), api.session, "eventNames=journal")
    await anext(stream)
    store.write(lambda tx: tx.change(tx.find(ApiKey, public_value=key[0])[0], state="inactive"))
    async with asyncio.timeout(30):
        async for _ in stream:
            continue


async def test_events_are_made_once_for_all_who_are_told_the_same(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    placed = events.placed

    def counted(snapshot: Any, entries: Any, view: Any) -> Any:
        found = placed(snapshot, entries, view)
        made.extend(each.seq for each in found)
        return found

    streams = [by_socket(server_of(api), api.session, "eventNames=journal") for _ in range(10)]
    for stream in streams:
        await anext(stream)
    await eventually_async(lambda: REGISTRY.get_sample_value("trailboss_subscriber_channels") == 1)
    row = make(api)
    first = [await anext(stream) for stream in streams]
    monkeypatch.setattr(events, "placed", counted)
    change_often(api, row, 30)
    rest = [[await anext(stream) for _ in range(30)] for stream in streams]
    assert all(event == first[0] for event in first)
    assert all(each == rest[0] for each in rest)
    assert sorted(made) == sorted(set(made)), "each entry once, not once for each subscriber"
    for stream in streams:
        await stream.aclose()
    await eventually_async(lambda: REGISTRY.get_sample_value("trailboss_subscriber_channels") == 0)


# --- cursors that lead nowhere ----------------------------------------------------------------------------------------


@pytest.fixture
def short_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a few entries only, here and in channels."""
    monkeypatch.setattr(journal, "KEEP", 50)
    monkeypatch.setattr(journal, "_SLICE", 10)
    monkeypatch.setattr(channel_exact, "KEEP_EVENTS", 10)


@pytest.mark.parametrize(("cursor", "reason"), [("7.1", "incarnation"), ("1.99999999", "ahead"), ("1.1", "expired")])
@pytest.mark.parametrize("ask", [by_socket, by_http])
async def test_a_cursor_that_leads_nowhere_is_answered_with_resync_and_the_stream_goes_on(
    api: Api, ask: Any, cursor: str, reason: str, short_journal: None
) -> None:
    row = make(api)
    for _ in range(10):
        change_often(api, row, 10)
    newest = here(api)
    stream = ask(server_of(api), api.session, f"eventNames=journal&cursor={cursor}")
    ping, event = await anext(stream), await anext(stream)
    assert (ping["name"], ping["cursor"]) == ("ping", cursor)
    assert (event["name"], event["cursor"], event["data"]["reason"]) == ("resync", newest, reason)
    change_often(api, row, 1, "after")
    following = await anext(stream)
    assert following["data"]["entry"]["change"]["description"][1] == "after0"
    await stream.aclose()


async def test_the_oldest_cursor_that_is_good_is_the_one_before_the_oldest_entry(api: Api, short_journal: None) -> None:
    row = make(api)
    for _ in range(10):
        change_often(api, row, 10)
    first = api.server.running.store.read(journal.first)
    good = await events_of(api, f"eventNames=journal&cursor=1.{first - 1}", 1)
    assert good[0]["cursor"] == f"1.{first}"
    lost = await events_of(api, f"eventNames=journal&cursor=1.{first - 2}", 1)
    assert lost[0]["name"] == "resync"


NO_CURSORS = ("x", "1", "1.", ".1", "1.-1", "0.1", "1.01", "1.1.1", "", "1.1٣", "NOW", "1." + "9" * 19)


@pytest.mark.parametrize("cursor", NO_CURSORS)
async def test_what_is_no_cursor_is_refused(api: Api, cursor: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await api.socket(f"{api.url}/subscribe?eventNames=journal&cursor={cursor}")
    assert refused.value.status == 422
    if cursor:
        accept = {"Accept": "text/event-stream"}
        error = await api.ask("GET", f"subscribe?eventNames=journal&cursor={cursor}", 422, headers=accept)
        assert (error["code"], error["fieldName"]) == ("InvalidFormat", "cursor")


async def test_the_two_forms_cannot_be_asked_for_at_once(api: Api) -> None:
    accept = {"Accept": "text/event-stream"}
    query = "eventNames=journal&eventNames=resource.change"
    error = await api.ask("GET", f"subscribe?{query}", 422, headers=accept)
    assert (error["code"], error["fieldName"]) == ("InvalidOption", "eventNames")


# --- server-sent events -----------------------------------------------------------------------------------------------


async def test_server_sent_events_are_for_who_accepts_them(api: Api) -> None:
    headers = {**api.headers, "Accept": "text/event-stream"}
    async with api.session.get(f"{api.url}/subscribe?eventNames=journal", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-API-Schemas"] == f"{api.url}/schemas"
        assert (await answer.content.readline()).startswith(b"id: 1.")
        assert json.loads((await answer.content.readline())[len("data: ") :])["name"] == "ping"
        assert await answer.content.readline() == b"\n"
        await asyncio.to_thread(api.server.stop)
        rest = await answer.content.read()
        assert rest.endswith(b": the server ends\n\n")


async def test_what_a_browser_says_it_has_seen_wins_over_the_cursor_of_the_url(api: Api) -> None:
    row = make(api)
    old = here(api)
    change_often(api, row, 5)
    headers = {**api.headers, "Accept": "text/event-stream", "Last-Event-ID": f"1.{int(old[2:]) + 3}"}
    url = f"{api.url}/subscribe?eventNames=journal&cursor={old}"
    async with api.session.get(url, headers=headers) as answer:
        ids = [await answer.content.readuntil(b"\n\n") for _ in range(3)]
    assert [line.partition(b"\n")[0] for line in ids[1:]] == [f"id: 1.{int(old[2:]) + n}".encode() for n in (4, 5)]


async def test_server_sent_events_are_refused_like_any_request(api: Api) -> None:
    accept = {"Accept": "text/event-stream"}
    error = await api.ask("GET", "subscribe?eventNames=journal", 401, headers=accept | basic("nobody", "nothing"))
    assert error["type"] == "error"
    admin = Api(api.server, api.session, "admin-credentials.env")
    await admin.ask("GET", f"{api.server.url}/v1/subscribe?eventNames=journal", 404, headers=accept)


async def test_a_post_goes_on_from_a_cursor_too(api: Api) -> None:
    row = make(api)
    cursor = here(api)
    change_often(api, row, 2)
    body = {"eventNames": ["journal"], "cursor": cursor}
    async with api.session.post(f"{api.url}/subscribe", json=body, headers=api.headers) as answer:
        lines = [json.loads(await answer.content.readuntil(events_padding())) for _ in range(3)]
    assert [event["name"] for event in lines] == ["ping", "journal", "journal"]


def events_padding() -> bytes:
    return b" " * 512 + b"\n"


# --- slow readers -----------------------------------------------------------------------------------------------------

BIG = "x" * 20_000


async def paused(api: Api, query: str) -> Any:
    """Return a websocket whose reader stopped reading after the first ping."""
    socket = await api.socket(f"{api.url}/subscribe?{query}", max_msg_size=0)
    assert (await socket.receive_json())["name"] == "ping"
    socket._response.connection.transport.pause_reading()
    return socket


async def test_who_does_not_read_is_let_go_holds_nobody_up_and_goes_on_where_it_was(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "STUCK_AFTER_S", 1.0)
    monkeypatch.setattr(channel_exact, "KEEP_EVENTS", 200)
    start = here(api)
    stuck = await paused(api, f"eventNames=journal&cursor={start}")
    other = Reader(server_of(api), api.session, start)
    reading = asyncio.create_task(other.run())
    row = make(api)
    slowest = 0.0

    async def is_let_go() -> bool:
        nonlocal slowest
        await asyncio.to_thread(change_often, api, row, 20, BIG[:1000])
        began, goal = time.monotonic(), entries_of(api)[-1]["seq"]
        await eventually_async(lambda: other.seq >= goal)
        slowest = max(slowest, time.monotonic() - began)
        return REGISTRY.get_sample_value("trailboss_subscribers") == 1

    await eventually_async(is_let_go, within=90)
    assert slowest < 5
    stuck._response.connection.transport.resume_reading()
    seen = [json.loads(m.data) async for m in stuck]
    assert stuck.close_code == 1013
    rest = await events_of(api, f"eventNames=journal&cursor={seen[-1]['cursor']}", 1)
    told = [e for e in seen if e["name"] == "journal"]
    assert rest[0]["data"]["entry"]["sequence"] == told[-1]["data"]["entry"]["sequence"] + 1
    other.end()
    await reading


async def test_who_is_overtaken_by_the_end_of_the_journal_is_told_to_list_again(
    api: Api, short_journal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "STUCK_AFTER_S", 300.0)
    start = here(api)
    slow = await paused(api, f"eventNames=journal&cursor={start}")
    row = make(api)
    for _ in range(100):  # 40 MB: more than the buffers of both sides hold
        await asyncio.to_thread(change_often, api, row, 10, BIG)
    slow._response.connection.transport.resume_reading()
    found: list[dict[str, Any]] = []
    goal = here(api)
    async with asyncio.timeout(60):
        async for message in slow:
            found.append(json.loads(message.data))
            if found[-1]["cursor"] == goal:
                break
    told = [event for event in found if event["name"] != "ping"]
    at = [event["name"] for event in told].index("resync")
    assert told[at]["data"]["reason"] == "expired"
    first = int(start[2:]) + 1
    assert [event["cursor"] for event in told[:at]] == [f"1.{n}" for n in range(first, first + at)]
    first = int(told[at]["cursor"][2:])
    assert [event["cursor"] for event in told[at:]] == [f"1.{n}" for n in range(first, first + len(told) - at)]


async def test_the_plain_form_ends_when_a_part_of_the_journal_is_gone(
    api: Api, monkeypatch: pytest.MonkeyPatch, short_journal: None
) -> None:
    stream = await api.socket(f"{api.url}/subscribe?eventNames=resource.change")
    await stream.receive_json()
    row = make(api)
    await stream.receive_json()
    store = api.server.running.store
    read = store.submit_read
    held = threading.Event()

    def slowly(fn: Any) -> Any:
        return read(lambda snapshot: held.wait(30) and fn(snapshot))

    monkeypatch.setattr(store, "submit_read", slowly)
    for _ in range(20):
        await asyncio.to_thread(change_often, api, row, 10)
    held.set()
    async with asyncio.timeout(30):
        while (await stream.receive()).type is aiohttp.WSMsgType.TEXT:
            continue
    assert stream.close_code == 1013
