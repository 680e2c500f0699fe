"""The agent put together: state, Docker, crew, names, and the link to the server.

In: `AgentOptions` (the command line makes them, and sets up logging). Runs until SIGTERM or SIGINT; containers go on
then, as they do when the agent is killed. Nothing needed at the start waits for the server once the host has joined.
"""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from trailboss import __version__
from trailboss.agent import facts
from trailboss.agent.crew import Crew
from trailboss.agent.dns import DnsServer
from trailboss.agent.docker import Docker
from trailboss.agent.facts import Facts
from trailboss.agent.link import Link, Send
from trailboss.agent.names import Names, clients_of
from trailboss.agent.register import register
from trailboss.agent.reporter import Reporter
from trailboss.agent.state import State
from trailboss.agent.streams import Streams
from trailboss.agent.tls import verification
from trailboss.agent.together import until_one_ends
from trailboss.agent.upstream import Upstream
from trailboss.agent.watch import Watch
from trailboss.errors import Permanent, Unreachable
from trailboss.wire import messages
from trailboss.wire.messages import Assignment, Directory, Engine, FromServer, Hello, Look, OpenStream, Welcome

log = structlog.get_logger()

DEFAULT_DOCKER = "unix:///var/run/docker.sock"
FACTS_S = 60.0
FIRST_LOOK_S = 3.0
"""How long the first Hello may wait for the first look at Docker."""


@dataclass(frozen=True)
class AgentOptions:
    """server: base URL. data: folder of this agent alone. token: registration token, for the first start only.
    labels: of the host. address: of the host, "" to find it out. verification: how it knows the server."""

    server: str
    data: Path
    docker: str = DEFAULT_DOCKER
    token: str = field(default="", repr=False)
    labels: dict[str, str] = field(default_factory=dict)
    address: str = ""
    resolv_conf: Path = Path("/etc/resolv.conf")
    verification: bool | aiohttp.Fingerprint | ssl.SSLContext = True


def options(server: str, data: Path, docker: str, address: str, environment: Mapping[str, str]) -> AgentOptions:
    """Return the options of a command line, completed by environment variables: secrets come from there only.

    Raises Permanent, naming the option, for what cannot be understood.
    """
    if not _is_url(server, "http", "https"):
        raise Permanent(f"--server {server!r}: the address of the server, http://HOST:PORT")
    docker = docker or environment.get("DOCKER_HOST") or DEFAULT_DOCKER
    if not (docker.startswith("unix:///") or _is_url(docker, "tcp", "http", "https")):
        raise Permanent(f"--docker {docker!r}: the address of the Docker Engine, unix:///PATH or tcp://HOST:PORT")
    labels = environment.get("TRAILBOSS_HOST_LABELS") or environment.get("CATTLE_HOST_LABELS") or ""
    return AgentOptions(
        server=server,
        data=data,
        docker=docker,
        token=environment.get("TRAILBOSS_TOKEN", ""),
        labels=facts.labels_of(labels),
        address=address or environment.get("CATTLE_AGENT_IP", ""),
        verification=verification(
            environment.get("TRAILBOSS_SERVER_FINGERPRINT", ""), environment.get("TRAILBOSS_SERVER_CA", "")
        ),
    )


def _is_url(text: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


async def run(options: AgentOptions) -> None:
    """Run the agent until SIGTERM or SIGINT. Raises Permanent when it cannot go on; its message says what to do."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    state = State(options.data)
    try:
        connector = aiohttp.TCPConnector(ssl=options.verification)
        async with aiohttp.ClientSession(connector=connector) as session:
            working = asyncio.create_task(_work(options, state, session))
            waiting = asyncio.create_task(stopping.wait())
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not working.done():
                log.info("the agent ends; containers go on")
                working.cancel()
            await asyncio.gather(working, return_exceptions=stopping.is_set())
    finally:
        state.close()


async def _work(options: AgentOptions, state: State, session: aiohttp.ClientSession) -> None:
    if not state.identity.access:
        access, secret = await register(session, options.server, options.token, state.identity.key)
        state.keep_keys(options.server, access, secret)
        log.info("the host has joined", server=options.server)
    docker = Docker(options.docker)
    host = HostAgent(options, state, docker, session)
    try:
        await host.run(Link(options.server, state.identity, host), session)
    finally:
        await host.close()
        await docker.close()


class HostAgent:
    """Answers for the host: what the link hands in goes to the part that it concerns."""

    def __init__(self, options: AgentOptions, state: State, docker: Docker, session: aiohttp.ClientSession) -> None:
        self._state, self._docker = state, docker
        address = options.address or facts.own_address(options.server)
        self._facts = Facts(state.identity.uuid, options.labels, address)
        self._upstream = Upstream(options.resolv_conf)
        self._dns: DnsServer | None = None
        self._known = asyncio.Event()
        self._engine_changed = asyncio.Event()
        self.reporter = Reporter(lambda container: self.crew.sight.observe(container), lambda: state.told.incarnation)
        self.crew = Crew(docker, state, self.reporter.changed)
        self._watch = Watch(docker, state, self.crew, self._engine_changed.set)
        self._streams = Streams(options.server, session, docker)
        if state.told.installation:
            self._known.set()

    async def run(self, link: Link, session: aiohttp.ClientSession) -> None:
        """Do everything at once until cancelled, or until one part cannot go on."""
        await until_one_ends(link.run(session), self._on_the_host())

    async def _on_the_host(self) -> None:
        """What goes on with the server away, too. It begins when the installation is known."""
        await self._known.wait()
        network = self._state.told.network
        assert network is not None, "it is known with the installation"
        self._dns = DnsServer(self._upstream, ipaddress.IPv4Network(network.cidr))
        self._take_names()
        await asyncio.gather(self._watch.run(), self._watch.resync(), self._dns.run(network.gateway))

    async def close(self) -> None:
        """Stop working; containers are left as they are."""
        await self._streams.close()
        await self.crew.close()

    # --- what the link asks -------------------------------------------------------------------------------------

    async def hello(self) -> Hello:
        """Say everything that is known."""
        message = ""
        if self._known.is_set():
            try:
                async with asyncio.timeout(FIRST_LOOK_S):
                    await self._watch.looked.wait()
            except TimeoutError:
                log.warning("Docker has not answered yet", within_s=FIRST_LOOK_S)
            message = self._watch.message
        self._engine_changed.clear()
        inventory = self.reporter.inventory(self.crew.sight.known())
        host = await self._collect()
        return Hello(messages.PROTOCOL, __version__, host, self._state.told.incarnation, inventory, message)

    async def _collect(self) -> messages.Host:
        info: dict[str, Any] = {}
        try:
            info = await self._docker.info()
        except (Unreachable, Permanent) as error:
            log.warning("Docker does not tell about itself", because=error.message)
        return await asyncio.to_thread(self._facts.collect, info)

    async def take(self, message: FromServer) -> None:
        """Act on a message of the server."""
        match message:
            case Welcome():
                await self._state.welcome(message)
                self._known.set()
            case Assignment():
                touched = await self._state.take(message)
                self._take_names()
                for record in message.records:
                    if record.desired == "removed":
                        self.reporter.repeat(record.container)  # it waits for the confirmation, and may have missed it
                self.crew.wake_all(touched)
            case Directory():
                self._state.directory = message
                self._take_names()
                await self._state.save_directory()
            case OpenStream():
                self._streams.open(message)
            case Look():
                self._watch.look()

    def _take_names(self) -> None:
        if self._dns is not None:
            told = self._state.told
            self._dns.names = Names(self._state.directory, told.domain.lower(), clients_of(told.wishes.values()))

    async def talk(self, send: Send) -> None:
        """Send what there is to say, until cancelled."""
        await asyncio.gather(self.reporter.run(send), self._tell_engine(send), self._tell_facts(send))

    async def _tell_engine(self, send: Send) -> None:
        while True:
            await self._engine_changed.wait()
            self._engine_changed.clear()
            await send(Engine(self._watch.message))

    async def _tell_facts(self, send: Send) -> None:
        while True:
            await asyncio.sleep(FACTS_S)
            await send(messages.Facts(await self._collect()))

    def set_alone(self, alone: bool) -> None:
        """The server is away, or is back."""
        self.crew.set_alone(alone)
