"""Whoever may not ask any more is not told anything either: open websockets end within seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.server.conftest import StartServer
from tests.server.live import Api, LiveHost, basic, connected_host
from tests.waiting import eventually_async
from trailboss import states
from trailboss.resources.account import Account
from trailboss.resources.credential import AgentApiKey, ApiKey
from trailboss.resources.login_token import LoginToken
from trailboss.resources.project_member import ProjectMember
from trailboss.resources.seed import add_key
from trailboss.resources.setting import store, value_of
from trailboss.store.transaction import Tx
from trailboss.wire import messages
from trailboss.wire.messages import OpenStream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

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
    """Somebody who is a member of the environment, and reads its changes and a container's output, in each way in which
    a person asks: by a login in a header, another one in a cookie, and an API key."""

    def __init__(self, api: Api, host: LiveHost) -> None:
        self.api, self.host = api, host
        self.ways: dict[str, dict[str, str]] = {}
        self.seen: set[str] = set()
        self.sides: list[Any] = []

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
        key = api.server.running.store.write(lambda tx: add_key(tx, self.number, "a key"))
        self.ways = {
            "login in a header": {"Authorization": f"Bearer {await self._token()}"},
            "login in a cookie": {"Cookie": f"token={await self._token()}"},
            "API key": basic(*key),
        }

    async def _token(self) -> str:
        async with self.api.session.post(f"{self.api.server.url}/v1/token", json={"code": "bob:b"}) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["jwt"])

    async def listen(self, way: str) -> list[Any]:
        """Return the open websockets: of the change stream, and of a container's output."""
        url = f"{self.api.url}/subscribe?eventNames=resource.change"
        changes = await self.api.session.ws_connect(url, headers=self.ways[way])
        access = await self.access(way)
        logs = await self.api.session.ws_connect(f"{access['url']}?token={access['token']}")
        order = await self.host.first(OpenStream, lambda order: order.id not in self.seen)
        self.seen.add(order.id)
        url = f"{self.api.server.url}/agent/streams/{order.id}?token={order.token}"
        self.sides.append(await self.api.session.ws_connect(url))
        return [changes, logs]

    async def access(self, way: str) -> Any:
        """Return what leads to a container's output."""
        container = self.api.container(await self.host.id())
        async with self.api.session.post(
            f"{self.api.url}/containers/1i{container.id}/?action=logs", json={}, headers=self.ways[way]
        ) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def suffer(self, what: str) -> None:
        """Do to the person, or to its keys and logins, what makes them worthless."""
        if what == "log out":
            for way in LOGINS:
                url = f"{self.api.server.url}/v1/token/current"
                async with self.api.session.delete(url, headers=self.ways[way]) as answer:
                    assert answer.status == 200, await answer.text()
            return

        def run(tx: Tx) -> None:
            account = tx.require(Account, self.number)
            proofs = [*tx.find(LoginToken, account_id=self.number), *tx.find(ApiKey, account_id=self.number)]
            if what == "revoke":
                for proof in proofs:
                    states.begin(tx, proof, "deactivate")
            elif what == "expire":
                for proof in proofs:
                    tx.change(proof, expires=tx.now)
            elif what == "disable the owner":
                states.begin(tx, account, "deactivate")
            elif what == "remove the owner":
                states.end(tx, account)
            elif what == "change its kind":
                tx.change(account, kind="admin")
            else:
                states.end(tx, tx.find(ProjectMember, external_id=str(self.number))[0])

        self.api.server.running.store.write(run)

    async def is_refused(self, way: str) -> bool:
        async with self.api.session.get(f"{self.api.url}/hosts", headers=self.ways[way]) as answer:
            return answer.status in (401, 403)


LOGINS = ("login in a header", "login in a cookie")
HAPPENS = {
    "log out": LOGINS,
    "change its kind": LOGINS,  # a key acts as what its account is now
    **dict.fromkeys(
        ("revoke", "expire", "disable the owner", "remove the owner", "lose membership"), (*LOGINS, "API key")
    ),
}
"""What can happen, and what of a person ends with it."""


async def ended(socket: Any) -> int | None:
    async for _ in socket:
        pass
    code: int | None = socket.close_code
    return code


@pytest.mark.parametrize("what", HAPPENS)
async def test_open_websockets_end_with_what_they_began_with(api: Api, what: str) -> None:
    person = Person(api, await connected_host(api))
    await person.arrive()
    sockets = [socket for way in HAPPENS[what] for socket in await person.listen(way)]
    assert not any([await person.is_refused(way) for way in person.ways])
    await person.suffer(what)
    changed_at = time.monotonic()
    refused = [way for way in person.ways if await person.is_refused(way)]
    assert refused == list(HAPPENS[what]), "requests at once, and nothing else"
    async with asyncio.timeout(WITHIN_S + SLACK_S):
        codes = await asyncio.gather(*(ended(socket) for socket in sockets))
    assert set(codes) == {1008}, f"{time.monotonic() - changed_at:.1f} s"


@pytest.mark.parametrize("what", HAPPENS)
async def test_a_token_for_a_stream_counts_for_nothing_once_its_owner_may_not_read(api: Api, what: str) -> None:
    person = Person(api, await connected_host(api))
    await person.arrive()
    given = [await person.access(way) for way in HAPPENS[what]]
    await person.suffer(what)
    for access in given:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await api.session.ws_connect(f"{access['url']}?token={access['token']}")
        assert refused.value.status == (403 if what == "lose membership" else 401)


async def test_what_a_stranger_has_opened_ends_when_access_control_is_turned_on(
    start_server: StartServer, session: aiohttp.ClientSession
) -> None:
    api = Api(start_server(access_control="off"), session)
    host = await connected_host(api)
    changes = await session.ws_connect(f"{api.url}/subscribe?eventNames=resource.change")
    container = api.container(await host.id())
    async with session.post(f"{api.url}/containers/1i{container.id}/?action=logs", json={}) as answer:
        access = await answer.json()
    logs = await session.ws_connect(f"{access['url']}?token={access['token']}")
    api.server.running.store.write(lambda tx: store(tx, "api.security.enabled", "true"))
    async with asyncio.timeout(WITHIN_S + SLACK_S):
        assert [await ended(changes), await ended(logs)] == [1008, 1008]


@pytest.mark.parametrize("what", ["disable the owner", "remove the owner", "revoke"])
async def test_the_connection_of_an_agent_ends_with_its_key_and_account(api: Api, what: str) -> None:
    host = await connected_host(api)

    def run(tx: Tx) -> None:
        (key,) = tx.find(AgentApiKey)
        account = tx.require(Account, key.account_id)
        if what == "disable the owner":
            states.begin(tx, account, "deactivate")
        elif what == "remove the owner":
            states.end(tx, account)
        else:
            states.begin(tx, key, "deactivate")

    api.server.running.store.write(run)
    async with asyncio.timeout(WITHIN_S + SLACK_S):
        await host.listening
    assert host.socket.close_code == messages.CLOSE_REVOKED
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await host.connect()
    assert refused.value.status in (401, 403)


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
