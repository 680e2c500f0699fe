"""The agents' websocket over a real port: who is let in, what is said, and with which words it ends."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from typing import Any

import aiohttp
import pytest

from tests.server.live import Api, LiveHost, basic, connected_host
from tests.waiting import eventually_async
from trailboss.agent.register import register
from trailboss.errors import Permanent
from trailboss.resources.agent import Agent
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.register import Register
from trailboss.resources.setting import store as store_setting
from trailboss.server.process import LARGEST_MESSAGE
from trailboss.store import journal
from trailboss.wire import messages
from trailboss.wire.messages import Assignment, Observation

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_registered_host_becomes_active(api: Api) -> None:
    host = await connected_host(api)

    async def active() -> Any:
        return [h for h in (await api.ask("GET", "hosts", 200))["data"] if h["state"] == "active"]

    (row,) = await eventually_async(active)
    assert (row["name"], row["agentState"]) == ("node", "active")
    await host.first(Assignment, lambda a: a.full)
    await host.first(messages.Directory)


@pytest.mark.parametrize("given", [None, ("nobody", "nothing"), ("", "")])
async def test_without_a_good_key_nobody_gets_in(api: Api, given: tuple[str, str] | None) -> None:
    headers = basic(*given) if given else None
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await api.session.ws_connect(f"{api.server.url}/agent/connect", headers=headers)
    assert refused.value.status == 401


async def test_the_key_of_a_person_is_not_one_of_an_agent(api: Api) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await api.socket(f"{api.server.url}/agent/connect")
    assert refused.value.status == 401


async def test_a_message_that_cannot_be_read_ends_the_connection_in_words(api: Api) -> None:
    access, secret, _ = await api.register()
    for text in ("this is no JSON", '{"type":"hello","protocol":"one"}', "[]"):
        async with api.socket(f"{api.server.url}/agent/connect", headers=basic(access, secret)) as socket:
            await socket.send_str(text)
            answer = await socket.receive(20)
            assert (answer.type, answer.data) == (aiohttp.WSMsgType.CLOSE, messages.CLOSE_MALFORMED)
            assert answer.extra.startswith("the message cannot be read")


def expire_tokens(api: Api) -> None:
    """End every registration token at once."""
    store = api.server.running.store
    store.write(lambda tx: store_setting(tx, "registration.token.period.millis", "0"))


async def test_the_join_command_fails_when_its_token_has_expired(api: Api) -> None:
    await api.token()
    (row,) = (await api.ask("GET", "registrationtokens", 200))["data"]

    def join() -> subprocess.CompletedProcess[str]:
        command = row["command"].removeprefix("sudo ")
        return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)

    assert (await asyncio.to_thread(join)).returncode == 0
    expire_tokens(api)
    refused = await asyncio.to_thread(join)
    assert refused.returncode != 0
    assert "404" in refused.stderr


async def test_an_agent_with_an_expired_token_is_told_so_and_one_that_has_joined_comes_back(api: Api) -> None:
    joined = await connected_host(api)
    token, store = await api.token(), api.server.running.store
    expire_tokens(api)
    before = store.read(lambda read: len(read.find(Register)))
    with pytest.raises(Permanent, match=r"refuses the registration token: .* has expired"):
        await register(api.session, api.server.url, token, "n" * 32)
    assert store.read(lambda read: len(read.find(Register))) == before
    await joined.socket.close()
    await joined.ended()
    first = await joined.id()
    joined.heard.clear()
    await joined.connect()
    assert await joined.id() == first


async def test_registering_again_ends_the_session_of_the_old_key(api: Api) -> None:
    token = await api.token()
    old = LiveHost(api, *await api.keys(token, "k" * 32))
    await old.connect()
    await old.id()
    new = LiveHost(api, *await api.keys(token, "k" * 32))
    await old.ended()
    assert old.socket.close_code == messages.CLOSE_REVOKED
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await old.connect()
    assert refused.value.status == 401
    await new.connect()
    assert await new.id() == await old.id()


async def test_a_removed_host_is_let_go_and_its_agent_refused(api: Api) -> None:
    host = await connected_host(api)
    id = await host.id()

    async def active() -> bool:
        return bool((await api.ask("GET", f"hosts/1h{id}", 200))["state"] == "active")

    await eventually_async(active)
    await api.ask("POST", f"hosts/1h{id}/?action=deactivate", 202)

    async def removed() -> bool:
        async with api.session.delete(f"{api.url}/hosts/1h{id}", headers=api.headers) as answer:
            return answer.status == 200

    await eventually_async(removed)
    await host.ended()
    assert host.socket.close_code == messages.CLOSE_GONE
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await host.connect()
    assert refused.value.status in (401, 403)


async def test_a_request_id_goes_all_the_way_to_the_host_and_back(api: Api) -> None:
    host = await connected_host(api)
    container = api.container(await host.id())
    headers = {"X-Request-Id": "from-far-away"}
    await api.ask("POST", f"containers/1i{container.id}/?action=stop", 202, json={}, headers=headers)
    assignment = await host.first(Assignment, lambda a: any(r.desired == "stopped" for r in a.records))
    (record,) = assignment.records
    assert record.cause == "from-far-away"
    await host.report(Observation(record.container, record.slot, record.epoch, "exited", cause=record.cause))
    store = api.server.running.store
    await eventually_async(lambda: store.read(lambda r: r.get(Container, container.id).state) == "stopped")
    entries = store.read(lambda r: journal.after(r, 0))
    stopped = [e for e in entries if e["type"] == "container" and e["change"].get("state", [None])[-1] == "stopped"]
    assert [e["cause"] for e in stopped] == ["from-far-away"]


async def test_an_agent_that_died_before_it_kept_its_keys_asks_for_them_again(api: Api) -> None:
    token, key = await api.token(), "k" * 32
    first = await register(api.session, api.server.url, token, key)
    assert await register(api.session, api.server.url, token, key) == first
    await LiveHost(api, *first).connect()


async def test_an_agent_whose_keys_are_not_shown_any_more_registers_again(api: Api) -> None:
    token, key = await api.token(), "k" * 32
    first = await register(api.session, api.server.url, token, key)
    store = api.server.running.store
    store.write(lambda tx: [tx.change(r, access_key=None, secret_key=None) for r in tx.find(Register)])
    second = await register(api.session, api.server.url, token, key)
    assert second != first
    host = LiveHost(api, *second)
    await host.connect()
    await host.id()
    assert len(store.read(lambda read: read.find(Agent))) == 1


async def test_a_big_inventory_fits(api: Api) -> None:
    access, secret, _ = await api.register()
    host = LiveHost(api, access, secret)
    many = [Observation(f"unknown-{n}", f"slot-{n}", 1, "unknown", message="x" * 1000) for n in range(3000)]
    await host.connect(inventory=many)
    await host.first(Assignment)


async def test_a_message_that_is_far_too_big_is_not_read(api: Api) -> None:
    access, secret, _ = await api.register()
    async with api.socket(f"{api.server.url}/agent/connect", headers=basic(access, secret)) as socket:
        # the server may hang up before all of it has left
        with contextlib.suppress(ConnectionError):
            await socket.send_str("x" * (LARGEST_MESSAGE + 1))
        answer = await socket.receive(20)
        assert answer.data == 1009 or answer.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_a_servers_end_is_told_and_no_agent_is_lost_by_it(api: Api) -> None:
    host = await connected_host(api)
    data = api.server.running.data
    await asyncio.to_thread(api.server.stop)
    await host.ended()
    assert host.socket.close_code == messages.CLOSE_RESTART
    assert data.exists()


async def test_a_host_that_falls_silent_is_shown_as_such_within_eight_seconds(api: Api) -> None:
    host = await connected_host(api)
    id = await host.id()
    store = api.server.running.store
    await eventually_async(lambda: store.read(lambda r: r.get(Host, id).agent_state) == "reconnecting", within=8.5)
    agent_id = store.read(lambda r: r.get(Host, id).agent_id)
    # and so it stays, although the engine has looked at it
    await eventually_async(lambda: "does not answer" in (store.read(lambda r: r.get(Agent, agent_id).message) or ""))
    assert store.read(lambda r: r.get(Agent, agent_id).state) == "reconnecting"
