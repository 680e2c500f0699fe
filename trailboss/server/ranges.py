"""Which addresses and which bridge an installation takes on its hosts, chosen so that two on one machine do not meet.

Pure, but for `machine`, which reads what this machine uses already. The choice is made at the first start and stored;
hosts on other machines may use other ranges, which their agents find out.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from trailboss.errors import Permanent

Network = ipaddress.IPv4Network
USUAL = tuple(Network(f"10.{second}.0.0/16") for second in range(16, 256))
"""Ranges to choose from. Those below are left to offices, which often begin at 10.0."""
LAST = tuple(Network(f"172.{second}.0.0/16") for second in range(16, 32))
"""Taken only where the usual ones are in use (a route to 10.0.0.0/8): Docker gives these to networks of its own."""


@dataclass(frozen=True)
class InUse:
    """A range that an interface of the machine reaches."""

    interface: str
    network: Network


@dataclass(frozen=True)
class Range:
    """What an installation uses on every host. cidr: of all containers. bridge: interface. name: Docker's network."""

    cidr: str
    bridge: str
    name: str


def choose(
    installation_id: str, cidr: str | None, bridge: str | None, used: list[InUse], interfaces: set[str]
) -> Range:
    """Choose at the first start. cidr, bridge: asked for by the operator, or None.

    Without a wish the range follows from the installation's id, so that two installations on one machine differ even
    before either has a bridge. Raises Permanent if what was asked for is in use, or nothing is free.
    """
    short = installation_id.replace("-", "")[:8]
    bridge = bridge or f"tb-{short}"
    if bridge in interfaces:
        raise Permanent(f"this machine has an interface {bridge} already; choose another name with --bridge")
    if cidr is None:
        return Range(str(_free(installation_id, used)), bridge, f"trailboss-{short}")
    if taken := conflicts(cidr, bridge, used):
        raise Permanent(f"--network {cidr} overlaps {_names(taken)} on this machine; choose another range")
    return Range(str(Network(cidr)), bridge, f"trailboss-{short}")


def conflicts(cidr: str, bridge: str, used: list[InUse]) -> list[InUse]:
    """Return what overlaps a range on this machine, apart from the installation's own bridge."""
    wanted = Network(cidr)
    return [u for u in used if u.interface != bridge and u.network.prefixlen > 0 and u.network.overlaps(wanted)]


def _free(installation_id: str, used: list[InUse]) -> Network:
    start = int.from_bytes(hashlib.sha256(installation_id.encode()).digest()[:4]) % len(USUAL)
    for candidate in (*USUAL[start:], *USUAL[:start], *LAST):
        if not conflicts(str(candidate), "", used):
            return candidate
    raise Permanent(f"every range is in use on this machine ({_names(used)}); choose one with --network")


def _names(used: list[InUse]) -> str:
    return ", ".join(f"{u.network} ({u.interface})" for u in used)


def parse_routes(text: str) -> list[InUse]:
    """Read the text of /proc/net/route: addresses and masks are hexadecimal, in the byte order of the machine."""
    found = []
    for line in text.splitlines()[1:]:
        columns = line.split()
        address, mask = (bytes.fromhex(columns[i])[::-1] for i in (1, 7))
        netmask = ipaddress.IPv4Address(mask)
        found.append(InUse(columns[0], Network(f"{ipaddress.IPv4Address(address)}/{netmask}", strict=False)))
    return found


def machine() -> tuple[list[InUse], set[str]]:
    """Return the ranges that this machine reaches, and the names of its interfaces."""
    routes, interfaces = Path("/proc/net/route"), Path("/sys/class/net")
    used = parse_routes(routes.read_text()) if routes.exists() else []
    return used, {p.name for p in interfaces.iterdir()} if interfaces.exists() else set()
