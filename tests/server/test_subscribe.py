"""Subscriptions: what is told, to whom, in which order and how often; and every way in which one ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.server.live import Api, basic
from tests.waiting import eventually_async
from trailboss.api import channel_plain, feed, subscription
from trailboss.api.channel_plain import Backlog
from trailboss.resources.account import Project
from trailboss.resources.credential import ApiKey
from trailboss.resources.environment import Environment
from trailboss.resources.instance import Container
from trailboss.resources.seed import add_key
from trailboss.resources.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
CHANGES = "eventNames=resource.change"


class Subscriber:
    """Reads a subscription in the background."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            self.events.append(json.loads(message.data))

    @property
    def pings(self) -> int:
        return sum(e["name"] == "ping" for e in self.events)

    def changes(self, type_: str | None = None) -> list[dict[str, Any]]:
        found = [e for e in self.events if e["name"] == "resource.change"]
        return [e for e in found if type_ in (None, e["resourceType"])]

    async def started(self) -> Subscriber:
        await eventually_async(lambda: self.pings)
        return self


async def subscribed(api: Api, query: str = CHANGES, url: str | None = None, **options: Any) -> Subscriber:
    socket = await api.socket(f"{url or api.url}/subscribe?{query}", max_msg_size=0, **options)
    return await Subscriber(socket).started()


def stack(api: Api, **values: Any) -> Environment:
    store = api.server.running.store
    project = store.read(lambda r: r.find(Project, uuid="adminProject")[0].id)
    given = {"account_id": project, "name": "shop", "state": "active"} | values
    return store.write(lambda tx: tx.insert(Environment, **given))


def change(api: Api, row: Any, **values: Any) -> None:
    api.server.running.store.write(lambda tx: tx.change(tx.require(type(row), row.id), **values))


async def test_a_change_is_told_with_the_resource_as_it_would_be_read(api: Api) -> None:
    events = await subscribed(api)
    made = await api.ask("POST", "environments", 201, json={"name": "shop"})
    await eventually_async(lambda: [e for e in events.changes() if e["data"]["resource"]["state"] == "active"])
    event = events.changes()[-1]
    assert (event["resourceType"], event["resourceId"]) == ("environment", made["id"])
    assert event["data"]["resource"] == await api.ask("GET", f"environments/{made['id']}", 200)
    assert set(event) == {
        "id", "name", "resourceType", "resourceId", "data", "time", "replyTo", "publisher", "previousIds",
        "previousNames", "transitioning", "transitioningMessage", "transitioningInternalMessage",
        "transitioningProgress", "timeoutMillis", "context", "cursor",
    }  # fmt: skip


async def test_it_begins_with_a_ping_and_goes_on_pinging(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "PING_EVERY_S", 0.2)
    events = await subscribed(api)
    assert events.events[0]["name"] == "ping"
    await eventually_async(lambda: events.pings >= 4)


async def test_after_enough_pings_it_is_over(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "PING_EVERY_S", 0.05)
    monkeypatch.setattr(subscription, "MOST_PINGS", 3)
    events = await subscribed(api)
    async with asyncio.timeout(20):
        await events.reading
    assert (events.pings, events.socket.close_code) == (3, 1000)


async def test_many_changes_of_one_resource_are_told_once_a_second_and_the_last_one_is_told(api: Api) -> None:
    row = stack(api)
    events = await subscribed(api)
    started = asyncio.get_running_loop().time()
    for number in range(100):
        change(api, row, description=str(number))
    await eventually_async(lambda: events.changes() and events.changes()[-1]["data"]["resource"]["description"] == "99")
    took = asyncio.get_running_loop().time() - started
    assert len(events.changes()) <= took + 2


async def test_changes_of_many_resources_come_in_the_order_of_their_commits_and_none_is_left_out(api: Api) -> None:
    events = await subscribed(api)
    rows = [stack(api, name=f"s{n}") for n in range(300)]
    await eventually_async(lambda: len({e["resourceId"] for e in events.changes()}) == 300)
    first = list(dict.fromkeys(e["resourceId"] for e in events.changes()))
    assert first == [f"1e{row.id}" for row in rows]


async def test_a_slice_of_the_journal_is_not_the_end_of_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "SLICE", 7)
    events = await subscribed(api)
    store = api.server.running.store
    project = store.read(lambda r: r.find(Project, uuid="adminProject")[0].id)

    def many(tx: Any) -> None:
        for number in range(100):
            tx.insert(Environment, account_id=project, name=f"s{number}", state="active")

    store.write(many)
    await eventually_async(lambda: len(events.changes()) == 100)


async def test_included_links_are_in_the_resource(api: Api) -> None:
    row = stack(api)
    events = await subscribed(api, f"{CHANGES}&include=services&include=nonsense")
    store = api.server.running.store
    store.write(
        lambda tx: tx.insert(Service, account_id=row.account_id, name="web", environment_id=row.id, state="inactive")
    )
    change(api, row, description="new")
    await eventually_async(lambda: events.changes("environment"))
    resource = events.changes("environment")[-1]["data"]["resource"]
    assert [s["name"] for s in resource["services"]] == ["web"]


async def test_what_belongs_to_others_is_not_told(api: Api) -> None:
    events = await subscribed(api)
    store = api.server.running.store
    other = store.write(lambda tx: tx.insert(Project, kind="project", name="other", state="active"))
    stack(api, account_id=other.id, name="foreign")
    stack(api, name="own")
    await eventually_async(lambda: events.changes("environment"))
    assert [e["data"]["resource"]["name"] for e in events.changes("environment")] == ["own"]


async def test_types_that_the_subscriber_does_not_see_come_without_data(api: Api) -> None:
    events = await subscribed(api)
    store = api.server.running.store
    project = store.read(lambda r: r.find(Project, uuid="adminProject")[0].id)
    from trailboss.resources.agent import Agent

    store.write(lambda tx: tx.insert(Agent, account_id=project, state="active"))
    await eventually_async(lambda: events.changes("agent"))
    assert events.changes("agent")[0]["data"] is None


async def test_a_removed_resource_is_told_as_removed(api: Api) -> None:
    events = await subscribed(api)
    row = stack(api)
    change(api, row, state="removed", removed=1_700_000_000_000)
    await eventually_async(lambda: [e for e in events.changes() if e["data"]["resource"]["state"] == "removed"])
    assert events.changes()[-1]["data"]["resource"]["removed"] == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("eventNames=resource.*", True),
        ("eventNames=resource.change;account=1a7", True),
        ("eventNames=ping&eventNames=*", True),
        ("eventNames=ping", False),
        ("eventNames=resource", False),
    ],
)
async def test_names_are_patterns_and_what_follows_a_semicolon_is_dropped(api: Api, names: str, told: bool) -> None:
    events, all_ = await subscribed(api, names), await subscribed(api)
    stack(api)
    await eventually_async(lambda: all_.changes())
    if told:
        await eventually_async(lambda: events.changes())
    assert bool(events.changes()) == told


@pytest.mark.parametrize(("query", "status"), [("", 422), ("eventNames=a%20b", 422), ("eventNames=", 422)])
async def test_names_that_cannot_be_are_refused(api: Api, query: str, status: int) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await subscribed(api, query)
    assert refused.value.status == status


async def test_only_who_may_subscribe_can(api: Api) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await subscribed(api, headers=basic("nobody", "nothing"))
    assert refused.value.status == 401
    assert "WWW-Authenticate" not in (refused.value.headers or {})
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await subscribed(api, url=f"{api.server.url}/v1/projects/1a77")
    assert refused.value.status == 403
    admin = Api(api.server, api.session, "admin-credentials.env")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await subscribed(admin, url=f"{api.server.url}/v1")
    assert refused.value.status == 404
    scoped = await subscribed(admin)
    plain = await subscribed(api, url=f"{api.server.url}/v1")
    by_parameter = await subscribed(admin, f"{CHANGES}&projectId=1a5", url=f"{api.server.url}/v1")
    stack(api)
    await eventually_async(lambda: scoped.changes() and plain.changes() and by_parameter.changes())
    links = [s.changes()[0]["data"]["resource"]["links"]["self"] for s in (scoped, plain)]
    assert links[0].startswith(f"{api.server.url}/v1/projects/1a5/environments/")
    assert links[1].startswith(f"{api.server.url}/v1/environments/")


async def test_the_path_is_read_as_any_path_of_the_api(api: Api) -> None:
    for path in ("v1//Projects/1a5/SUBSCRIBE/", "v1/project/1a5/subscribe"):
        socket = await api.socket(f"{api.server.url}/{path}?{CHANGES}")
        assert (await Subscriber(socket).started()).pings
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await api.socket(f"{api.url}/containers?{CHANGES}")


async def test_a_page_of_another_origin_cannot_listen_with_a_persons_keys(api: Api) -> None:
    browser = {**api.headers, "User-Agent": "Mozilla/5.0"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await subscribed(api, headers={**browser, "Origin": "http://evil.example"})
    assert refused.value.status == 403
    await subscribed(api, headers={**browser, "Origin": api.server.url})


async def test_a_subscription_ends_with_the_key_that_began_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    store = api.server.running.store
    project = store.read(lambda r: r.find(Project, uuid="adminProject")[0].id)
    access, secret = store.write(lambda tx: add_key(tx, project, "a key"))
    events = await subscribed(api, headers=basic(access, secret))
    store.write(lambda tx: tx.change(tx.find(ApiKey, public_value=access)[0], state="inactive"))
    async with asyncio.timeout(20):
        await events.reading
    assert events.socket.close_code == 1008


async def test_who_does_not_read_is_let_go_and_others_hear_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "STUCK_AFTER_S", 1.0)
    monkeypatch.setattr(channel_plain, "EVERY_S", 0.01)
    stuck = await api.socket(f"{api.url}/subscribe?{CHANGES}")
    stuck._response.connection.transport.pause_reading()
    other = await subscribed(api)
    store = api.server.running.store
    project = store.read(lambda r: r.find(Project, uuid="adminProject")[0].id)
    row = stack(api, docker_compose="x" * 20_000)
    rows = [stack(api, name=f"s{n}", docker_compose="x" * 20_000) for n in range(300)]

    def again(tx: Any) -> None:
        for each in (*rows, row):
            fresh = tx.require(Environment, each.id)
            tx.change(fresh, description=str(int(fresh.description or 0) + 1))

    subscriptions = 2

    async def one_left() -> bool:
        nonlocal subscriptions
        await asyncio.to_thread(store.write, again)
        await asyncio.sleep(0.2)
        text = await (await api.session.get(f"{api.server.url}/metrics")).text()
        subscriptions = int(float(text.split("\ntrailboss_subscribers ")[1].split("\n")[0]))
        return subscriptions == 1

    await eventually_async(one_left, within=90)
    heard = len(other.changes())
    change(api, row, description="last")
    await eventually_async(lambda: len(other.changes()) > heard)
    assert project and not other.socket.closed


async def test_a_servers_end_ends_subscriptions(api: Api) -> None:
    events = await subscribed(api)
    await asyncio.to_thread(api.server.stop)
    async with asyncio.timeout(20):
        await events.reading
    assert events.socket.close_code == 1012


async def test_a_post_is_answered_with_an_endless_text(api: Api) -> None:
    asked = api.session.post(f"{api.url}/subscribe", json={"eventNames": ["resource.change"]}, headers=api.headers)
    async with asked as answer:
        assert answer.status == 200 and answer.content_type == "text/plain"
        first = await answer.content.readuntil(b" " * 512 + b"\n")
        assert json.loads(first)["name"] == "ping"
        stack(api)
        second = await answer.content.readuntil(b" " * 512 + b"\n")
        event, padding = second.split(b"\n", 1)
        assert json.loads(event)["resourceType"] == "environment"
        assert padding == b" " * 512 + b"\n"
    await eventually_async(lambda: not _listeners(api))


def _listeners(api: Api) -> bool:
    from prometheus_client import REGISTRY

    return bool(REGISTRY.get_sample_value("trailboss_subscribers"))


@pytest.mark.parametrize(("body", "status"), [("{", 400), ("[]", 400), ('{"eventNames": []}', 422)])
async def test_a_post_that_cannot_be_understood_is_refused(api: Api, body: str, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    error = await api.ask("POST", "subscribe", status, data=body, headers=headers)
    assert error["type"] == "error"


async def test_a_get_without_upgrade_is_an_empty_collection(api: Api) -> None:
    found = await api.ask("GET", "subscribe", 200)
    assert (found["type"], found["data"]) == ("collection", [])


async def test_changes_that_hosts_report_are_told(api: Api) -> None:
    from tests.server.live import connected_host
    from trailboss.wire.messages import Observation

    host = await connected_host(api)
    container = api.container(await host.id(), seen_state=None, seen_epoch=0, state="starting", address="10.0.0.1")
    events = await subscribed(api)
    await host.report(Observation(container.uuid, container.slot, 1, "running", docker_id="d" * 64))
    await eventually_async(
        lambda: [e for e in events.changes("container") if e["data"]["resource"]["externalId"] == "d" * 64]
    )
    store = api.server.running.store
    assert store.read(lambda r: r.get(Container, container.id).external_id) == "d" * 64


# --- what is still to be told -------------------------------------------------------------------------------------


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(backlog: Backlog, most: int = 10) -> list[tuple[str, int]]:
    return [due.key for due in backlog.take(most)]


def test_a_first_change_is_due_at_once_and_the_next_of_the_same_a_second_later() -> None:
    clock = Clock()
    backlog = Backlog(1.0, clock)
    backlog.add(("a", 1), 1)
    backlog.add(("b", 2), 2)
    assert taken(backlog) == [("a", 1), ("b", 2)]
    clock.now += 0.4
    backlog.add(("a", 1), 3)
    backlog.add(("a", 1), 4)
    backlog.add(("c", 3), 5)
    assert taken(backlog) == [("c", 3)]
    assert backlog.next_due() == 101.0
    clock.now = 101.0
    assert taken(backlog) == [("a", 1)]
    assert backlog.next_due() is None and len(backlog) == 0


def test_no_more_is_taken_than_asked_for_and_what_was_told_is_forgotten_in_time() -> None:
    clock = Clock()
    backlog = Backlog(1.0, clock)
    for number in range(10):
        backlog.add(("a", number), number + 1)
    assert taken(backlog, 4) == [("a", n) for n in range(4)]
    assert len(backlog) == 6
    clock.now += 2
    assert len(taken(backlog)) == 6
    clock.now += 2
    taken(backlog)
    assert backlog._told == {}


def test_nothing_that_is_still_to_be_told_is_before_the_position_of_an_event() -> None:
    clock = Clock()
    backlog = Backlog(1.0, clock, heard=10)
    assert backlog.behind == 10
    for seq, key in ((11, "a"), (13, "b"), (14, "a"), (15, "c")):
        backlog.add((key, 1), seq)
    backlog.heard = 20
    assert backlog.behind == 10
    assert [due.behind for due in backlog.take(2)] == [12, 14]
    backlog.add(("a", 1), 21)
    backlog.add(("d", 1), 22)
    assert [due.behind for due in backlog.take(5)] == [20, 20], "a is due in a second, and was changed by 21"
    assert backlog.behind == 20
    clock.now += 1
    backlog.heard = 30
    assert [due.behind for due in backlog.take(5)] == [30]
    assert backlog.behind == 30


async def test_behind_a_proxy_links_in_changes_begin_with_its_address(api: Api) -> None:
    proxy = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "boss.example"}
    subscriber = await subscribed(api, headers={**api.headers, **proxy})
    made = stack(api)
    await eventually_async(lambda: subscriber.changes("environment"))
    shown = subscriber.changes("environment")[0]["data"]["resource"]
    assert shown["id"] == f"1e{made.id}"
    urls = [*shown["links"].values(), *shown["actions"].values()]
    assert len(urls) > 3
    assert [url for url in urls if not url.startswith("https://boss.example/v1/projects/1a5/")] == []
