"""Docker, as far as the agent needs it. The only module that imports the Docker client.

In: names of containers and networks, bodies made by `creation.py`. Out: `Seen`, small values, streams. Inspect
documents do not leave this module. What happens next is decided in `converge.py`, and done by `steps.py`.

Two errors: `Unreachable` (the engine does not answer, or is about to end: look again when it is back) and `Refused`
(it answered no). A container that carries another installation's label, or none, raises `Foreign`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
from aiodocker import Docker as Client
from aiodocker import DockerError

from trailboss.agent.converge import NEVER, Seen
from trailboss.agent.creation import LABEL_ADDRESS, LABEL_EPOCH
from trailboss.agent.sentences import is_trouble_of_the_engine, readable
from trailboss.errors import Permanent, Unreachable
from trailboss.wire.messages import LABEL_CONTAINER, LABEL_HASH, LABEL_INSTALLATION, LABEL_SLOT, RegistryAuth

ANSWER_S = 120.0
"""Longest time for an ordinary call; a hung volume driver must not hold a worker for ever."""
SILENT_PULL_S = 300.0
CONNECT_S = 5.0
EVENTS = ["create", "start", "die", "destroy", "pause", "rename", "unpause"]
_CANNOT_CONNECT = 900
"""aiodocker's status of a connection that was not made, or broke."""


class Refused(Permanent):
    """Docker said no. status: of its HTTP answer, 0 if the answer came inside of a stream."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(readable(message))


class Foreign(Permanent):
    """A container of this name exists, and it is not ours."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list of our containers. container: the name that it was made with. address: on the managed
    network, else on another, "" without one."""

    container: str
    docker_id: str
    status: str
    address: str


class Docker:
    """One engine. url: unix:///path or tcp://host:port. Make it where an event loop runs."""

    def __init__(self, url: str) -> None:
        prefix = "unix://"
        # No limit of connections: long calls (stops, logs) must not keep short ones waiting. The callers limit.
        connector: aiohttp.BaseConnector = (
            aiohttp.UnixConnector(url.removeprefix(prefix), limit=0)
            if url.startswith(prefix)
            else aiohttp.TCPConnector(limit=0)
        )
        timeout = aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        self._client = Client(url="unix://localhost" if url.startswith(prefix) else url, session=self._session)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
        await self._session.close()

    async def info(self) -> dict[str, Any]:
        """Return Docker's own description of itself (`GET /info`)."""
        async with _errors():
            return dict(await self._client.system.info())

    def forget_version(self) -> None:
        """Agree anew on the API's version at the next call: the engine may have been replaced by another."""
        self._client.api_version = "auto"

    # --- containers ---------------------------------------------------------------------------------------------

    async def owned(self, installation: str) -> list[Listed]:
        """List the containers of an installation, stopped ones too."""
        filters = json.dumps({"label": [f"{LABEL_INSTALLATION}={installation}"]})
        async with _errors():
            found = await self._client.containers.list(all=True, filters=filters)
        return [_listed(c._container) for c in found]

    async def inspect(self, container: str, installation: str) -> Seen | None:
        """Look at one container by its name or Docker's id; None if there is none. Raises Foreign if it is not ours."""
        async with _errors():
            try:
                document = await self._client.containers.container(container).show()
            except DockerError as error:
                if error.status == 404:
                    return None
                raise
        owner = (document["Config"].get("Labels") or {}).get(LABEL_INSTALLATION)
        if owner != installation:
            raise Foreign(f"a container named {container} exists that is not of this installation")
        return seen_of(document)

    async def rename(self, docker_id: str, container: str) -> None:
        """Give a container its name back."""
        async with _errors():
            await self._client.containers.container(docker_id).rename(container)

    async def create(self, container: str, body: dict[str, Any]) -> str:
        """Make a container; return Docker's id. Refused with 404: no such image, with 409: the name is taken."""
        async with _errors():
            made = await self._client.containers.create(body, name=container)
            return str(made.id)

    async def start(self, container: str) -> None:
        """Start a container."""
        async with _errors():
            await self._client.containers.container(container).start()

    async def stop(self, container: str, timeout_s: int) -> None:
        """Send SIGTERM (or the image's own stop signal), and kill after the timeout. Fine if it has ended."""
        limit = aiohttp.ClientTimeout(total=timeout_s + ANSWER_S, sock_connect=CONNECT_S)
        async with _errors(missing_is_fine=True):
            await self._client.containers.container(container).stop(t=timeout_s, timeout=limit)

    async def remove(self, container: str) -> None:
        """Remove a container by force, with its anonymous volumes. Fine if it is gone or going."""
        async with _errors(missing_is_fine=True):
            try:
                await self._client.containers.container(container).delete(force=True, v=True)
            except DockerError as error:
                if error.status != 409 or "already in progress" not in error.message:
                    raise

    # --- networks -----------------------------------------------------------------------------------------------

    async def networks(self) -> list[dict[str, Any]]:
        """List all networks, as Docker describes them."""
        async with _errors():
            return list(await self._client.networks.list())

    async def create_network(self, body: dict[str, Any]) -> None:
        """Make a network."""
        async with _errors():
            await self._client.networks.create(body)

    async def remove_network(self, name: str) -> None:
        """Remove a network. Refused while running containers are on it."""
        async with _errors(missing_is_fine=True):
            await (await self._client.networks.get(name)).delete()

    async def attach(self, container: str, network: str, address: str) -> None:
        """Put a container on a network with a fixed address, whatever is left of its place on one of that name."""
        async with _errors():
            place = await self._client.networks.get(network)
            with suppress(DockerError):  # it may not be there at all
                await place.disconnect({"Container": container, "Force": True})
            await place.connect({"Container": container, "EndpointConfig": {"IPAMConfig": {"IPv4Address": address}}})

    # --- streams ------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def events(self, installation: str) -> AsyncIterator[AsyncIterator[str]]:
        """Open the stream of what happens to an installation's containers: the name of each. It ends with the
        engine. Once the block is entered, nothing that happens is missed."""
        filters = {"type": ["container"], "label": [f"{LABEL_INSTALLATION}={installation}"], "event": EVENTS}
        # Docker answers before it listens: what happened in between is asked for, and a little more does no harm.
        params = {"filters": json.dumps(filters), "since": f"{time.time() - 1:.9f}"}
        async with self._stream("GET", "events", params) as response:
            yield _names(response)

    async def pull(self, image: str, auth: RegistryAuth | None, on_progress: Callable[[int], None]) -> None:
        """Pull an image; on_progress gets a percentage now and then. Raises Refused with the registry's reason."""
        headers = {"X-Registry-Auth": _auth_header(auth)} if auth else {}
        try:
            await self._pull(image, headers, on_progress)
        except Refused as refused:
            raise Refused(refused.status, _pull_error(image, refused.message)) from refused

    async def _pull(self, image: str, headers: dict[str, str], on_progress: Callable[[int], None]) -> None:
        layers: dict[str, float] = {}
        async with self._stream("POST", "images/create", {"fromImage": image}, headers, SILENT_PULL_S) as response:
            async for line in _lines(response):
                step = json.loads(line)
                if "error" in step:
                    raise Refused(0, step["error"])
                if (share := _share(step)) is not None:
                    layers[step["id"]] = share
                    on_progress(int(100 * sum(layers.values()) / len(layers)))

    @asynccontextmanager
    async def logs(
        self, container: str, *, lines: int, follow: bool, timestamps: bool
    ) -> AsyncIterator[AsyncIterator[tuple[int, bytes]]]:
        """Open a container's log: pairs of stream (0 terminal, 1 output, 2 errors) and bytes. Raises Refused (404)."""
        async with _errors():
            document = await self._client.containers.container(container).show()
        params = {
            "stdout": "1",
            "stderr": "1",
            "follow": str(int(follow)),
            "timestamps": str(int(timestamps)),
            "tail": str(lines) if lines >= 0 else "all",
        }
        async with self._stream("GET", f"containers/{document['Id']}/logs", params) as response:
            yield _terminal(response) if document["Config"]["Tty"] else _frames(response)

    @asynccontextmanager
    async def _stream(
        self,
        method: str,
        path: str,
        params: dict[str, str],
        headers: dict[str, str] | None = None,
        silent_s: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer without end. aiodocker's own streams hide the kind of output, and want an image's registry
        in its name when there are credentials."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silent_s)
        async with _errors():
            if self._client.api_version == "auto":
                await self._client.version()
            url = f"{self._client.docker_host}/{self._client.api_version}/{path}"
            async with self._session.request(method, url, params=params, headers=headers, timeout=timeout) as response:
                if response.status >= 400:
                    text = await response.text()
                    raise DockerError(response.status, json.loads(text).get("message", text))
                yield response


@asynccontextmanager
async def _errors(*, missing_is_fine: bool = False) -> AsyncIterator[None]:
    """Turn what the client raises into our two errors."""
    try:
        yield
    except DockerError as error:
        if error.status == 404 and missing_is_fine:
            return
        if error.status == _CANNOT_CONNECT or (error.status >= 500 and is_trouble_of_the_engine(error.message)):
            raise _away(error.message) from error
        raise Refused(error.status, error.message) from error
    except (aiohttp.ClientError, OSError) as error:
        # asyncio's TimeoutError is an OSError, and has no text.
        raise _away(str(error) or "no answer in time") from error


def _away(because: str) -> Unreachable:
    # aiohttp adds how a connection would be encrypted, even that to a socket
    return Unreachable(f"Docker does not answer: {because.replace(' ssl:default', '')}")


def seen_of(document: dict[str, Any]) -> Seen:
    """Read what we need of an inspect document (`GET /containers/<name>/json`)."""
    labels, state = document["Config"].get("Labels") or {}, document["State"]
    started = state.get("StartedAt") or NEVER
    name = document["Name"].lstrip("/")
    return Seen(
        container=labels.get(LABEL_CONTAINER, name),
        name=name,
        slot=labels.get(LABEL_SLOT, labels.get(LABEL_CONTAINER, "")),
        hash=labels.get(LABEL_HASH, ""),
        made_for=_number(labels.get(LABEL_EPOCH, "")),
        docker_id=document["Id"],
        status=state.get("Status", ""),
        started=started,
        started_at=milliseconds(started),
        finished_at=milliseconds(state.get("FinishedAt") or NEVER),
        exit_code=state.get("ExitCode") or 0,
        oom_killed=bool(state.get("OOMKilled")),
        error=readable(state.get("Error") or ""),
        address=_address(labels, document.get("NetworkSettings")),
        ports=_ports((document.get("NetworkSettings") or {}).get("Ports") or {}),
        image_id=document.get("Image", ""),
    )


def milliseconds(moment: str) -> int:
    """Read a moment of Docker (RFC 3339, nanoseconds) as ms since 1970; 0 for "never"."""
    return 0 if moment == NEVER else int(datetime.fromisoformat(moment).timestamp() * 1000)


def _ports(ports: dict[str, list[dict[str, str]] | None]) -> tuple[tuple[str, int | None], ...]:
    return tuple((key, int(bound[0]["HostPort"]) if bound else None) for key, bound in sorted(ports.items()))


def _number(label: str) -> tuple[int, int]:
    incarnation, _, epoch = label.partition("/")
    return (int(incarnation), int(epoch)) if incarnation.isdigit() and epoch.isdigit() else (0, 0)


def _listed(line: dict[str, Any]) -> Listed:
    labels = line.get("Labels") or {}
    address = _address(labels, line.get("NetworkSettings"))
    return Listed(labels.get(LABEL_CONTAINER, line["Id"]), line["Id"], line.get("State", ""), address)


def _address(labels: dict[str, str], settings: dict[str, Any] | None) -> str:
    """The address that the server chose, if the container has it; else one that it has, "" if none. Somebody may have
    put it on further networks."""
    networks = (settings or {}).get("Networks") or {}
    found = [network["IPAddress"] for network in networks.values() if network.get("IPAddress")]
    chosen = labels.get(LABEL_ADDRESS, "").partition("/")[0]
    return chosen if chosen in found else next(iter(found), "")


def _auth_header(auth: RegistryAuth) -> str:
    document = {"username": auth.username, "password": auth.password, "serveraddress": auth.server}
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


def _share(step: dict[str, Any]) -> float | None:
    """How much of a layer is there, 0 to 1, by one line of a pull; None if it speaks of no layer."""
    detail = step.get("progressDetail") or {}
    match step.get("status"):
        case "Downloading" if detail.get("total"):
            return 0.8 * float(detail["current"]) / float(detail["total"])
        case "Extracting" if detail.get("total"):
            return 0.8 + 0.2 * float(detail["current"]) / float(detail["total"])
        case "Pulling fs layer" | "Waiting":
            return 0.0
        case "Pull complete" | "Already exists":
            return 1.0
    return None


def _pull_error(image: str, error: str) -> str:
    """Docker names the image in some errors only."""
    if "manifest unknown" in error:
        return f"No such image: {image}"
    return error if error.startswith("no such image") else f"{image} cannot be pulled: {error}"


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Lines of any length; aiohttp's own readline has a limit."""
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


async def _names(response: aiohttp.ClientResponse) -> AsyncIterator[str]:
    async for line in _lines(response):
        name = json.loads(line).get("Actor", {}).get("Attributes", {}).get(LABEL_CONTAINER)
        if name:
            yield name


async def _terminal(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[int, bytes]]:
    async for chunk in response.content.iter_any():
        yield 0, chunk


async def _frames(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[int, bytes]]:
    """Take Docker's multiplexed stream apart: 1 byte stream, 3 bytes nothing, 4 bytes length, then the bytes."""
    while True:
        try:
            header = await response.content.readexactly(8)
            yield header[0], await response.content.readexactly(int.from_bytes(header[4:8], "big"))
        except asyncio.IncompleteReadError:
            return
