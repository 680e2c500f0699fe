"""The managed bridge: which address each container and each host has in the shared range.

The range is one fact of the installation (`network`), set when the server starts. The first 1,024 addresses are for
hosts (the bridge's gateway on each, where its DNS listens), the rest for containers. An address is held by a row for
its whole life, so the database itself refuses a second holder.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trailboss.errors import ApiError
from trailboss.resources.entity import Entity

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx

REQUESTED_IP = "io.rancher.container.requested_ip"
FOR_HOSTS = 1024
_GUESSES = 8


def take_address(tx: Tx, row: Entity, requested: str | None = None) -> str:
    """Reserve an address for a container; the requested one if it is free and containers may have it.

    Raises ApiError if none is left."""
    range_ = _range(tx)
    high = range_.num_addresses - 1
    if requested and _is_for_containers(requested, range_) and tx.hold("address", requested, row):
        return requested
    return _take(tx, row, "network.next-container", range_, FOR_HOSTS, high)


def take_gateway(tx: Tx, row: Entity) -> str:
    """Reserve the address of a host's bridge. Raises ApiError if none is left."""
    return _take(tx, row, "network.next-host", _range(tx), 1, FOR_HOSTS)


def _range(tx: Tx) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(tx.fact("network.cidr") or "10.42.0.0/16")


def _take(tx: Tx, row: Entity, counter: str, range_: ipaddress.IPv4Network, low: int, high: int) -> str:
    """Hold the next free address with a number from low up to high. What was given back is not given out again at
    once: names that were answered may still be remembered."""
    size = high - low
    begin = int(tx.fact(counter) or low) - low
    for number in _free(tx, range_, (low + (begin + n) % size for n in range(size))):
        address = str(range_[number])
        if tx.hold("address", address, row):
            tx.set_fact(counter, str(number + 1))
            return address
    raise ApiError(409, message="Failed to allocate IP from subnet : IP allocation error")


def _free(tx: Tx, range_: ipaddress.IPv4Network, numbers: Iterator[int]) -> Iterator[int]:
    """Yield the numbers whose addresses may be free; nearly always one of the first is, so it is only tried."""
    yield from itertools.islice(numbers, _GUESSES)
    held = tx.held("address")
    yield from (number for number in numbers if str(range_[number]) not in held)


def _is_for_containers(text: str, range_: ipaddress.IPv4Network) -> bool:
    try:
        number = int(ipaddress.IPv4Address(text)) - int(range_.network_address)
    except ValueError:
        return False
    return FOR_HOSTS <= number < range_.num_addresses - 1
