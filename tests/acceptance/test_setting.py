"""The type `setting`."""

from __future__ import annotations

import pytest

from tests.acceptance.world import World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def test_the_address_of_the_server_is_in_the_next_command(it: World) -> None:
    """changing `api.host` changes the next registration command"""
    setting = it.admin.by_id_setting("api.host")
    assert it.url in it.create("registrationToken").command
    it.admin.update(setting, value="https://boss.example.org")
    try:
        eventually(
            lambda: "https://boss.example.org/v1/scripts/" in it.create("registrationToken").command,
            what="a new command has the new address",
        )
        assert it.admin.by_id_setting("api.host").value == "https://boss.example.org"
    finally:
        it.admin.delete(it.admin.by_id_setting("api.host"))
    eventually(lambda: it.url in it.create("registrationToken").command, what="the default is in force again")
