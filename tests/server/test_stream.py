"""The exact form of the change stream: what is told of a change, to whom, from which cursor on, and in which forms."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from tests.databases import postgres as postgres
from tests.server.live import Api, basic
from tests.server.streaming import (
    Server,
    assert_equal,
    by_http,
    by_socket,
    change_often,
    entries_of,
    events_of,
    here,
    make,
    project_of,
    server_of,
)
from tests.waiting import eventually_async
from trailboss.api import events, subscription
from trailboss.resources.account import Account, Project
from trailboss.resources.agent import Agent
from trailboss.resources.credential import ApiKey
from trailboss.resources.environment import Environment
from trailboss.resources.project_member import ProjectMember
from trailboss.resources.seed import add_key
from trailboss.store import journal

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


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
