"""Logs, from the action to the last line: tokens, relay, back-pressure, and every way in which it ends."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import socket
from typing import Any

import aiohttp
import pytest

from tests.server.live import Api, LiveHost, basic, connected_host
from tests.waiting import eventually_async
from trailboss.api import streams
from trailboss.api.streams import Lines, Tokens
from trailboss.errors import ApiError
from trailboss.wire.messages import OpenStream

pytestmark = pytest.mark.anyio


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def encoded(value: dict[str, Any]) -> str:
    return text(json.dumps(value).encode())


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def access_to(api: Api, host: LiveHost, **asked: Any) -> dict[str, Any]:
    container = api.container(await host.id())
    found: dict[str, Any] = await api.ask("POST", f"containers/1i{container.id}/?action=logs", 200, json=asked)
    return found


async def opened(api: Api, host: LiveHost, access: dict[str, Any]) -> tuple[Any, Any]:
    """Return both ends of a stream: the client's websocket and the host's."""
    client = await api.session.ws_connect(f"{access['url']}?token={access['token']}", autoclose=True)
    order = await host.first(OpenStream)
    side = await api.session.ws_connect(f"{api.server.url}/agent/streams/{order.id}?token={order.token}")
    return client, side


async def test_lines_come_through_one_by_one_wherever_the_chunks_end(api: Api) -> None:
    host = await connected_host(api)
    access = await access_to(api, host, lines=7, follow=False)
    assert access["type"] == "hostAccess"
    assert access["url"] == api.server.url.replace("http", "ws") + "/v1/logs/"
    client, side = await opened(api, host, access)
    order = await host.first(OpenStream)
    assert (order.kind, order.options) == ("logs", {"lines": 7, "follow": False, "timestamps": True})
    text = "01 2026-11-25T08:00:00.1Z one\n02 2026-11-25T08:00:00.2Z zwei ü\n01 2026-11-25T08:00:00.3Z last"
    data = text.encode()
    for start in range(0, len(data), 13):
        await side.send_bytes(data[start : start + 13])
    await side.close()
    lines = [message.data async for message in client]
    assert lines == text.split("\n")
    assert client.close_code == 1000


async def test_the_token_may_come_in_a_header(api: Api) -> None:
    host = await connected_host(api)
    access = await access_to(api, host)
    client = await api.session.ws_connect(access["url"], headers={"Authorization": f"Bearer {access['token']}"})
    await host.first(OpenStream)
    await client.close()


async def test_a_token_is_good_once_and_a_wrong_one_never(api: Api) -> None:
    host = await connected_host(api)
    access = await access_to(api, host)
    client, _ = await opened(api, host, access)
    for token in (access["token"], access["token"][:-2], "", "a.b.c"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await api.session.ws_connect(f"{access['url']}?token={token}")
        assert refused.value.status == 401
    await client.close()


async def test_what_was_forged_or_is_for_something_else_opens_no_stream(api: Api) -> None:
    host = await connected_host(api)
    access = await access_to(api, host)
    header, claims, signature = access["token"].split(".")
    changed = encoded({**decoded(claims), "hostId": 99})
    none, empty = encoded({"alg": "none"}), hmac.digest(b"", f"{header}.{claims}".encode(), "sha256")
    forged = {
        "algorithm none": f"{none}.{claims}.",
        "algorithm none with a signature": f"{none}.{claims}.{signature}",
        "signed with an empty key": f"{header}.{claims}.{text(empty)}",
        "other claims": f"{header}.{changed}.{signature}",
        "of another server": Tokens().make(decoded(claims)),
        "a registration token": await api.token(),
        "an API key": api.headers["Authorization"].split()[1],
    }
    for what, token in forged.items():
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await api.session.ws_connect(access["url"], headers={"Authorization": f"Bearer {token}"})
        assert refused.value.status == 401, what
    client, _ = await opened(api, host, access)
    await client.close()


async def test_a_token_of_a_stream_opens_nothing_else(api: Api) -> None:
    host = await connected_host(api)
    token = (await access_to(api, host))["token"]
    for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"token={token}"}, basic("x-api-bearer", token)):
        async with api.session.get(f"{api.url}/hosts", headers=headers) as answer:
            assert answer.status == 401
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await api.session.ws_connect(f"{api.server.url}/agent/connect", headers=headers)
        assert refused.value.status == 401


async def test_nobody_but_the_host_that_was_asked_can_send(api: Api) -> None:
    host = await connected_host(api)
    access = await access_to(api, host)
    client = await api.session.ws_connect(f"{access['url']}?token={access['token']}")
    order = await host.first(OpenStream)
    url = f"{api.server.url}/agent/streams"
    for path in (f"{order.id}?token=guessed", f"{order.id}", f"unknown?token={order.token}"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await api.session.ws_connect(f"{url}/{path}")
        assert refused.value.status == 403
    side = await api.session.ws_connect(f"{url}/{order.id}?token={order.token}")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await api.session.ws_connect(f"{url}/{order.id}?token={order.token}")
    await side.close()
    await client.close()


async def test_a_reader_that_leaves_ends_the_hosts_side(api: Api) -> None:
    host = await connected_host(api)
    client, side = await opened(api, host, await access_to(api, host))
    await client.close()
    assert (await side.receive(20)).type == aiohttp.WSMsgType.CLOSE


async def test_what_went_wrong_on_the_host_is_told_to_the_reader(api: Api) -> None:
    host = await connected_host(api)
    client, side = await opened(api, host, await access_to(api, host))
    await side.close(code=1011, message=b"no such container")
    message = await client.receive(20)
    assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 1011, "no such container")


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (1001, "the agent of the host ends", (1013, "the agent of the host ends")),
        (1013, "Docker does not answer", (1013, "Docker does not answer")),
        (None, "", (1013, streams.HOST_WENT)),
    ],
)
async def test_a_host_that_goes_first_leaves_a_stream_that_may_be_opened_again(
    api: Api, code: int | None, reason: str, told: tuple[int, str]
) -> None:
    host = await connected_host(api)
    client, side = await opened(api, host, await access_to(api, host))
    if code is None:
        side.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    else:
        await side.close(code=code, message=reason.encode())
    message = await client.receive(20)
    assert (message.data, message.extra) == told


async def test_a_host_that_does_not_open_the_stream_is_waited_for_so_long(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "DIAL_WITHIN_S", 0.2)
    host = await connected_host(api)
    access = await access_to(api, host)
    client = await api.session.ws_connect(f"{access['url']}?token={access['token']}")
    message = await client.receive(20)
    assert message.data == 1013 and "did not open the stream" in message.extra


async def test_a_host_that_is_away_is_named_when_logs_are_asked_for(api: Api) -> None:
    host = await connected_host(api)
    container = api.container(await host.id())
    await host.socket.close()
    running = api.server.running
    await eventually_async(lambda: not running.dispatcher.sessions)
    error = await api.ask("POST", f"containers/1i{container.id}/?action=logs", 503, json={})
    assert error["code"] == "HostNotConnected" and "host" in error["message"]


async def test_a_slow_reader_slows_the_host_down_and_loses_nothing(api: Api) -> None:
    host = await connected_host(api)
    client, side = await opened(api, host, await access_to(api, host))
    chunk = b"".join(b"01 2026-11-25T08:00:00Z %0960d\n" % n for n in range(64))
    sent = 0

    async def pour() -> None:
        nonlocal sent
        while sent < 400:
            await side.send_bytes(chunk)
            sent += 1
        await side.close()

    pouring = asyncio.create_task(pour())
    # nobody reads: buffers on the way fill up, and then the sender stands still
    before = -1
    while before != sent:
        before = sent
        await asyncio.sleep(1.0)
    assert sent < 400
    count = 0
    async for _ in client:
        count += 1
    await pouring
    assert count == 400 * 64


async def test_a_servers_end_ends_the_streams(api: Api) -> None:
    host = await connected_host(api)
    client, side = await opened(api, host, await access_to(api, host))
    await asyncio.to_thread(api.server.stop)
    assert (await client.receive(20)).data == 1012
    assert (await side.receive(20)).type == aiohttp.WSMsgType.CLOSE


def test_a_token_expires() -> None:
    now = 1000.0
    tokens = Tokens(clock=lambda: now)
    early, late = tokens.make({"hostId": 1}), tokens.make({"hostId": 2})
    assert tokens.redeem(early)["hostId"] == 1
    now += streams.LIFETIME_S + 1
    with pytest.raises(ApiError, match="expired"):
        tokens.redeem(late)
    now += 1
    tokens.redeem(tokens.make({}))
    assert len(tokens.spent) == 1


def test_a_line_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST_LINE", 10)
    lines = Lines()
    assert lines.feed(b"12345") == []
    assert lines.feed(b"67890ab") == ["1234567890ab"]
    assert lines.feed(b"\nrest") == [""]
    assert lines.end() == ["rest"]
