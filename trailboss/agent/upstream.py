"""Foreign names: asks the name servers of the host (or of a container) and remembers the answers for a little while.

In: a question and the servers to ask. Out: the first answer that is no failure, None if there is none: within
`ANSWER_S`, however many servers are silent. One that refuses or fails is passed over at once.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from ipaddress import ip_address
from pathlib import Path

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.rcode

ANSWER_S = 2.0
"""For all servers together: a resolver in a container asks again after 2.5 s (musl) or 5 s (glibc)."""
MOST = 1000
LONGEST_S, NEGATIVE_S = 30.0, 5.0
AT_ONCE = 256
"""Questions under way; beyond that they are refused, and asked again by who wants to know."""
PORT = 53

Key = tuple[str, int, bool, tuple[str, ...]]


class Upstream:
    """resolv_conf: where the host's name servers are written. port: of all servers (tests have others)."""

    def __init__(self, resolv_conf: Path = Path("/etc/resolv.conf"), port: int = PORT) -> None:
        self._path, self._port = resolv_conf, port
        self._changed_at = -1
        self._servers: tuple[str, ...] = ()
        self._answers: dict[Key, tuple[float, dns.message.Message]] = {}
        self._under_way = 0

    def servers(self) -> tuple[str, ...]:
        """Return the host's name servers, as they are written now."""
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._servers = tuple(servers_of(self._path.read_text()))
                self._changed_at = changed_at
        except OSError:
            return self._servers
        return self._servers

    async def ask(self, query: dns.message.Message, own: tuple[str, ...]) -> dns.message.Message | None:
        """Return the answer of the first server that has one; own: servers to ask before those of the host."""
        servers = (*own, *self.servers())
        question = query.question[0]
        key = (question.name.to_text().lower(), int(question.rdtype), bool(query.ednsflags & dns.flags.DO), servers)
        remembered = self._answers.get(key)
        if remembered is not None and remembered[0] > time.monotonic():
            return remembered[1]
        if self._under_way >= AT_ONCE:
            return None
        self._under_way += 1
        try:
            answer = await self._first(query, servers)
        finally:
            self._under_way -= 1
        if answer is not None:
            self._remember(key, answer)
        return answer

    async def _first(self, query: dns.message.Message, servers: tuple[str, ...]) -> dns.message.Message | None:
        """Ask server after server, the next one when one has failed or is slow; a slow one may still be the first."""
        waiting = list(servers)
        under_way: set[asyncio.Task[dns.message.Message | None]] = set()
        try:
            async with asyncio.timeout(ANSWER_S):
                while waiting or under_way:
                    if waiting:
                        under_way.add(asyncio.create_task(self._one(query, waiting.pop(0))))
                    patience = ANSWER_S / len(servers) if waiting else None
                    done, under_way = await asyncio.wait(
                        under_way, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        if (answer := task.result()) is not None:
                            return answer
        except TimeoutError:
            return None
        finally:
            for task in under_way:
                task.cancel()
        return None

    async def _one(self, query: dns.message.Message, server: str) -> dns.message.Message | None:
        """Ask one server for as long as it takes; None if it has no answer."""
        asked = dns.message.from_wire(query.to_wire())
        asked.id = secrets.randbelow(65536)
        try:
            # Connected to the server, so that we are told when nobody listens there.
            sock = await dns.asyncbackend.get_default_backend().make_socket(  # type: ignore[no-untyped-call]
                dns.inet.af_for_address(server), socket.SOCK_DGRAM, destination=(server, self._port)
            )
            async with sock:
                answer, _ = await dns.asyncquery.udp_with_fallback(asked, server, port=self._port, udp_sock=sock)
        except (dns.exception.DNSException, OSError, EOFError):
            return None
        return answer if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) else None

    def _remember(self, key: Key, answer: dns.message.Message) -> None:
        ttls = [rrset.ttl for rrset in answer.answer]
        lasting = min(LONGEST_S, *ttls) if ttls else NEGATIVE_S
        self._answers.pop(key, None)
        self._answers[key] = (time.monotonic() + lasting, answer)
        while len(self._answers) > MOST:
            del self._answers[next(iter(self._answers))]


def servers_of(resolv_conf: str) -> list[str]:
    """Read the addresses of a resolv.conf, without zones of IPv6 link-local ones."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found.append(str(ip_address(words[1].partition("%")[0])))
            except ValueError:
                continue
    return found
