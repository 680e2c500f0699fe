"""Runs a server: opens the installation, starts what works on it, serves requests, and ends it all in reverse.

`serving` is the whole life in an event loop; `run` is that as a process with signals, `start` the same in a thread.
The order of the end: no new connections; agents, streams and subscribers are told; requests in hand finish; the
engine finishes its batch; the store commits what was asked for and closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.types import ASGIApp

from trailboss import __version__, observe
from trailboss.api import agents
from trailboss.api.app import build_app
from trailboss.api.context import Context
from trailboss.api.health import Health
from trailboss.api.streams import Streams
from trailboss.api.subscribe import Subscriptions
from trailboss.dispatch.sessions import Dispatcher
from trailboss.dispatch.simulated import SimulatedHosts
from trailboss.engine.loop import Engine
from trailboss.errors import Permanent
from trailboss.server.data_folder import FIRST_CREDENTIALS, DataFolder
from trailboss.server.housekeeping import keep_house
from trailboss.server.http_limits import BoundedHttp
from trailboss.server.installation import Opened, open_installation
from trailboss.server.options import Options
from trailboss.server.refresh import refreshing
from trailboss.server.tasks import Tasks, runs_of
from trailboss.server.tls import Tls, tls_of
from trailboss.store.store import Store

log = structlog.get_logger()

SWITCH_S = 0.001
"""The interpreter's switch interval: a reconciler that computes must not make requests wait for long."""
FINISH_WITHIN_S = 10
"""How long requests in hand may take when the server ends."""
LARGEST_MESSAGE = 16 * 1024 * 1024
"""Bytes of one websocket message; the inventory of a host with thousands of containers fits."""


@dataclass(frozen=True)
class Running:
    """A server that answers. url: where, without a path. data: its folder. The parts are for tests."""

    url: str
    data: Path
    store: Store
    engine: Engine
    dispatcher: Dispatcher
    simulated: SimulatedHosts
    ended: asyncio.Future[None]

    @property
    def first_credentials(self) -> Path:
        """File with the first API key."""
        return self.data / FIRST_CREDENTIALS


def run(options: Options) -> None:
    """Run a server in the foreground until SIGTERM or SIGINT. Raises Permanent or Unreachable if it cannot start."""
    observe.configure()
    sys.setswitchinterval(SWITCH_S)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_told(options))


def start(options: Options) -> Started:
    """Run a server in a thread; return when it answers. Raises what `serving` raises."""
    return Started(options)


class Started:
    """A server in a thread of this process. running: its parts, to be touched only from threads that may."""

    def __init__(self, options: Options) -> None:
        self._up: Future[Running] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(options,), name="server", daemon=True)
        self._thread.start()
        self.running = self._up.result()
        self.url = self.running.url

    def stop(self) -> None:
        """End it gracefully; returns when all is closed."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, options: Options) -> None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._main(options))

    async def _main(self, options: Options) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            async with serving(options) as running:
                self._up.set_result(running)
                await self._stop.wait()
        except BaseException as error:
            if self._up.done():
                raise
            self._up.set_exception(error)


async def _until_told(options: Options) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def hear(name: str) -> None:
        log.info("the server ends", signal=name)
        told.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # the second one ends it at once

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, hear, number.name)
    async with serving(options) as running:
        waiting = asyncio.ensure_future(told.wait())
        await asyncio.wait((waiting, running.ended), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    log.info("the server has ended")


@asynccontextmanager
async def serving(options: Options) -> AsyncIterator[Running]:
    """Run a server in this event loop; it answers inside of the `with`, and is closed after it.

    Raises Permanent if the options do not fit this machine or the data, Unreachable if the database does not answer.
    """
    async with AsyncExitStack() as ending:
        folder = DataFolder(options.data)
        ending.callback(folder.close)
        listening = _listen(options)
        ending.callback(listening.close)
        tls = tls_of(options, folder)
        url = _url(listening, "https" if tls else "http")
        opened = await asyncio.to_thread(open_installation, options, folder, url, tls)
        ending.push_async_callback(asyncio.to_thread, opened.store.close)
        _warn(options, listening, opened.is_controlled, tls)
        if tls is not None and tls.fingerprint:
            log.info("the certificate is self-signed", fingerprint=tls.fingerprint)
        async with _parts(opened, options, url, folder, listening, tls) as running:
            log.info("ready", url=url, version=__version__, installation=opened.installation.id)
            if opened.first:
                log.info("the first credentials are in a file", file=str(running.first_credentials))
            yield running


@asynccontextmanager
async def _parts(
    opened: Opened, options: Options, url: str, folder: DataFolder, listening: socket.socket, tls: Tls | None
) -> AsyncIterator[Running]:
    """Start what works on an open installation, and end it in reverse."""
    store = opened.store
    async with AsyncExitStack() as ending:
        # the same after a restart, so that the engine takes up at once what this server had in hand
        engine = Engine(store, f"{socket.gethostname()}:{folder.path}")
        dispatcher = Dispatcher(store, opened.installation)
        await dispatcher.start()
        ending.push_async_callback(dispatcher.stop)
        await asyncio.to_thread(engine.start)
        ending.push_async_callback(asyncio.to_thread, engine.stop)
        simulated = SimulatedHosts(store, dispatcher.serve)
        await simulated.start()
        ending.push_async_callback(simulated.stop)
        await simulated.begin_with(options.simulated_hosts)
        house = asyncio.create_task(keep_house(store))
        ending.push_async_callback(_cancel, house)
        tasks = Tasks(store, runs_of(store, dispatcher), engine.owner)
        ending.push_async_callback(_cancel, asyncio.create_task(tasks.run()))
        streams = Streams(dispatcher, store)
        context = Context(store, dispatcher, _names(options), open_stream=streams.open, proxies=options.proxies)
        subscriptions = Subscriptions(context)
        state = _State()
        health = Health(store, lambda: state.is_serving and engine.is_running)
        routes = [*health.routes(), *agents.routes, *streams.routes(), *subscriptions.routes()]

        async def tell() -> None:
            state.is_serving = False
            streams.stop()
            subscriptions.stop()
            await dispatcher.stop()

        ending.push_async_callback(_cancel, asyncio.create_task(refreshing(store)))
        server = _Uvicorn(build_app(context, routes), tell, tls)
        serving_ = asyncio.create_task(server.serve(sockets=[listening]))
        ending.push_async_callback(_end, server, serving_)
        await server.answers()
        state.is_serving = True
        yield Running(url, folder.path, store, engine, dispatcher, simulated, serving_)


@dataclass
class _State:
    """Whether requests are served."""

    is_serving: bool = False


class _Uvicorn(uvicorn.Server):
    """uvicorn, told from outside when to end. tell: run at the end, before connections are waited for."""

    def __init__(self, app: ASGIApp, tell: Callable[[], Awaitable[None]], tls: Tls | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedHttp,
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                ws_max_size=LARGEST_MESSAGE,
                # Pings keep connections open through gateways; a reader that is slow on purpose must not be cut off
                # for an answer that waits behind what it has not read. Who is dead is found out by TCP and heartbeats.
                ws_ping_timeout=None,
                ssl_certfile=tls.cert if tls else None,
                ssl_keyfile=tls.key if tls else None,
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_config=None,
                timeout_graceful_shutdown=FINISH_WITHIN_S,
            )
        )
        self._tell = tell
        self._up = asyncio.Event()

    async def answers(self) -> None:
        """Wait until connections are taken."""
        await self._up.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._tell()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to who runs us."""
        yield


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


async def _end(server: _Uvicorn, task: asyncio.Task[None]) -> None:
    server.should_exit = True
    await task


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    return uvicorn.Config(_nothing, log_config=None).get_loop_factory()


async def _nothing(scope: object, receive: object, send: object) -> None:
    """An app for a configuration that is only asked for its event loop."""


def _listen(options: Options) -> socket.socket:
    """Take the port, before anything else is touched. Raises Permanent, saying what to do."""
    host, port = options.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Permanent(f"cannot listen on {options.listen}: {error.strerror}; choose another --listen") from error
    return listening


def _url(listening: socket.socket, scheme: str) -> str:
    """Return where this machine reaches what listens."""
    host, port = listening.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "127.0.0.1" if listening.family == socket.AF_INET else "::1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _warn(options: Options, listening: socket.socket, is_controlled: bool, tls: Tls | None) -> None:
    """Say at every start what a stranger could do."""
    is_open_to_others = not ipaddress.ip_address(listening.getsockname()[0]).is_loopback
    if is_open_to_others and tls is None:
        log.warning("listening beyond loopback without TLS: --tls self-signed, or a proxy", listen=options.listen)
    if not is_controlled:
        who = "whoever reaches the port" if is_open_to_others else "every user of this machine"
        log.warning(f"access control is off: {who} may do everything", listen=options.listen)


def _names(options: Options) -> frozenset[str]:
    """Return the name under which the server is known, if it listens on one."""
    host, _ = options.address
    return frozenset((host.lower(),)) if host else frozenset()
