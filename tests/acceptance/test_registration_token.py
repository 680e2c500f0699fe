"""The type `registrationToken`."""

from __future__ import annotations

import gdapi
import httpx2
import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import SOON_S, World

pytestmark = pytest.mark.docker


@not_yet_true(5, "the command fetches a script that installs nothing")
def test_the_command_of_a_token_registers_until_it_is_deactivated(it: World) -> None:
    """its `command`, pasted on a machine, registers that machine; a deactivated token is refused"""
    before = {h.id for h in it.client.list_host()}
    token = it.create("registrationToken")
    assert token.command.endswith(token.registrationUrl)

    spent = it.create("registrationToken")
    it.settled(it.act(spent, "deactivate"))
    assert httpx2.get(spent.registrationUrl).status_code == 404
    with pytest.raises(gdapi.ApiError) as refused:
        it.connect("registrationToken", spent.token)
    assert refused.value.error.status == 401

    it.paste(it.machine(), token.command)
    host = it.new_host(it.client, before, SOON_S)
    assert host.state == "active"
    it.leave(host)
