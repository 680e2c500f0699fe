"""The type `containerExec`."""

from __future__ import annotations

import base64

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, socket

pytestmark = pytest.mark.docker


@not_yet_true(5, "`execute` is not offered")
def test_a_shell_runs_what_is_typed_inside_of_the_container(it: World, name: str) -> None:
    """`execute` with `["sh"]` gives a WebSocket in which typed commands run inside the container"""
    container = it.container(name, hostname="the-inside")
    access = it.act(container, "execute", command=["sh"])
    assert access.type == "hostAccess"
    heard = ""
    with socket(f"{access.url}?token={access.token}") as shell:

        def says(wanted: str, text: str) -> bool:
            nonlocal heard
            heard += base64.b64decode(text).decode(errors="replace")
            return wanted in heard

        for typed, wanted in (
            ("hostname; echo $((6 * 7))", "42"),
            ("echo kept > /tmp/typed; cat /tmp/typed", "\nkept"),
        ):
            shell.send(base64.b64encode(f"{typed}\n".encode()).decode())
            shell.first(lambda text, wanted=wanted: says(wanted, text))
    assert "the-inside" in heard
    assert it.run(container, "cat", "/tmp/typed") == "kept\n"
