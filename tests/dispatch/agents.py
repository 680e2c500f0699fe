"""An agent for tests: what it says is put in a queue, what it hears is kept in a list."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from tests.waiting import eventually_async
from trailboss.dispatch.sessions import Dispatcher, End, Proof
from trailboss.engine.apply import Platform, create
from trailboss.resources.account import Project
from trailboss.resources.agent import Agent
from trailboss.resources.credential import digest
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.register import Register
from trailboss.store.store import Store
from trailboss.wire import messages
from trailboss.wire.messages import Assignment, Directory, FromAgent, FromServer, Hello, Observation, Record, Welcome

T = TypeVar("T")


class Gone(Exception):
    """The agent has hung up."""


class FakeAgent:
    """One connection of an agent."""

    def __init__(self, world: World, agent_id: int, **hello: Any) -> None:
        self.world, self.agent_id = world, agent_id
        self.said: asyncio.Queue[FromAgent | BaseException | None] = asyncio.Queue()
        self.heard: list[FromServer] = []
        self.reads = asyncio.Event()
        self.reads.set()
        values: dict[str, Any] = {
            "protocol": 1,
            "version": "test",
            "host": messages.Host(uuid=f"host-{agent_id}", hostname=f"node{agent_id}", address="192.0.2.7"),
        }
        self.said.put_nowait(Hello(**(values | hello)))
        self.serving: asyncio.Task[End] = asyncio.create_task(
            world.dispatcher.serve(agent_id, self._receive, self._send, world.proofs.get(agent_id))
        )

    async def _receive(self) -> FromAgent | None:
        message = await self.said.get()
        if isinstance(message, BaseException):
            raise message
        return message

    async def _send(self, message: FromServer) -> None:
        await self.reads.wait()
        self.heard.append(message)

    def say(self, message: FromAgent | None) -> None:
        self.said.put_nowait(message)

    def report(self, *observations: Observation, incarnation: int = 3) -> None:
        self.say(messages.Report(incarnation, list(observations)))

    def hang_up(self) -> None:
        self.said.put_nowait(Gone())

    def all(self, kind: type[T]) -> list[T]:
        return [m for m in self.heard if isinstance(m, kind)]

    @property
    def records(self) -> list[Record]:
        return [r for m in self.all(Assignment) for r in m.records]

    async def welcome(self) -> Welcome:
        return (await eventually_async(lambda: self.all(Welcome)))[0]

    async def assigned(self) -> Assignment:
        return (await eventually_async(lambda: self.all(Assignment)))[0]

    async def directory(self, good: Callable[[Directory], bool] = lambda d: True) -> Directory:
        def newest() -> Directory | None:
            found = self.all(Directory)
            return found[-1] if found and good(found[-1]) else None

        found = await eventually_async(newest, what="a directory")
        assert found is not None
        return found


class World:
    """The store, the dispatcher and every agent of a test."""

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self.store, self.dispatcher = store, dispatcher
        self.proofs: dict[int, Proof] = {}
        self.agents: list[FakeAgent] = []
        self.project = store.read(lambda r: r.find(Project, uuid="adminProject")[0].id)

    def register(self) -> int:
        """Make an agent as registration does; return its number."""

        def run(tx: Any) -> int:
            key = secrets.token_hex(32)
            create(tx, Register, {"account_id": self.project, "key": key}, Platform())
            agent = tx.find(Agent, registration_key=digest(key))[0]
            return tx.change(agent, state="active").id

        return self.store.write(run)

    def connect(self, agent_id: int, **hello: Any) -> FakeAgent:
        agent = FakeAgent(self, agent_id, **hello)
        self.agents.append(agent)
        return agent

    async def host(self) -> tuple[FakeAgent, Host]:
        """Connect a new agent; return it with its host once it has been given its first assignment."""
        agent = self.connect(self.register())
        await agent.assigned()
        return agent, self.read(lambda r: r.find(Host, agent_id=agent.agent_id)[0])

    def read(self, fn: Callable[[Any], T]) -> T:
        return self.store.read(fn)

    def container(self, host_id: int | None, *, cause: str = "", **values: Any) -> Container:
        """Store a container as it is after its placement on a host."""
        given: dict[str, Any] = {
            "account_id": self.project,
            "host_id": host_id,
            "image_uuid": "docker:busybox",
            "slot": secrets.token_hex(4),
            "state": "starting",
            "desired": "running",
            "epoch": 1,
            "granted_epoch": 1,
        }
        return self.store.write(lambda tx: tx.insert(Container, **(given | values)), cause=cause)

    def change(self, container: Container, *, cause: str = "", **values: Any) -> Container:
        return self.store.write(lambda tx: tx.change(tx.require(Container, container.id), **values), cause=cause)

    def row(self, container: Container) -> Container:
        found = self.read(lambda r: r.get(Container, container.id))
        assert found is not None
        return found

    def agent_state(self, agent_id: int) -> str:
        return self.read(lambda r: r.get(Agent, agent_id).state)

    async def end(self) -> None:
        for agent in self.agents:
            agent.serving.cancel()
        await asyncio.gather(*(a.serving for a in self.agents), return_exceptions=True)


def seen(container: Container, state: str, epoch: int = 1, **more: Any) -> Observation:
    return Observation(container.uuid, container.slot, epoch, state, **more)  # type: ignore[arg-type]
