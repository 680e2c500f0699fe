"""Names inside of real containers, answered by the agent."""

from __future__ import annotations

import time

import msgspec
import pytest

from tests.host.conftest import Host
from tests.waiting import eventually
from trailboss.agent.upstream import ANSWER_S
from trailboss.wire.messages import Directory, Endpoint

pytestmark = pytest.mark.docker

SEARCH = ["shop.rancher.internal", "rancher.internal"]


def directory(host: Host, *containers: str) -> Directory:
    """Everybody of the test is in the service shop/web, and sees it by name."""
    addresses = {name: str(host.server.records[name].specification.address) for name in containers}  # type: ignore[union-attr]
    endpoints = [Endpoint(name, address) for name, address in addresses.items()]
    return Directory({"shop/web": endpoints}, {address: {"web": "shop/web"} for address in addresses.values()})


def ask(host: Host, container: str, name: str) -> str:
    """Ask for a name as any program in the container would."""
    done = host.container(container).exec_run(["ping", "-c", "1", "-W", "5", name])
    return str(done.output.decode())


def test_containers_find_one_another_by_name_also_with_the_server_or_the_agent_away(host: Host) -> None:
    for name in ("shop_web_1", "shop_web_2"):
        host.want(name, dns_search=SEARCH)
        host.until(name, "running")
    host.server.name(directory(host, "shop_web_1", "shop_web_2"))
    for name in ("shop_web_2", "shop_web_2.rancher.internal", "web", "web.shop", "web.shop.rancher.internal"):
        eventually(lambda name=name: " 0% packet loss" in ask(host, "shop_web_1", name), what=f"{name} answers")
    assert "bad address" in ask(host, "shop_web_1", "nothing.rancher.internal")

    host.server.stop()
    host.server.directory = msgspec.structs.replace(host.server.directory, targets={"shop/web": []})
    assert " 0% packet loss" in ask(host, "shop_web_1", "web"), "the last names are kept"
    host.end_agent()
    host.start_agent()
    eventually(lambda: " 0% packet loss" in ask(host, "shop_web_1", "web"), 30, "also by an agent that is new")
    host.server.start()
    eventually(lambda: "bad address" in ask(host, "shop_web_1", "web"), 30, "new names replace them")


def test_a_name_that_nobody_has_is_refused_at_once_also_with_the_foreign_server_away(host: Host) -> None:
    host.resolv_conf.write_text(f"nameserver {host.prefix}.250.250\n")
    host.want("shop_web_1", dns_search=SEARCH)
    host.until("shop_web_1", "running")
    host.server.name(directory(host, "shop_web_1"))
    eventually(lambda: " 0% packet loss" in ask(host, "shop_web_1", "web"), what="names have arrived")
    began = time.monotonic()
    assert "bad address" in ask(host, "shop_web_1", "nothing")
    assert time.monotonic() - began < ANSWER_S, "it did not wait for the foreign server"
