"""What is kept on disk: whole after a crash at any instant, refusing what is old, bounded."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.agent.builders import a_run, a_wish
from trailboss.agent import state as module
from trailboss.agent.state import Saver, State, read, write_durably
from trailboss.errors import NotStored, Permanent
from trailboss.wire.messages import Assignment, Directory, Endpoint, Network, Record, RegistryAuth, Welcome

pytestmark = pytest.mark.anyio


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def again(state: State) -> State:
    """The state as the next agent reads it."""
    state.close()
    return State(state.folder)


def a_record(container: str, epoch: int = 1, desired: str = "running", slot: str = "", **more: Any) -> Record:
    return a_wish(desired, epoch, container=container, slot=slot or container, **more).record


def assignment(*records: Record, incarnation: int = 1, full: bool = False) -> Assignment:
    return Assignment(incarnation, 1, list(records), full)


def wanted(state: State) -> dict[str, tuple[int, str]]:
    return {c: (w.record.epoch, w.record.desired) for c, w in state.wishes.items()}


class Crash(Exception):
    """The machine stops here."""


@pytest.mark.parametrize("at", ["open", "fsync", "replace"])
def test_a_crash_at_any_step_leaves_the_old_or_the_new_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    path = tmp_path / "file"
    write_durably(path, b'"old"')

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        if at == "replace":
            patch.setattr(Path, "replace", crash)
        else:
            patch.setattr(os, at, crash)
        with pytest.raises(Crash):
            write_durably(path, b'"new"')
    assert read(path, str) == "old"
    write_durably(path, b'"newer"')
    assert read(path, str) == "newer"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_everything_is_there_for_the_next_agent(state: State) -> None:
    network = Network("n", "b", "10.42.0.0/16", "10.42.0.1")
    await state.welcome(Welcome(1, 1, "installation", "1h1", network))
    await state.take(assignment(a_record("c", 3)))
    await state.begin("c", a_run(3))
    state.directory = Directory({"s/web": [Endpoint("web_1", "10.42.4.1")]}, {"10.42.4.2": {"web": "s/web"}})
    await state.save_directory()
    state.keep_keys("http://server", "access", "secret")
    after = again(state)
    assert (after.told, after.runs, after.directory) == (state.told, state.runs, state.directory)
    assert after.identity == state.identity
    assert (after.identity.access, after.identity.secret) == ("access", "secret")


async def test_writers_that_wait_share_a_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    def write(path: Path, data: bytes) -> None:
        written.append(data)

    monkeypatch.setattr(module, "write_durably", write)
    value = [0]
    saver = Saver(tmp_path / "f", lambda: value)

    async def one(number: int) -> None:
        value[0] = number
        await saver.save()
        assert int(written[-1].strip(b"[]")) >= number, "what held when it was asked for is on disk"

    await asyncio.gather(*(one(number) for number in range(1, 101)))
    assert len(written) <= 3


async def test_a_write_that_fails_is_an_error_for_all_who_wait_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver = Saver(tmp_path / "f", lambda: 1)

    def full(path: Path, data: bytes) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_durably", full)
        results = await asyncio.gather(saver.save(), saver.save(), return_exceptions=True)
    assert all(isinstance(result, OSError) for result in results)
    await saver.save()
    assert read(tmp_path / "f", int) == 1


async def test_a_full_disk_is_named_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotStored, match=f"cannot write to its folder {tmp_path}: No space left on device"):
        await Saver(tmp_path / "f", lambda: 1).save()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Permanent, match="file/agent cannot be used: Not a directory; choose another --data"):
        State(tmp_path / "file" / "agent")


async def test_older_records_are_refused(state: State) -> None:
    await state.take(assignment(a_record("new", 5, slot="web/1"), a_record("gone", 2, "removed")))
    touched = await state.take(
        assignment(
            a_record("new", 4, "stopped", slot="web/1"),
            a_record("old", 4, slot="web/1"),
            a_record("gone", 2, "running"),
            a_record("fine", 1),
        )
    )
    assert touched == {"fine"}
    assert wanted(state) == {"new": (5, "running"), "gone": (2, "removed"), "fine": (1, "running")}
    touched = await again(state).take(assignment(a_record("old", 4, slot="web/1")))
    assert touched == set(), "also by the next agent"


async def test_the_older_container_of_a_slot_may_still_be_ended(state: State) -> None:
    await state.take(assignment(a_record("old", 1, slot="s"), a_record("new", 2, slot="s")))
    assert await state.take(assignment(a_record("old", 1, "stopped", slot="s"))) == {"old"}
    assert await state.take(assignment(a_record("old", 1, "removed", slot="s"))) == {"old"}


async def test_a_higher_incarnation_wins_and_a_lower_one_is_refused(state: State) -> None:
    await state.take(assignment(a_record("c", 9)))
    await state.take(assignment(a_record("c", 2), incarnation=2))
    assert wanted(state) == {"c": (2, "running")}
    assert await state.take(assignment(a_record("c", 10, "removed"), incarnation=1, full=True)) == set()
    assert wanted(state) == {"c": (2, "running")}


async def test_a_full_assignment_forgets_what_it_does_not_name(state: State) -> None:
    await state.take(assignment(a_record("a"), a_record("b")))
    assert await state.take(assignment(a_record("b"), full=True)) == {"a", "b"}
    assert set(state.wishes) == {"b"}


async def test_removals_are_bounded(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMOVED", 3)
    await state.take(assignment(a_record("runs")))
    for number in range(10):
        await state.take(assignment(a_record(f"gone-{number}", 1, "removed", specification=None)))
    assert set(state.wishes) == {"runs", "gone-7", "gone-8", "gone-9"}


async def test_credentials_are_kept_in_memory_only(state: State) -> None:
    record = a_record("c", auth=RegistryAuth("somebody", "pass-7351"))
    await state.take(assignment(record))
    assert state.auth["c"].password == "pass-7351"
    assert all(b"pass-7351" not in path.read_bytes() for path in state.folder.iterdir())


async def test_another_installation_is_refused(state: State) -> None:
    network = Network("n", "b", "10.42.0.0/16", "10.42.0.1")
    await state.welcome(Welcome(1, 1, "one", "1h1", network))
    with pytest.raises(Permanent, match="belongs to the installation one"):
        await state.welcome(Welcome(1, 1, "two", "1h1", network))


def test_a_folder_has_one_agent(state: State) -> None:
    with pytest.raises(Permanent, match="another agent uses the folder"):
        State(state.folder)
    again(state).close()


def test_a_damaged_file_is_put_aside(state: State) -> None:
    (state.folder / "runs.json").write_text('{"c": {"incar')
    assert again(state).runs == {}
    assert (state.folder / "runs.json.damaged").exists()
