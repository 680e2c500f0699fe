"""Hosts, containers and requests with good defaults, for the tests of the scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trailboss.scheduler import ContainerView, HostView, Port, Request

AFFINITY = "io.rancher.scheduler.affinity:"


def a_host(id: int = 1, **fields: Any) -> HostView:
    return HostView(**{"id": id, "name": f"host-{id}", "compute_free": 100, **fields})


def a_container(name: str = "web_1", **fields: Any) -> ContainerView:
    return ContainerView(**{"uuid": f"uuid-of-{name}", "name": name, **fields})


def a_request(name: str = "new", **fields: Any) -> Request:
    return Request(**{"uuid": f"uuid-of-{name}", "name": name, **fields})


def affinity(**rules: str) -> Mapping[str, str]:
    """affinity(host_label_ne="a=b") -> the label that says so."""
    return {AFFINITY + key: value for key, value in rules.items()}


def port(text: str) -> Port:
    """port("10.0.0.1:80/tcp"), port("53/udp")."""
    rest, _, protocol = text.partition("/")
    bind, _, public = rest.rpartition(":")
    return Port(int(public), protocol or "tcp", bind)
