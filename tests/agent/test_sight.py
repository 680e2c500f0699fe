"""Who has a slot: by the record of a container, by Docker's label only without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.agent.builders import a_wish, seen
from trailboss.agent.converge import Wait
from trailboss.agent.docker import Docker
from trailboss.agent.sight import Sight
from trailboss.agent.state import State
from trailboss.wire.messages import Assignment

pytestmark = pytest.mark.anyio
NOT_ASKED = cast(Docker, None)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path)
    yield state
    state.close()


async def told(state: State, *wishes: Any) -> Sight:
    """A sight of a host that was assigned these, with a container alive that was made for the slot "web/1"."""
    await state.take(Assignment(1, 1, [wish.record for wish in wishes], full=True))
    sight = Sight(NOT_ASKED, state, lambda container: None, lambda slot: None)
    sight.put("old", seen("running", started="2026-01-01T00:00:00Z", container="old", slot="web/1"))
    sight.is_open = True
    return sight


async def test_a_container_waits_for_another_one_that_is_alive_in_its_slot(state: State) -> None:
    sight = await told(state, a_wish(container="new", slot="web/1", epoch=2))
    step = sight.next_step("new")
    assert isinstance(step, Wait)
    assert "old" in step.because


async def test_a_restored_container_does_not_stand_in_the_way_of_the_one_that_has_its_place(state: State) -> None:
    restored = a_wish(container="old", slot="old", epoch=2)
    sight = await told(state, restored, a_wish(container="new", slot="web/1", epoch=2))
    assert not isinstance(sight.next_step("new"), Wait)
