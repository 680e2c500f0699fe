"""The name server, asked through real sockets on loopback by an independent client."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from ipaddress import IPv4Network
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.waiting import eventually_async
from trailboss.agent import upstream
from trailboss.agent.dns import DnsServer, _bound
from trailboss.agent.names import Client, Names
from trailboss.agent.upstream import ANSWER_S, Upstream, servers_of
from trailboss.wire.messages import Directory, Endpoint

pytestmark = pytest.mark.anyio
DOMAIN = "rancher.internal"
ME = "127.0.0.1"


def a_directory(web: int = 2) -> Directory:
    return Directory(
        targets={
            "shop/web": [Endpoint(f"shop_web_{n}", f"10.42.4.{n}") for n in range(1, web + 1)],
            "shop/web/log": [Endpoint("shop_web_log_1", "10.42.5.1")],
            "shop/empty": [],
            "other/db": [Endpoint("other_db_1", "10.42.6.1")],
            "other/web": [Endpoint("other_web_1", "10.42.6.2")],
        },
        clients={
            ME: {
                "web": "shop/web",
                "log.web": "shop/web/log",
                "database": "other/db",
                "empty": "shop/empty",
                "legacy": "shop/legacy",
                "far": "shop/far",
            }
        },
        cnames={"shop/legacy": "db.example.com", "shop/far": "web.shop.rancher.internal"},
    )


class Server:
    """A name server under test, with the names of `a_directory` and an upstream that the test plays."""

    def __init__(self, resolv_conf: Path, upstream_port: int) -> None:
        self.dns = DnsServer(Upstream(resolv_conf, upstream_port), IPv4Network("10.42.0.0/16"))
        self.port, self.upstream_port = free_port(), upstream_port
        self.asked = 0
        self.resolv_conf = resolv_conf
        self.set(a_directory())

    def set(self, directory: Directory) -> None:
        clients = {ME: Client(("shop.rancher.internal", DOMAIN)), "127.0.0.9": Client((DOMAIN,))}
        self.dns.names = Names(directory, DOMAIN, clients)

    async def ask(self, name: str, kind: str = "A", *, tcp: bool = False, **more: object) -> dns.message.Message:
        query = dns.message.make_query(name, kind, **more)  # type: ignore[arg-type]
        if tcp:
            return await dns.asyncquery.tcp(query, ME, port=self.port, timeout=10)
        return await dns.asyncquery.udp(query, ME, port=self.port, timeout=10)

    async def addresses(self, name: str, **more: object) -> list[str]:
        answer = await self.ask(name, **more)  # type: ignore[arg-type]
        return [str(item) for rrset in answer.answer for item in rrset if rrset.rdtype == dns.rdatatype.A]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((ME, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server whose upstream knows `*.example.com`, counts questions, and is silent about `silent.example.com`."""
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"# host's own\nnameserver {ME}\noptions ndots:1\n")
    playing = _bound(socket.SOCK_DGRAM, ME, 0)
    made = Server(resolv_conf, playing.getsockname()[1])

    class Played(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            query = dns.message.from_wire(data)
            made.asked += 1
            name = query.question[0].name
            response = dns.message.make_response(query)
            if name.to_text() == "silent.example.com.":
                return
            if name.to_text() == "failing.example.com.":
                response.set_rcode(dns.rcode.SERVFAIL)
                self.transport.sendto(response.to_wire(), addr)  # type: ignore[attr-defined]
                return
            if name.to_text().endswith(".example.com."):
                response.answer.append(dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.1"))
            else:
                response.set_rcode(dns.rcode.NXDOMAIN)
            self.transport.sendto(response.to_wire(), addr)  # type: ignore[attr-defined]

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Played, sock=playing)
    serving = asyncio.create_task(made.dns.run(ME, made.port))
    for _ in range(500):
        with socket.socket() as probe:
            probe.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(probe, (ME, made.port))
                break
            except OSError:
                await asyncio.sleep(0.01)
    yield made
    serving.cancel()
    transport.close()


@pytest.mark.parametrize(
    "name",
    [
        "web",
        "WEB.",
        "web.rancher.internal",
        "web.shop.rancher.internal",
        "Web.Shop.Rancher.Internal.",
    ],
)
async def test_a_service_is_found_bare_in_its_stack_and_in_the_domain(server: Server, name: str) -> None:
    assert sorted(await server.addresses(name)) == ["10.42.4.1", "10.42.4.2"]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("database", "10.42.6.1"),
        ("database.shop.rancher.internal", "10.42.6.1"),
        ("db.other.rancher.internal", "10.42.6.1"),
        ("web.other.rancher.internal", "10.42.6.2"),
        ("log.web", "10.42.5.1"),
        ("log.web.shop.rancher.internal", "10.42.5.1"),
        ("shop_web_1", "10.42.4.1"),
        ("shop_web_2.rancher.internal", "10.42.4.2"),
        ("other_db_1", "10.42.6.1"),
        ("far", "10.42.4.1"),
    ],
)
async def test_links_sidekicks_containers_and_other_stacks_are_found(server: Server, name: str, address: str) -> None:
    assert address in await server.addresses(name)


@pytest.mark.parametrize("name", ["nothing.rancher.internal", "db.rancher.internal", "other_web_1.rancher.internal"])
async def test_what_is_not_seen_does_not_exist(server: Server, name: str) -> None:
    answer = await server.ask(name)
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert answer.flags & dns.flags.AA
    assert answer.authority[0].ttl == 1, "no is not remembered for long"
    assert server.asked == 0, "names of ours are not told to foreign servers"


@pytest.mark.parametrize(
    "name", ["nothing", "NOTHING.", "nothing.shop.rancher.internal", "www.example.com.rancher.internal"]
)
@pytest.mark.parametrize("kind", ["A", "AAAA"])
async def test_unknown_names_do_not_wait_for_foreign_servers(server: Server, name: str, kind: str) -> None:
    answer = await server.ask(name, kind)
    assert (answer.rcode(), server.asked) == (dns.rcode.NXDOMAIN, 0)


async def test_addresses_of_containers_have_no_foreign_names(server: Server) -> None:
    assert (await server.ask("1.4.42.10.in-addr.arpa", "PTR")).rcode() == dns.rcode.NXDOMAIN
    assert server.asked == 0
    await server.ask("1.2.0.192.in-addr.arpa", "PTR")
    assert server.asked == 1, "other addresses may have one"


async def test_top_level_domains_are_asked_for_their_servers(server: Server) -> None:
    await server.ask("com", "NS")
    await server.ask(".", "NS")
    assert server.asked == 2


async def test_a_name_behind_which_nothing_runs_has_no_address(server: Server) -> None:
    answer = await server.ask("empty")
    assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])
    answer = await server.ask("web", "AAAA")
    assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])


async def test_a_new_container_is_told_to_ask_again_until_its_names_are_there(server: Server) -> None:
    server.set(Directory(a_directory().targets, {}))
    assert (await server.ask("web.rancher.internal")).rcode() == dns.rcode.SERVFAIL
    assert (await server.ask("web")).rcode() == dns.rcode.SERVFAIL
    assert await server.addresses("db.other.rancher.internal") == ["10.42.6.1"]


async def test_answers_are_shuffled_and_short_lived(server: Server) -> None:
    server.set(a_directory(web=8))
    orders = {tuple(await server.addresses("web")) for _ in range(20)}
    assert len(orders) > 1
    assert (await server.ask("web")).answer[0].ttl == 1


async def test_answers_change_in_one_step(server: Server) -> None:
    assert len(await server.addresses("web")) == 2
    server.set(a_directory(web=1))
    assert await server.addresses("web") == ["10.42.4.1"]


async def test_a_long_answer_is_truncated_on_udp_and_whole_on_tcp(server: Server) -> None:
    server.set(a_directory(web=60))
    short = await server.ask("web", use_edns=False)
    assert short.flags & dns.flags.TC
    assert len(short.to_wire()) <= 512
    assert len(await server.addresses("web", use_edns=0, payload=1232)) == 60
    assert len(await server.addresses("web", tcp=True)) == 60


async def test_foreign_names_are_asked_for_once_and_remembered(server: Server) -> None:

    async def is_known() -> bool:  # on a machine with no time, the first question may end unanswered
        return await server.addresses("www.example.com") == ["192.0.2.1"]

    await eventually_async(is_known)
    asked = server.asked
    for _ in range(3):
        assert await server.addresses("www.example.com") == ["192.0.2.1"]
    assert server.asked == asked
    assert (await server.ask("www.example.org")).rcode() == dns.rcode.NXDOMAIN


async def test_an_alias_leads_to_a_foreign_name(server: Server) -> None:
    answer = await server.ask("legacy")
    assert [rrset.to_text() for rrset in answer.answer] == [
        "legacy. 1 IN CNAME db.example.com.",
        "db.example.com. 300 IN A 192.0.2.1",
    ]


async def test_aliases_in_a_circle_end(server: Server) -> None:
    circle = {"shop/legacy": "far", "shop/far": "legacy"}
    server.set(Directory({}, a_directory().clients, circle))
    assert (await server.ask("legacy")).rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_silent_upstream_delays_nobody_else(server: Server, tcp: bool) -> None:
    slow = asyncio.create_task(server.ask("silent.example.com", tcp=tcp))
    assert await server.addresses("web", tcp=tcp)
    assert not slow.done()
    assert (await slow).rcode() == dns.rcode.SERVFAIL


async def test_a_silent_upstream_does_not_delay_later_questions_of_the_same_connection(server: Server) -> None:
    reader, writer = await asyncio.open_connection(ME, server.port)
    for number, name in ((1, "silent.example.com"), (2, "web")):
        wire = dns.message.make_query(name, "A", id=number).to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
    answers = []
    for _ in range(2):
        length = int.from_bytes(await reader.readexactly(2), "big")
        answer = dns.message.from_wire(await reader.readexactly(length))
        answers.append((answer.id, answer.rcode()))
    writer.close()
    assert answers == [(2, dns.rcode.NOERROR), (1, dns.rcode.SERVFAIL)]


async def test_many_silent_servers_cost_no_more_time_than_one(server: Server) -> None:
    silent = [_bound(socket.SOCK_DGRAM, f"127.0.0.{n}", server.upstream_port) for n in range(2, 7)]
    server.resolv_conf.write_text("".join(f"nameserver 127.0.0.{n}\n" for n in range(2, 7)))
    began = time.monotonic()
    assert (await server.ask("www.example.com")).rcode() == dns.rcode.SERVFAIL
    assert time.monotonic() - began < 4 * ANSWER_S
    for socket_ in silent:
        socket_.close()


async def test_a_server_that_is_slow_is_not_waited_for_while_another_knows(server: Server) -> None:
    with _bound(socket.SOCK_DGRAM, "127.0.0.2", server.upstream_port):
        server.resolv_conf.write_text(f"nameserver 127.0.0.2\nnameserver {ME}\n")
        assert await server.addresses("www.example.com") == ["192.0.2.1"]


async def test_a_server_that_fails_or_is_not_there_is_said_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "ANSWER_S", 60.0)
    server.resolv_conf.write_text(f"nameserver 127.0.0.2\nnameserver {ME}\n")
    assert (await server.ask("failing.example.com")).rcode() == dns.rcode.SERVFAIL
    assert await server.addresses("www.example.com") == ["192.0.2.1"]


async def test_an_alias_says_what_became_of_its_target(server: Server) -> None:
    for target, code in (
        ("www.example.org", dns.rcode.NXDOMAIN),
        ("failing.example.com", dns.rcode.SERVFAIL),
        ("www.example.com", dns.rcode.NOERROR),
    ):
        server.set(Directory({}, a_directory().clients, {"shop/legacy": target}))
        answer = await server.ask("legacy")
        assert (answer.rcode(), answer.answer[0].to_text()) == (code, f"legacy. 1 IN CNAME {target}.")


async def test_what_is_no_proper_question_is_refused(server: Server) -> None:
    assert (await server.ask("web", "ANY")).rcode() == dns.rcode.NOTIMP
    query = dns.message.make_query("web", "A", "CH")
    assert (await dns.asyncquery.udp(query, ME, port=server.port, timeout=10)).rcode() == dns.rcode.NOTIMP
    garbage = await server.dns.answer(b"\x12\x34\x00\x00" + b"\xff" * 20, ME, is_udp=True)
    assert garbage is not None and garbage[:2] == b"\x12\x34" and garbage[3] & 15 == dns.rcode.FORMERR
    assert await server.dns.answer(b"short", ME, is_udp=True) is None
    answer = dns.message.make_response(dns.message.make_query("web", "A")).to_wire()
    assert await server.dns.answer(answer, ME, is_udp=True) is None, "an answer is not answered"


async def test_strangers_are_refused(server: Server) -> None:
    query = dns.message.make_query("www.example.com", "A").to_wire()
    for stranger, code in (("192.0.2.7", dns.rcode.REFUSED), ("10.42.4.1", dns.rcode.NOERROR)):
        answer = await server.dns.answer(query, stranger, is_udp=True)
        assert answer is not None and dns.message.from_wire(answer).rcode() == code


def test_name_servers_are_read_from_resolv_conf() -> None:
    text = "search x\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver nonsense\n;nameserver 192.0.2.9\n"
    assert servers_of(text) == ["192.0.2.1", "fe80::1"]
