"""The managed bridge: one Docker network on which each container has the address that the server chose.

In: what Welcome says of it. Out: the network exists, or a sentence why not. All hosts share the range, and each has a
gateway address of its own in it, where its DNS listens.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trailboss.agent.docker import Docker, Refused
from trailboss.errors import Permanent
from trailboss.wire.messages import LABEL_INSTALLATION, Network

GHOST = (
    "; if `docker network ls` does not show it, Docker was killed while it made that network, and knows it only in "
    "part: stop Docker, remove network/files/local-kv.db in its data folder, and start it again"
)
_ROUTES = Path("/proc/net/route")
_GONE = re.compile(r"network \S+ not found")


async def ensure(docker: Docker, network: Network, installation: str) -> None:
    """Make the network if it is not there. Raises Permanent with a sentence if something is in its way."""
    present = await docker.networks()
    for other in present:
        if other["Name"] == network.name:
            if not is_as_wanted(other, network, installation):
                await _replace(docker, other, network, installation)
            return
    if because := collision(present, _routes(), network):
        raise Permanent(because)
    await _make(docker, network, installation)


async def _replace(docker: Docker, present: dict[str, Any], network: Network, installation: str) -> None:
    """Make our network anew with another range or gateway, as a host has that was removed and has joined again."""
    try:
        await docker.remove_network(network.name)
    except Refused as refused:
        found = _range_of(present)
        raise Permanent(
            f"the Docker network {network.name} has the range {found[0]} and the gateway {found[1]}, but this host is "
            f"to have {network.cidr} and {network.gateway}: remove the containers on it (docker network inspect "
            f"{network.name} names them), or end another agent that drives this engine"
        ) from refused
    await _make(docker, network, installation)


async def _make(docker: Docker, network: Network, installation: str) -> None:
    try:
        await docker.create_network(body(network, installation))
    except Refused as refused:
        hint = GHOST if "conflicts with network" in refused.message else ""
        raise Permanent(f"the network {network.name} ({network.cidr}) cannot be made: {refused}{hint}") from refused


def body(network: Network, installation: str) -> dict[str, Any]:
    """Return what Docker is told (Engine API, `POST /networks/create`)."""
    return {
        "Name": network.name,
        "CheckDuplicate": True,
        "Driver": "bridge",
        "IPAM": {"Config": [{"Subnet": network.cidr, "Gateway": network.gateway}]},
        "Options": {
            "com.docker.network.bridge.name": network.bridge,
            "com.docker.network.bridge.enable_ip_masquerade": "true",
            "com.docker.network.driver.mtu": str(network.mtu),
        },
        "Labels": {LABEL_INSTALLATION: installation},
    }


def is_gone(message: str) -> bool:
    """Say whether Docker refuses to start a container because its network was removed."""
    return bool(_GONE.search(message))


def is_as_wanted(present: dict[str, Any], network: Network, installation: str) -> bool:
    """Say whether a network of our name has the range and gateway that are wanted. Raises Permanent if it is not
    ours."""
    owner = (present.get("Labels") or {}).get(LABEL_INSTALLATION)
    if owner != installation:
        whose = f"of the installation {owner}" if owner else "not made by Trailboss"
        raise Permanent(f"a Docker network named {network.name} exists that is {whose}: choose another --bridge")
    return _range_of(present) == (network.cidr, network.gateway)


def _range_of(present: dict[str, Any]) -> tuple[str | None, str | None]:
    config = ((present.get("IPAM") or {}).get("Config") or [{}])[0]
    return config.get("Subnet"), config.get("Gateway")


def collision(networks: list[dict[str, Any]], routes: str, network: Network) -> str:
    """Say which other network or route of the host overlaps the range; "" if none does."""
    range_ = ipaddress.IPv4Network(network.cidr)
    for other in networks:
        for config in (other.get("IPAM") or {}).get("Config") or []:
            if _overlaps(config.get("Subnet", ""), range_):
                return (
                    f"the range {network.cidr} overlaps {config['Subnet']} of the Docker network {other['Name']}: "
                    "start the server with another --network"
                )
    for interface, route in routes_of(routes):
        if interface == network.bridge and route == range_:
            continue  # left by an engine that is gone; Docker takes such a bridge over
        if interface == network.bridge:
            return f"an interface named {network.bridge} exists already: start the server with another --bridge"
        if route.prefixlen > 0 and route.overlaps(range_):
            return (
                f"the range {network.cidr} overlaps the route {route} of interface {interface}: "
                "start the server with another --network"
            )
    return ""


def _routes() -> str:
    return _ROUTES.read_text()


def routes_of(text: str) -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    """Read `/proc/net/route`: interface and destination of each IPv4 route. Numbers there are in the host's order."""
    for line in text.splitlines()[1:]:
        interface, destination, *_, mask = line.split()[:8]
        numbers = [socket.inet_ntoa(struct.pack("=L", int(number, 16))) for number in (destination, mask)]
        yield interface, ipaddress.IPv4Network("/".join(numbers), strict=False)


def _overlaps(subnet: str, range_: ipaddress.IPv4Network) -> bool:
    try:
        other = ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        return False
    return isinstance(other, ipaddress.IPv4Network) and other.overlaps(range_)
