"""Which address a name has for a container that asks. Pure.

In: the `Directory` of the server, the records of this host, who asks and for what. Out: one of four answers. Which
names a container sees is the server's business (23-health-dns-metadata section 3.3); here a question is brought to the
form in which they are written: lower case, without the search domains that resolvers append. How questions travel is
in `dns.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trailboss.agent.converge import Wish
from trailboss.wire.messages import Directory


@dataclass(frozen=True, slots=True)
class Client:
    """A container that may ask. search: its search domains. servers: its own name servers, for foreign names."""

    search: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Addresses:
    """The name is one of ours. Without addresses: nothing runs behind it now."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """The name stands for a foreign one."""

    host: str


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such name."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be said yet: the container is so new that its names have not arrived."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Not a name of ours: others know."""


Answer = Addresses | Alias | Missing | Unknown | Elsewhere


@dataclass(frozen=True, slots=True)
class Names:
    """All that is needed for an answer. A change is a new value, so that no answer mixes two states.
    domain: the suffix of our names, in lower case. clients: by address, those on this host."""

    directory: Directory
    domain: str
    clients: dict[str, Client]

    def answer(self, address: str, question: str, *, is_for_address: bool = True) -> Answer:
        """Answer what the container at an address asks. question: a name, with or without dots at its end.
        is_for_address: whether an address is asked for. A name of one label has none elsewhere: resolvers try it as it
        is when all search domains have failed, and top-level domains are asked for their servers and keys only."""
        name = question.rstrip(".").lower()
        visible = self.directory.clients.get(address)
        if visible is not None:
            for bare in self._bare(address, name):
                if bare in visible:
                    return self._target(visible[bare])
                if found := self._container(bare, visible.values()):
                    return found
        if self._is_inside(name):
            if key := self._key(name):
                return self._target(key)
        elif "." in name or not is_for_address:
            return Elsewhere()
        return Missing() if visible is not None or address not in self.clients else Unknown()

    def _is_inside(self, name: str) -> bool:
        return name == self.domain or name.endswith("." + self.domain)

    def _bare(self, address: str, name: str) -> Iterator[str]:
        """The name itself, and as it was before a resolver appended a search domain."""
        yield name
        client = self.clients.get(address, Client())
        for suffix in dict.fromkeys((*client.search, self.domain)):
            if name.endswith("." + suffix.lower()):
                yield name[: -len(suffix) - 1]

    def _container(self, name: str, keys: Iterable[str]) -> Addresses | None:
        for key in keys:
            for endpoint in self.directory.targets.get(key, ()):
                if endpoint.container_name.lower() == name:
                    return Addresses((endpoint.address,))
        return None

    def _key(self, name: str) -> str:
        """Return the key of `service.stack` or `sidekick.service.stack` below the domain; "" if there is none."""
        labels = name[: -len(self.domain) - 1].split(".")
        key = "/".join(reversed(labels))
        return key if len(labels) in (2, 3) and self._has(key) else ""

    def _has(self, key: str) -> bool:
        return key in self.directory.targets or key in self.directory.cnames

    def _target(self, key: str) -> Answer:
        endpoints = self.directory.targets.get(key)
        if not endpoints and (host := self.directory.cnames.get(key)):
            return Alias(host)
        return Addresses(tuple(endpoint.address for endpoint in endpoints or ()))


def clients_of(wishes: Iterable[Wish]) -> dict[str, Client]:
    """Return the containers on the managed bridge, by address."""
    found = {}
    for wish in wishes:
        specification = wish.record.specification
        if specification is not None and specification.network == "managed" and specification.address:
            found[specification.address] = Client(tuple(specification.dns_search), tuple(specification.dns))
    return found
