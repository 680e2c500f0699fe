"""Whoever may not ask any more is not told anything either: open websockets end within seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.server.conftest import StartServer
from tests.server.live import Api, LiveHost, connected_host
from tests.waiting import eventually_async
from trailboss import states
from trailboss.resources.account import Account
from trailboss.resources.login_token import LoginToken
from trailboss.resources.project_member import ProjectMember
from trailboss.resources.setting import store, value_of
from trailboss.store.transaction import Tx
from trailboss.wire.messages import OpenStream

pytestmark = pytest.mark.anyio

WITHIN_S = 5.0
"""From the change to the end of what is open; and some time for a machine that has other things to do."""
SLACK_S = 3.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def api(start_server: StartServer) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(start_server(), session)


class Person:
    """Somebody who is logged in, a member of the environment, and reads its changes and a container's output."""

    def __init__(self, api: Api, host: LiveHost) -> None:
        self.api, self.host = api, host

    async def arrive(self) -> None:
        api = self.api
        admin = Api(api.server, api.session, "admin-credentials.env")
        admin.url = f"{api.server.url}/v1"
        config = {"username": "root", "password": "r", "enabled": True}
        await admin.ask("POST", "localauthconfigs", 201, json=config)
        account = await admin.ask("POST", "accounts", 201, json={"kind": "user", "name": "bob"})
        self.number = int(account["id"][2:])
        values = {"accountId": account["id"], "publicValue": "bob", "secretValue": "b"}
        row = await admin.ask("POST", "passwords", 201, json=values)

        async def active() -> bool:
            found = await admin.ask("GET", f"passwords/{row['id']}", 200)
            return bool(found["state"] == "active")

        await eventually_async(active)
        people = [{"externalId": "1a1", "role": "owner"}, {"externalId": account["id"], "role": "member"}]
        await admin.ask("POST", "projects/1a5?action=setmembers", 200, json={"members": people})
        async with api.session.post(f"{admin.url}/token", json={"code": "bob:b"}) as answer:
            assert answer.status == 201, await answer.text()
            self.headers = {"Authorization": f"Bearer {(await answer.json())['jwt']}"}

    async def listen(self) -> list[Any]:
        """Return the open websockets: of the change stream, and of a container's output."""
        url = f"{self.api.url}/subscribe?eventNames=resource.change"
        changes = await self.api.socket(url, headers=self.headers)
        container = self.api.container(await self.host.id())
        path = f"containers/1i{container.id}/?action=logs"
        access = await self.api.ask("POST", path, 200, json={}, headers=self.headers)
        logs = await self.api.session.ws_connect(f"{access['url']}?token={access['token']}")
        order = await self.host.first(OpenStream)
        self.side = await self.api.session.ws_connect(
            f"{self.api.server.url}/agent/streams/{order.id}?token={order.token}"
        )
        return [changes, logs]

    def change(self, what: str) -> None:
        def run(tx: Tx) -> None:
            account = tx.require(Account, self.number)
            if what == "log out":
                states.end(tx, tx.find(LoginToken, account_id=self.number)[0])
            elif what == "deactivate":
                states.begin(tx, account, "deactivate")
            elif what == "change kind":
                tx.change(account, kind="admin")
            elif what == "expire":
                tx.change(tx.find(LoginToken, account_id=self.number)[0], expires=tx.now)
            else:
                states.end(tx, tx.find(ProjectMember, external_id=str(self.number))[0])

        self.api.server.running.store.write(run)

    async def is_refused(self) -> bool:
        async with self.api.session.get(f"{self.api.url}/hosts", headers=self.headers) as answer:
            return answer.status in (401, 403)


async def ended(socket: Any) -> int | None:
    async for _ in socket:
        pass
    code: int | None = socket.close_code
    return code


@pytest.mark.parametrize("what", ["log out", "expire", "deactivate", "change kind", "lose membership"])
async def test_open_websockets_end_with_what_they_began_with(api: Api, what: str) -> None:
    person = Person(api, await connected_host(api))
    await person.arrive()
    sockets = await person.listen()
    assert not await person.is_refused()
    person.change(what)
    changed_at = time.monotonic()
    assert await person.is_refused(), "requests at once"
    async with asyncio.timeout(WITHIN_S + SLACK_S):
        codes = [await ended(socket) for socket in sockets]
    assert codes == [1008, 1008], f"{time.monotonic() - changed_at:.1f} s"


async def test_a_token_for_a_stream_counts_for_nothing_once_its_owner_may_not_read(api: Api) -> None:
    host = await connected_host(api)
    person = Person(api, host)
    await person.arrive()
    container = api.container(await host.id())
    access = await api.ask("POST", f"containers/1i{container.id}/?action=logs", 200, json={}, headers=person.headers)
    person.change("log out")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await api.session.ws_connect(f"{access['url']}?token={access['token']}")
    assert refused.value.status == 401


def test_a_restart_does_not_open_what_was_closed_through_the_api(start_server: StartServer) -> None:
    def is_controlled(server: Any) -> str:
        found: str = server.running.store.read(lambda read: value_of(read, "api.security.enabled"))
        return found

    first = start_server(access_control="off")
    assert is_controlled(first) == "false"
    first.running.store.write(lambda tx: store(tx, "api.security.enabled", "true"))
    first.stop()
    second = start_server(access_control="off")
    assert is_controlled(second) == "true"
    second.running.store.write(lambda tx: store(tx, "api.security.enabled", "false"))
    second.stop()
    third = start_server()
    assert is_controlled(third) == "true", "on is on at every start"
    third.stop()
    assert is_controlled(start_server(access_control="off")) == "false", "the operator has said so anew"
