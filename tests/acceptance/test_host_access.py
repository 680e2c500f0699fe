"""The type `hostAccess`."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World, socket
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def claims(access: Any) -> dict[str, int]:
    """Return what the token of an access says, which is a JWT."""
    body = access.token.split(".")[1]
    found: dict[str, int] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def is_refused(access: Any) -> None:
    with pytest.raises(AssertionError, match="refused with 401"), socket(f"{access.url}?token={access.token}"):
        pass


@not_yet_true(5, "there are only logs: `execute` and `dockersocket` are not offered")
def test_an_access_opens_one_tunnel_for_a_while(it: World, name: str) -> None:
    """its url with its token opens exactly one exec, log or Docker tunnel and is refused after 300 s"""
    container = it.container(name)

    def logs() -> Any:
        return it.act(container, "logs", follow=False, lines=10)

    def execute() -> Any:
        return it.act(container, "execute", command=["echo", "from exec"])

    def plain(text: str) -> str:
        return text

    def decoded(text: str) -> str:
        return base64.b64decode(text).decode(errors="replace")

    tunnels = [
        (logs, None, plain, "started"),
        (execute, None, decoded, "from exec"),
        (lambda: it.act(it.host, "dockersocket"), "GET /_ping HTTP/1.0\r\n\r\n", decoded, "OK"),
    ]
    for ask, said, read, wanted in tunnels:
        access = ask()
        assert access.type == "hostAccess"
        assert claims(access)["exp"] - claims(access)["iat"] == 300
        with socket(f"{access.url}?token={access.token}") as tunnel:
            if said:
                tunnel.send(base64.b64encode(said.encode()).decode())
            tunnel.first(lambda text, read=read, wanted=wanted: wanted in read(text))
        is_refused(access)

    # The same with a shorter time, so that nobody has to wait for five minutes.
    it.admin.update(it.admin.by_id_setting("jwt.default.expiration.seconds"), value="1")
    try:
        access = eventually(
            lambda: (a := logs()) and claims(a)["exp"] - claims(a)["iat"] == 1 and a, what="it is short"
        )
        eventually(lambda: time.time() > claims(access)["exp"] + 1, what="its time is over")
        is_refused(access)
    finally:
        it.admin.delete(it.admin.by_id_setting("jwt.default.expiration.seconds"))
