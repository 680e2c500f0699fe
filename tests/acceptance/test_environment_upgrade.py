"""The type `environmentUpgrade`."""

from __future__ import annotations

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World
from tests.lab import IMAGE

pytestmark = pytest.mark.docker

COMPOSE = "web:\n  image: {image}\nother:\n  image: {image}\n"


@not_yet_true(6, "`upgrade` is not offered")
def test_a_stack_is_upgraded_and_rolled_back(it: World, name: str) -> None:
    """`upgrade` with a new tag replaces the containers, `rollback` brings the old ones back"""
    text = COMPOSE.format(image=IMAGE)
    stack = it.create("environment", name=name, dockerCompose=text, startOnCreate=True, externalId="catalog://1")

    def running() -> dict[str, str]:
        """Image by Docker's id, of all containers of the stack."""
        found = [it.docker(c) for s in stack.services() for c in it.running(it.settled(s))]
        return {c.id: c.attrs["Config"]["Image"] for c in found}

    before = running()
    assert list(before.values()) == [IMAGE] * 2
    newer = it.lab.make_image("trailboss-test:newer")
    it.act(stack, "upgrade", dockerCompose=COMPOSE.format(image=newer), externalId="catalog://2")
    upgraded = it.settled(stack)
    assert (upgraded.state, upgraded.externalId, upgraded.previousExternalId) == (
        "upgraded",
        "catalog://2",
        "catalog://1",
    )
    assert list(running().values()) == [newer] * 2

    it.act(stack, "rollback")
    back = it.settled(stack)
    assert (back.state, back.externalId, back.previousExternalId) == ("active", "catalog://1", None)
    assert running() == before
