"""What acceptance tests do again and again, on an installation with real hosts.

    it.client, it.admin               unmodified gdapi clients: the environment's key, an administrator's
    it.create("container", ...)       create, and wait until it is at rest without an error
    it.act(service, "activate")       an action, if it is offered now
    it.container(...), it.service()   the usual ones
    it.run(container, "ls", "/")      look inside, by Docker itself
    it.docker(container)              the container as Docker has it
    it.machine(), it.joined(...)      further machines with a Docker Engine, as hosts for the time of a block
    it.agent()                        a client with the keys of an agent of the environment

Waits are short: what works takes a second or two here, and what does not exist yet says so at once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import gdapi
import httpx2

from tests.cluster.installation import Installation, Process
from tests.lab import IMAGE, Lab, a_lab
from tests.server.serving import credentials
from tests.waiting import eventually

T = TypeVar("T")
WITHIN_S = 30.0
SOON_S = 3.0
"""For what is there at once or not at all."""
PROJECT = "1a5"
DOCKER_IMAGE = f"docker:{IMAGE}"
NAMED_PAGE = ["/bin/sh", "-c", "hostname > /www/index.html; exec /serve"]
"""Command of a container that answers on port 80 with its host name."""


class World:
    """Wraps an installation whose first host is active."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.lab, self.url = installation, installation.lab, installation.url
        self.client = installation.client
        found = credentials(installation.folder / "server", "admin-credentials.env")
        self.admin = self.connect(found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"])
        self.host = self.client.list_host().data[0]
        self._labs: dict[str, Lab] = {self.host.id: self.lab}
        self._spare: list[Lab] = []
        self._opened = ExitStack()
        self._ports, self._agents = itertools.count(20001), itertools.count(1)

    def close(self) -> None:
        """Take down the further machines."""
        self._opened.close()

    def clear(self) -> None:
        """Remove the stacks and containers of the environment; it is not waited for."""
        for stack in self.client.list_environment(removed_null=True):
            if stack.state not in ("removing", "removed"):
                self.client._delete(stack.links.self + "?purge=true")
        for container in self.client.list_container(removed_null=True, state_ne="removed"):
            if container.state not in ("removing", "purging") and not container.services().data:
                try:
                    self.client.delete(container)
                except gdapi.ApiError as error:
                    if error.error.status not in (404, 405):  # it is going already
                        raise

    # --- asking --------------------------------------------------------------------------------------------------

    def connect(self, access: str, secret: str, project: str | None = None, **headers: str) -> Any:
        """Return a client with other keys. project: what the requests are about, if not the key's own account."""
        path = f"/v1/projects/{project}/schemas" if project else "/v1/schemas"
        return gdapi.Client(
            url=self.url + path, access_key=access, secret_key=secret, headers={**gdapi.HEADERS, **headers}
        )

    def status(self, access: str, secret: str, path: str = "/v1") -> int:
        """Return the status of an answer to these keys."""
        return httpx2.get(self.url + path, auth=(access, secret), timeout=10).status_code

    def create(self, type_: str, client: Any = None, **fields: Any) -> Any:
        """Create a resource and return it when it is at rest."""
        client = client or self.client
        return self.settled(client.create(type_, **fields), client)

    def settled(self, resource: Any, client: Any = None, within: float = WITHIN_S) -> Any:
        """Wait until a resource is at rest, and return it. Fails if it is with an error, saying which."""
        client = client or self.client
        seen = eventually(
            lambda: self._at_rest(client.reload(resource)),
            within,
            f"{resource.type} {resource.id} is at rest",
        )
        assert seen.transitioning == "no", f"{seen.type} {seen.id} is {seen.state}: {seen.transitioningMessage}"
        return seen

    def _at_rest(self, resource: Any) -> Any:
        assert resource is not None, "it is gone"
        return None if resource.transitioning == "yes" or resource.state == "requested" else resource

    def act(self, resource: Any, action: str, client: Any = None, **input_: Any) -> Any:
        """Take an action as it is offered now. Returns the answer."""
        client = client or self.client
        now = client.reload(resource)
        assert hasattr(now.actions, action), f"{now.type} in state {now.state} does not offer {action}"
        return client.action(now, action, **input_)

    def state(self, resource: Any, client: Any = None) -> str:
        """Return the present state; "purged" for what is not shown any more."""
        now = (client or self.client).reload(resource)
        return now.state if now is not None else "purged"

    def remove(self, resource: Any, client: Any = None) -> None:
        """Delete a resource and wait until it is removed."""
        client = client or self.client
        client.delete(resource)
        eventually(lambda: self.state(resource, client) in ("removed", "purged"), WITHIN_S, f"{resource.id} is removed")

    def port(self) -> int:
        """Return a port of the host that no other test takes."""
        return next(self._ports)

    # --- containers and services ---------------------------------------------------------------------------------

    def container(self, name: str, **fields: Any) -> Any:
        """Create a running container of the test image, or of the one given."""
        made = self.create("container", **{"name": name, "imageUuid": DOCKER_IMAGE, **fields})
        assert made.state == "running", f"{made.state}: {made.transitioningMessage}"
        return made

    def service(self, stack: Any, name: str, scale: int = 1, **launch_config: Any) -> Any:
        """Create an active service."""
        made = self.create(
            "service",
            name=name,
            environmentId=stack.id,
            scale=scale,
            launchConfig={"imageUuid": DOCKER_IMAGE, **launch_config},
        )
        return self.settled(self.act(made, "activate"))

    def running(self, service: Any) -> list[Any]:
        """Return the running containers of a service."""
        return [c for c in self.client.reload(service).instances().data if c.state == "running"]

    def docker(self, container: Any) -> Any:
        """Return a container as the engine of its host has it."""
        return self._labs[one(container.hosts()).id].docker.containers.get(container.externalId)

    def run(self, container: Any, *command: str) -> str:
        """Run a command in a container, by Docker; return what it said, and fail if it failed."""
        code, output = self.docker(container).exec_run(list(command), stdin=False)
        assert code == 0, f"{command}: {code} {output.decode(errors='replace')}"
        return str(output.decode())

    def lookup(self, container: Any, name: str, kind: str = "a") -> str:
        """Return what the name server of a container answers for a name."""
        _, output = self.docker(container).exec_run(["nslookup", f"-type={kind}", name], stdin=False)
        return str(output.decode())

    def resolve(self, container: Any, name: str) -> set[str]:
        """Return the addresses that a name has inside of a container; none if it is not known there."""
        _, output = self.docker(container).exec_run(["nslookup", name], stdin=False)
        # The name server's own address comes first, with its port.
        _, _, answer = output.decode().partition("\n\n")
        return set(re.findall(r"^Address(?: \d+)?:\s+([\d.]+)$", answer, re.MULTILINE))

    def fetch(self, container: Any, address: str, port: int = 80) -> str:
        """Return the page that an address or a name answers inside of a container; "" if there is none."""
        # busybox's wget, linked statically, crashes when it looks a name up.
        ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} {port}"
        _, output = self.docker(container).exec_run(["sh", "-c", ask], stdin=False)
        return str(output.decode(errors="replace").partition("\r\n\r\n")[2]).strip()

    # --- further machines and agents -----------------------------------------------------------------------------

    def machine(self, number: int = 1) -> Lab:
        """Return a further machine with a Docker Engine and the test image, on which no agent runs."""
        while len(self._spare) < number:
            self._spare.append(self._opened.enter_context(a_lab()))
        return self._spare[number - 1]

    def token(self, client: Any = None) -> str:
        """Return a new registration token of an environment."""
        client = client or self.client
        made = self.create("registrationToken", client)
        return str(made.token)

    @contextmanager
    def an_agent(self, lab: Lab, token: str, **environment: str) -> Iterator[Path]:
        """Run an agent on a further machine for the time of the block. Yields its folder."""
        folder = self.installation.folder / f"agent-{next(self._agents)}"
        options = ["--server", self.url, "--data", str(folder), "--docker", lab.url]
        command = lab.command(sys.executable, "-m", "trailboss", "agent", *options)
        agent = Process(folder.with_suffix(".log"), command, {"TRAILBOSS_TOKEN": token, **environment})
        agent.start()
        try:
            yield folder
        finally:
            agent.kill()
            for container in lab.docker.containers.list(all=True):
                container.remove(force=True)

    @contextmanager
    def joined(self, number: int = 1, client: Any = None, labels: str = "") -> Iterator[Any]:
        """Make a further machine a host for the time of the block. labels: as in `a=b&c=d`."""
        client = client or self.client
        before = {host.id for host in client.list_host()}
        lab = self.machine(number)
        with self.an_agent(lab, self.token(client), CATTLE_HOST_LABELS=labels):
            host = self.new_host(client, before)
            self._labs[host.id] = lab
            yield host
            self.leave(host, client)

    def paste(self, lab: Lab, command: str) -> None:
        """Run a command on a machine, as the person does who has its shell; that person is root here."""
        done = subprocess.run(
            lab.command("sh", "-c", command.removeprefix("sudo ")), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr

    def new_host(self, client: Any, before: set[str], within: float = WITHIN_S) -> Any:
        """Wait for a host that was not there before, until it is active."""
        found = eventually(
            lambda: [h for h in client.list_host() if h.id not in before and h.agentState == "active"],
            within,
            "the new host is active",
        )
        return self.settled(one(found), client)

    def leave(self, host: Any, client: Any = None) -> None:
        """Remove a host, if it is still there."""
        client = client or self.client
        if self.state(host, client) in ("removed", "purged"):
            return
        if hasattr(client.reload(host).actions, "deactivate"):
            self.settled(self.act(host, "deactivate", client), client)
        self.remove(host, client)

    def agent(self) -> Any:
        """Return a client with the keys of an agent that registers, but reports no host."""
        key = secrets.token_hex(16)
        registrar = self.connect("registrationToken", self.token())
        registrar.create("register", key=key)
        found = eventually(
            lambda: [r for r in registrar.list("register", key=key) if r.state == "active"],
            WITHIN_S,
            "it is registered",
        )
        return self.connect(found[0].accessKey, found[0].secretKey)

    def agent_of_the_host(self) -> Any:
        """Return a client with the keys of the first host's agent, as its folder has them."""
        identity = json.loads((self.installation.folder / "agent/identity.json").read_text())
        return self.connect(identity["access"], identity["secret"])

    def event(self, type_: str, agent: Any = None, **fields: Any) -> Any:
        """Send in an event as an agent does; return it when the environment shows that it has been dealt with."""
        made = (agent or self.agent()).create(type_, **fields)
        shown = eventually(lambda: self.client.by_id(type_, made.id), SOON_S, f"the environment shows the {type_}")
        seen = self.settled(shown)
        assert seen.state == "created"
        return seen


def one(found: Iterable[Any]) -> Any:
    """Return the only one of some resources. Fails if there are more or none."""
    resources = list(found)
    assert len(resources) == 1, f"{len(resources)}: {resources}"
    return resources[0]


def page(url: str, client: httpx2.Client | None = None, **headers: str) -> str | None:
    """Return the text that an address answers, without the line break at its end; None if there is none."""
    try:
        answer = (client or httpx2).get(url, headers=headers, timeout=5)
    except httpx2.HTTPError:
        return None
    return answer.text.strip() if answer.status_code == 200 else None


class Socket:
    """An open websocket, for tests that are plain functions."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._loop, self._socket = loop, socket

    def send(self, text: str) -> None:
        """Send a text message."""
        self._loop.run_until_complete(self._socket.send_str(text))

    def receive(self, within: float = 10.0) -> str | None:
        """Return the next text message; None when the other end has closed. Fails if nothing comes in time."""
        try:
            message = self._loop.run_until_complete(self._socket.receive(timeout=within))
        except TimeoutError as error:
            raise AssertionError(f"no message within {within} s") from error
        return message.data if message.type == aiohttp.WSMsgType.TEXT else None

    def first(self, good: Callable[[str], T], within: float = 10.0) -> T:
        """Return the first true value of a function of the messages that come. Fails if there is none in time."""
        until = time.monotonic() + within
        while True:
            text = self.receive(max(until - time.monotonic(), 0.01))
            assert text is not None, "it was closed"
            if value := good(text):
                return value


@contextmanager
def socket(url: str, keys: tuple[str, str] | None = None) -> Iterator[Socket]:
    """Open a websocket for the time of the block. Fails if the server refuses it, saying with which status."""
    loop = asyncio.new_event_loop()
    headers = {"Authorization": aiohttp.encode_basic_auth(*keys)} if keys else {}

    async def open_() -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse]:
        session = aiohttp.ClientSession()
        try:
            return session, await session.ws_connect(url.replace("http", "ws", 1), headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            raise AssertionError(f"refused with {error.status}") from error

    try:
        session, opened = loop.run_until_complete(open_())
        try:
            yield Socket(loop, opened)
        finally:
            loop.run_until_complete(session.close())
    finally:
        loop.close()
