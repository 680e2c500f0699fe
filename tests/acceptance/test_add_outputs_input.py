"""The type `addOutputsInput`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.world import World

pytestmark = pytest.mark.docker


def test_outputs_that_are_added_to_a_stack_are_merged(it: World, stack: Any) -> None:
    """posting it to a stack's addoutputs shows the merged `outputs` on the next GET"""
    assert it.client.schema.types["environment"].resourceActions.addoutputs.input == "addOutputsInput"
    it.act(stack, "addoutputs", outputs={"site": "http://a", "port": "80"})
    it.act(stack, "addoutputs", outputs={"site": "http://b", "user": "jo"})
    assert vars(it.client.reload(stack).outputs) == {"site": "http://b", "port": "80", "user": "jo"}
