"""The name server of this host's containers: UDP and TCP on port 53 of the managed bridge's own address.

In: questions. Out: answers by `names.py` for who asks, by `upstream.py` for foreign names. What is answered changes in
one step, by assigning `DnsServer.names`; with the server away it is the last that was known. Strangers are refused, so
that a host reachable from outside is no open resolver.
"""

from __future__ import annotations

import asyncio
import random
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset
import structlog

from trailboss.agent.names import Addresses, Alias, Answer, Elsewhere, Missing, Names, Unknown
from trailboss.agent.upstream import Upstream

log = structlog.get_logger()

PORT = 53
TTL_S = 1
"""Containers come and go: nobody shall remember an answer for long."""
LONGEST_CHAIN = 10
SMALLEST_UDP = 512
"""Bytes of an answer that anybody takes (RFC 1035); EDNS allows more, of which we send at most `LARGEST_UDP`."""
LARGEST_UDP = 1232
TCP_IDLE_S = 10.0
MOST_TCP = 200
MOST_PIPELINED = 32
"""Questions under way on one connection; more are not read before one of them is answered."""
BIND_AGAIN_S = 5.0
IP_FREEBIND = 15
"""linux/in.h; Python has no name for it. The address is ours before and after the bridge is there."""


class DnsServer:
    """names: what is answered, None until something is known. clients: range of those who may ask."""

    def __init__(self, upstream: Upstream, clients: IPv4Network) -> None:
        self.names: Names | None = None
        self._upstream, self._clients = upstream, clients
        self._connections: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, address: str, port: int = PORT) -> None:
        """Serve until cancelled. An address that cannot be had is tried for again and again."""
        said = ""
        while True:
            try:
                await self._serve(address, port)
            except OSError as error:
                if str(error) != said:
                    log.error("names cannot be served", address=address, port=port, because=str(error))
                said = str(error)
                await asyncio.sleep(BIND_AGAIN_S)

    async def _serve(self, address: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        udp = _bound(socket.SOCK_DGRAM, address, port)
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        try:
            tcp = _bound(socket.SOCK_STREAM, address, port)
            server = await asyncio.start_server(self._accept, sock=tcp)
            log.info("names are served", address=address, port=port)
            async with server:
                await server.serve_forever()
        finally:
            transport.close()
            for task in (*self._tasks, *self._connections):
                task.cancel()

    # --- one question -------------------------------------------------------------------------------------------

    def datagram(self, data: bytes, peer: tuple[str, int], transport: asyncio.DatagramTransport) -> None:
        """Answer one datagram."""

        async def work() -> None:
            if (answer := await self.answer(data, peer[0], is_udp=True)) is not None:
                transport.sendto(answer, peer)

        task = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def answer(self, data: bytes, peer: str, *, is_udp: bool) -> bytes | None:
        """Return the answer to a question in wire format; None for what deserves none."""
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return _malformed(data)
        if query.flags & dns.flags.QR:
            return None
        response = await self._response(query, peer)
        limit = 65535
        if is_udp:
            limit = max(SMALLEST_UDP, min(query.payload, LARGEST_UDP)) if query.edns >= 0 else SMALLEST_UDP
        return response.to_wire(max_size=limit, prefer_truncation=True)

    async def _response(self, query: dns.message.Message, peer: str) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True, our_payload=LARGEST_UDP)
        question = query.question[0] if len(query.question) == 1 else None
        if not self._may_ask(peer):
            response.set_rcode(dns.rcode.REFUSED)
        elif query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif question is None:
            response.set_rcode(dns.rcode.FORMERR)
        elif question.rdclass != dns.rdataclass.IN or question.rdtype == dns.rdatatype.ANY:
            response.set_rcode(dns.rcode.NOTIMP)
        else:
            return await self._resolve(query, response, question, peer)
        return response

    def _may_ask(self, peer: str) -> bool:
        address = ip_address(peer)
        return address.is_loopback or address in self._clients

    async def _resolve(
        self, query: dns.message.Message, response: dns.message.Message, question: dns.rrset.RRset, peer: str
    ) -> dns.message.Message:
        found = self._find(question, peer)
        match found:
            case Elsewhere():
                return await self._foreign(query, response, peer)
            case Addresses():
                response.flags |= dns.flags.AA
                if question.rdtype == dns.rdatatype.A and found.addresses:
                    _add(response, question.name, "A", random.sample(found.addresses, len(found.addresses)))
            case Alias():
                target = dns.name.from_text(found.host)
                _add(response, question.name, "CNAME", [target.to_text()])
                if question.rdtype != dns.rdatatype.CNAME:
                    await self._follow(response, target, question.rdtype, peer)
            case Missing():
                response.flags |= dns.flags.AA
                response.set_rcode(dns.rcode.NXDOMAIN)
            case Unknown():
                response.set_rcode(dns.rcode.SERVFAIL)
        if not response.answer and isinstance(found, Addresses | Missing):
            _say_how_long(response, self.names)
        return response

    def _find(self, question: dns.rrset.RRset, peer: str) -> Answer:
        if self.names is None:
            return Unknown()
        if question.name.is_subdomain(dns.reversename.ipv4_reverse_domain) and self._is_ours(question.name):
            return Missing()
        is_for_address = question.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        return self.names.answer(peer, question.name.to_text(), is_for_address=is_for_address)

    def _is_ours(self, reverse: dns.name.Name) -> bool:
        """Say whether a reverse name is that of a container's address: nobody beyond us knows these addresses."""
        try:
            return IPv4Address(dns.reversename.to_address(reverse)) in self._clients
        except (dns.exception.DNSException, ValueError):
            return False

    async def _follow(
        self, response: dns.message.Message, target: dns.name.Name, kind: dns.rdatatype.RdataType, peer: str
    ) -> None:
        """Add what an alias stands for, through further aliases, none twice."""
        seen: set[dns.name.Name] = set()
        while target not in seen and len(seen) < LONGEST_CHAIN:
            seen.add(target)
            found = self.names.answer(peer, target.to_text()) if self.names else Unknown()
            if isinstance(found, Alias):
                alias, target = target, dns.name.from_text(found.host)
                _add(response, alias, "CNAME", [target.to_text()])
                continue
            if isinstance(found, Addresses) and kind == dns.rdatatype.A and found.addresses:
                _add(response, target, "A", list(found.addresses))
            elif isinstance(found, Elsewhere):
                answer = await self._upstream.ask(dns.message.make_query(target, kind), self._servers(peer))
                # the code is that of the last name of the chain (RFC 6604)
                response.set_rcode(answer.rcode() if answer is not None else dns.rcode.SERVFAIL)
                response.answer.extend(answer.answer if answer is not None else [])
            return

    async def _foreign(
        self, query: dns.message.Message, response: dns.message.Message, peer: str
    ) -> dns.message.Message:
        answer = await self._upstream.ask(query, self._servers(peer))
        if answer is None:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        response.set_rcode(answer.rcode())
        response.answer, response.authority = list(answer.answer), list(answer.authority)
        response.additional = list(answer.additional)
        return response

    def _servers(self, peer: str) -> tuple[str, ...]:
        client = self.names.clients.get(peer) if self.names else None
        return client.servers if client else ()

    # --- TCP ----------------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= MOST_TCP:
            writer.close()
            return
        self._connections.add(task)
        try:
            async with asyncio.TaskGroup() as answering:
                await self._read(reader, writer, answering)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answering: asyncio.TaskGroup
    ) -> None:
        """Read questions until there are no more; each is answered when its answer is there (RFC 7766, 6.2.1.1)."""
        peer = writer.get_extra_info("peername")[0]
        places = asyncio.Semaphore(MOST_PIPELINED)

        async def work(data: bytes) -> None:
            try:
                answer = await self.answer(data, peer, is_udp=False)
                if answer is None:
                    writer.close()
                    return
                with suppress(OSError):  # the other side has gone
                    writer.write(len(answer).to_bytes(2, "big") + answer)
                    await writer.drain()
            finally:
                places.release()

        with suppress(asyncio.IncompleteReadError, OSError):  # gone, or idle: TimeoutError is an OSError
            while True:
                await places.acquire()
                async with asyncio.timeout(TCP_IDLE_S):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    data = await reader.readexactly(length)
                answering.create_task(work(data))


class _Datagrams(asyncio.DatagramProtocol):
    """Hands datagrams to the server."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are sent with."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        self._server.datagram(data, addr, self._transport)


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    """Return a socket at an address that this machine may get later only."""
    bound = socket.socket(socket.AF_INET, kind)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        bound.setblocking(False)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound


def _add(response: dns.message.Message, name: dns.name.Name, kind: str, values: list[str]) -> None:
    response.answer.append(dns.rrset.from_text_list(name, TTL_S, dns.rdataclass.IN, kind, values))


def _say_how_long(response: dns.message.Message, names: Names | None) -> None:
    """Add the SOA that says for how long "no" may be remembered (RFC 2308)."""
    if names is not None:
        domain = dns.name.from_text(names.domain)
        text = f"ns.{domain} trailboss.{domain} 1 60 60 60 {TTL_S}"
        response.authority.append(dns.rrset.from_text(domain, TTL_S, dns.rdataclass.IN, "SOA", text))


def _malformed(data: bytes) -> bytes | None:
    """Answer what cannot be read, if at least its number can, and it is no answer itself."""
    if len(data) < 12 or data[2] & 0x80:
        return None
    response = dns.message.Message(int.from_bytes(data[:2], "big"))
    response.flags = dns.flags.QR
    response.set_rcode(dns.rcode.FORMERR)
    return response.to_wire()
