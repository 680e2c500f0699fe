"""The managed bridge: which address each container and each host has in the shared range.

The range is one fact of the installation (`network`), set when the server starts. The first 1,024 addresses are for
hosts (the bridge's gateway on each, where its DNS listens), the rest for containers. An address is held by a row for
its whole life, so the database itself refuses a second holder.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from trailboss.errors import ApiError
from trailboss.resources.entity import Entity

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx

REQUESTED_IP = "io.rancher.container.requested_ip"
FOR_HOSTS = 1024
_TRIES = 4096


def take_address(tx: Tx, row: Entity, requested: str | None = None) -> str:
    """Reserve an address for a container; the requested one if it is free and in the range."""
    return _take(tx, row, "next-container", FOR_HOSTS, None, requested)


def take_gateway(tx: Tx, row: Entity) -> str:
    """Reserve the address of a host's bridge."""
    return _take(tx, row, "next-host", 1, FOR_HOSTS, None)


def _take(tx: Tx, row: Entity, counter: str, low: int, high: int | None, requested: str | None) -> str:
    range_ = ipaddress.IPv4Network(tx.fact("network.cidr") or "10.42.0.0/16")
    high = high or range_.num_addresses - 1
    if requested and _inside(requested, range_) and tx.hold("address", requested, row):
        return requested
    at = int(tx.fact(f"network.{counter}") or low)
    for _ in range(min(_TRIES, high - low)):
        address = str(range_[low + (at - low) % (high - low)])
        at += 1
        if tx.hold("address", address, row):
            tx.set_fact(f"network.{counter}", str(low + (at - low) % (high - low)))
            return address
    raise ApiError(409, message="Failed to allocate IP from subnet : IP allocation error")


def _inside(text: str, range_: ipaddress.IPv4Network) -> bool:
    try:
        return ipaddress.IPv4Address(text) in range_
    except ValueError:
        return False
