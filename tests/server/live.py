"""A host over the wire: registered through the API, connected by a real websocket, containers as rows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import aiohttp

from tests.server.serving import credentials
from tests.waiting import eventually_async
from trailboss.resources.account import Project
from trailboss.resources.instance import Container
from trailboss.server.process import Started
from trailboss.wire import messages
from trailboss.wire.messages import FromAgent, FromServer, Hello, Observation

T = TypeVar("T")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(user, password)}


class Api:
    """A project's client over aiohttp, with the keys of the server's data folder."""

    def __init__(self, server: Started, session: aiohttp.ClientSession, file: str = "first-credentials.env") -> None:
        found = credentials(server.running.data, file)
        self.server, self.session = server, session
        self.headers = basic(found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"])
        self.url = f"{server.url}/v1/projects/1a5"

    async def ask(self, method: str, path: str, status: int, **options: Any) -> Any:
        url = path if path.startswith("http") else f"{self.url}/{path}"
        headers = {**self.headers, **options.pop("headers", {})}
        async with self.session.request(method, url, headers=headers, **options) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    def socket(self, path: str, **options: Any) -> Any:
        return self.session.ws_connect(path.replace("http", "ws", 1), **({"headers": self.headers} | options))

    def container(self, host_id: int, **values: Any) -> Container:
        """Store a container as it is while it runs on a host."""
        store = self.server.running.store
        given: dict[str, Any] = {
            "account_id": store.read(lambda r: r.find(Project, uuid="adminProject")[0].id),
            "host_id": host_id,
            "image_uuid": "docker:busybox",
            "slot": secrets.token_hex(4),
            "state": "running",
            "desired": "running",
            "epoch": 1,
            "granted_epoch": 1,
            "seen_epoch": 1,
            "seen_state": "running",
        }
        return store.write(lambda tx: tx.insert(Container, **(given | values)), cause="test")

    async def register(self) -> tuple[str, str, str]:
        """Register a host as its agent would; return the keys and what they were registered with."""
        key = secrets.token_hex(32)
        return (*await self.keys(await self.token(), key), key)

    async def token(self) -> str:
        """Return a registration token."""
        row = await self.ask("POST", "registrationtokens", 201)

        async def active() -> Any:
            found = await self.ask("GET", f"registrationtokens/{row['id']}", 200)
            return found if found["state"] == "active" else None

        return str((await eventually_async(active))["token"])

    async def keys(self, token: str, key: str) -> tuple[str, str]:
        headers = basic("registrationToken", token)
        row = await self.ask("POST", f"{self.server.url}/v1/register", 201, json={"key": key}, headers=headers)

        async def ready() -> Any:
            url = f"{self.server.url}/v1/register/{row['id']}?key={key}"
            found = await self.ask("GET", url, 200, headers=headers)
            return found if found["state"] == "active" and found["accessKey"] else None

        found = await eventually_async(ready)
        return found["accessKey"], found["secretKey"]


class LiveHost:
    """An agent that is connected."""

    def __init__(self, api: Api, access: str, secret: str) -> None:
        self.api, self.headers = api, basic(access, secret)
        self.heard: list[FromServer] = []

    async def connect(self, **hello: Any) -> None:
        self.socket = await self.api.socket(
            f"{self.api.server.url}/agent/connect", headers=self.headers, max_msg_size=0
        )
        values: dict[str, Any] = {
            "protocol": 1,
            "version": "test",
            "host": messages.Host(uuid=secrets.token_hex(4), hostname="node"),
        }
        await self.say(Hello(**(values | hello)))
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self.socket:
            found = messages.decode_from_server(message.data)
            assert found is not None
            self.heard.append(found)

    async def say(self, message: FromAgent) -> None:
        await self.socket.send_str(messages.encode(message).decode())

    async def report(self, *observations: Observation) -> None:
        await self.say(messages.Report(1, list(observations)))

    async def first(self, kind: type[T], good: Callable[[T], bool] = lambda m: True) -> T:
        def find() -> list[T]:
            return [m for m in self.heard if isinstance(m, kind) and good(m)]

        return (await eventually_async(find, what=kind.__name__))[0]

    async def id(self) -> int:
        return int((await self.first(messages.Welcome)).host_id)

    async def ended(self) -> None:
        async with asyncio.timeout(20):
            await self.listening


async def connected_host(api: Api) -> LiveHost:
    access, secret, _ = await api.register()
    host = LiveHost(api, access, secret)
    await host.connect()
    await host.id()
    return host
