"""The agent on a real Docker Engine: what is wanted comes true and is reported."""

from __future__ import annotations

import socket

import pytest

from tests.host.conftest import Host
from trailboss.wire.messages import Port

pytestmark = pytest.mark.docker


def test_a_container_is_started_and_reported(host: Host) -> None:
    record = host.want("c-start", ports=[Port(80)])
    seen = host.until("c-start", "running")
    container = host.container("c-start")
    assert seen.docker_id == container.id
    assert seen.address == record.specification.address
    public = seen.ports["80/tcp"]
    assert public and str(public) == container.ports["80/tcp"][0]["HostPort"]
    with socket.create_connection((host.lab.address, public), 5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"200 OK" in connection.recv(1000)
