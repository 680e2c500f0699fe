"""Foreign names: asks the name servers of the host (or of a container) and remembers the answers for a little while.

In: a question and the servers to ask. Out: the first answer that is no failure, None if there is none.
"""

from __future__ import annotations

import secrets
import time
from ipaddress import ip_address
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode

ANSWER_S = 2.0
"""Per server; a resolver in a container asks again after 5 s."""
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
        asked = dns.message.from_wire(query.to_wire())
        for server in servers:
            asked.id = secrets.randbelow(65536)
            try:
                answer, _ = await dns.asyncquery.udp_with_fallback(asked, server, timeout=ANSWER_S, port=self._port)
            except (dns.exception.DNSException, OSError, EOFError):
                continue
            if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return answer
        return None

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
