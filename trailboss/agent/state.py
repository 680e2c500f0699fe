"""What the agent keeps on disk, so that it works on after a crash and while the server is away.

`identity.json`: who this host is, and its keys (only root reads it). `wishes.json`: the installation, the network and
the newest record of each container. `runs.json`: the runs that were begun; written before each start. `directory.json`:
the names. Each file is replaced as a whole: written beside, synced, renamed, and the folder synced; so after a crash
there is the old or the new one. Writers that wait at the same time share one sync.

Bounded: runs end with their containers, and confirmed removals are forgotten beyond `MOST_REMOVED`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TypeVar

import msgspec
import structlog

from trailboss.agent.converge import Number, Run, Wish
from trailboss.errors import NotStored, Permanent
from trailboss.wire.messages import Assignment, Directory, Network, RegistryAuth, Welcome

log = structlog.get_logger()
T = TypeVar("T")

MOST_REMOVED = 1000


class Identity(msgspec.Struct, frozen=True):
    """Who the host is. uuid and key are made once; access and secret are "" until it has registered."""

    uuid: str
    key: str
    server: str = ""
    access: str = ""
    secret: str = ""


class Told(msgspec.Struct):
    """What the server said last. installation "" and network None before the first Welcome."""

    installation: str = ""
    incarnation: int = 0
    network: Network | None = None
    domain: str = "rancher.internal"
    wishes: dict[str, Wish] = {}


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file (mode 0600) so that a crash leaves the old or the new content. Raises NotStored."""
    try:
        _write(path, data)
    except OSError as error:
        raise NotStored(f"the agent cannot write to its folder {path.parent}: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path, kind: type[T]) -> T | None:
    """Read a file of ours; None if there is none. One that cannot be understood is put aside, and logged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        log.error("a state file is damaged and is put aside", path=str(path), error=str(error))
        path.replace(path.with_name(path.name + ".damaged"))
        return None


class Saver:
    """Writes one file; those who save while a write is under way share the next."""

    def __init__(self, path: Path, snapshot: Callable[[], object]) -> None:
        self._path, self._snapshot = path, snapshot
        self._asked = self._written = 0
        self._writing: asyncio.Task[None] | None = None

    async def save(self) -> None:
        """Return when what holds now is on disk. Raises NotStored if it cannot be written."""
        self._asked += 1
        mine = self._asked
        while self._written < mine:
            if self._writing is None or self._writing.done():
                self._writing = asyncio.create_task(self._write())
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        number, data = self._asked, msgspec.json.encode(self._snapshot())
        await asyncio.to_thread(write_durably, self._path, data)
        self._written = number


class State:
    """The wishes, runs and names of this host, in memory and on disk. One agent at a time: the folder is locked."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, which is made if need be. Raises Permanent if it cannot be used, or another agent does."""
        self.folder = folder
        self._lock = _lock(folder)
        self.identity = read(folder / "identity.json", Identity) or self._first_identity()
        self.told = read(folder / "wishes.json", Told) or Told()
        self.runs = read(folder / "runs.json", dict[str, Run]) or {}
        self.directory = read(folder / "directory.json", Directory) or Directory({}, {})
        self.auth: dict[str, RegistryAuth] = {}
        self._newest = _newest_by_slot(self.told.wishes.values())
        self._wishes = Saver(folder / "wishes.json", lambda: self.told)
        self._runs = Saver(folder / "runs.json", lambda: self.runs)
        self._directory = Saver(folder / "directory.json", lambda: self.directory)

    def close(self) -> None:
        """Let another agent use the folder."""
        self._lock.close()

    def _first_identity(self) -> Identity:
        identity = Identity(uuid=os.urandom(16).hex(), key=os.urandom(64).hex())
        write_durably(self.folder / "identity.json", msgspec.json.encode(identity))
        return identity

    def keep_keys(self, server: str, access: str, secret: str) -> None:
        """Store the keys that registration gave."""
        self.identity = msgspec.structs.replace(self.identity, server=server, access=access, secret=secret)
        write_durably(self.folder / "identity.json", msgspec.json.encode(self.identity))

    @property
    def wishes(self) -> dict[str, Wish]:
        """The newest record of each container."""
        return self.told.wishes

    async def welcome(self, message: Welcome) -> None:
        """Store what holds for the whole connection. Raises Permanent if the server is of another installation."""
        if self.told.installation not in ("", message.installation):
            raise Permanent(
                f"the folder {self.folder} belongs to the installation {self.told.installation}, but the server is "
                f"{message.installation}: use another --data for it"
            )
        self.told.installation, self.told.network = message.installation, message.network
        self.told.domain = message.domain
        await self._wishes.save()

    async def take(self, assignment: Assignment) -> set[str]:
        """Store the records that are new; return the containers to look at. Older records are refused."""
        if assignment.incarnation < self.told.incarnation:
            log.error("an assignment of an older incarnation is refused", incarnation=assignment.incarnation)
            return set()
        self.told.incarnation = assignment.incarnation
        touched = set()
        for record in assignment.records:
            if record.auth is not None:
                self.auth[record.container] = record.auth
            wish = Wish(assignment.incarnation, msgspec.structs.replace(record, auth=None))
            if because := self._refusal(wish):
                log.warning("a record is refused", container=record.container, slot=record.slot, because=because)
                continue
            touched.add(record.container)
            self.wishes.pop(record.container, None)
            self.wishes[record.container] = wish
            self._newest[record.slot] = max(self._newest.get(record.slot, wish.number), wish.number)
        if assignment.full:
            named = {record.container for record in assignment.records}
            touched |= {container for container in self.wishes if container not in named}
            self.told.wishes = {c: w for c, w in self.wishes.items() if c in named}
            self._newest = _newest_by_slot(self.wishes.values())
        self._forget_removed()
        await self._wishes.save()
        return touched

    def _refusal(self, wish: Wish) -> str:
        """Say why a record is older than what is known; "" if it is not."""
        record, known = wish.record, self.wishes.get(wish.record.container)
        if known is not None:
            if wish.number < known.number:
                return f"run {wish.number} is older than {known.number}"
            if known.record.desired == "removed" and record.desired != "removed" and known.number == wish.number:
                return "the container was removed"
        newest = self._newest.get(record.slot)
        if record.desired == "running" and newest is not None and wish.number < newest:
            return f"run {wish.number} is older than {newest}, the newest in its slot"
        return ""

    def _forget_removed(self) -> None:
        """Forget the oldest removals. The server repeats one that it has not seen confirmed, and may: removing what
        is not there succeeds."""
        removed = [container for container, wish in self.wishes.items() if wish.record.desired == "removed"]
        for container in removed[: -MOST_REMOVED or None]:
            del self.wishes[container]
        self.auth = {container: auth for container, auth in self.auth.items() if container in self.wishes}

    async def begin(self, container: str, run: Run) -> None:
        """Store a run, before anything is done for it."""
        self.runs[container] = run
        await self._runs.save()

    def note(self, container: str, run: Run) -> None:
        """Change a run in memory; it is on disk with the next one that is stored."""
        self.runs[container] = run

    async def keep_runs(self, containers: Iterable[str]) -> None:
        """Forget the runs of all other containers than these."""
        kept = set(containers)
        gone = [container for container in self.runs if container not in kept]
        for container in gone:
            del self.runs[container]
        if gone:
            await self._runs.save()

    async def save_directory(self) -> None:
        """Store the names."""
        await self._directory.save()


def _lock(folder: Path) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise Permanent(f"the folder {folder} cannot be used: {error.strerror}; choose another --data") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Permanent(f"another agent uses the folder {folder}") from None
    return lock


def _newest_by_slot(wishes: Iterable[Wish]) -> dict[str, Number]:
    newest: dict[str, Number] = {}
    for wish in wishes:
        slot = wish.record.slot
        newest[slot] = max(newest.get(slot, wish.number), wish.number)
    return newest
