"""The type `cluster`."""

from __future__ import annotations

import io
import tarfile
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import WITHIN_S, World
from tests.waiting import eventually

pytestmark = pytest.mark.docker


@not_yet_true(10, "clusters are stored, and no swarm is made")
def test_hosts_in_a_cluster_answer_through_one_endpoint(it: World, name: str, tmp_path: Path) -> None:
    """three member hosts answer `docker node ls` through one TLS endpoint and containers requested on it spread over \
them"""
    port = it.port()
    cluster = it.create("cluster", name=name, port=port)
    assert cluster.state == "inactive", "it has no member"
    with ExitStack() as joined:
        members = [it.host, *(joined.enter_context(it.joined(number)) for number in (1, 2))]
        for member in members:
            it.act(cluster, "addhost", hostId=member.id)
        it.act(cluster, "activate")
        assert it.settled(cluster, within=WITHIN_S).state == "active"
        assert {h.id for h in cluster.hosts()} == {m.id for m in members}

        # CA, certificate and key of a client, as a file for people with `docker --tlsverify`.
        client = it.client._session.get(cluster.links.config, auth=it.client._auth).content
        unpack(client, tmp_path)
        tls = docker.tls.TLSConfig(
            client_cert=(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")),
            ca_cert=str(tmp_path / "ca.pem"),
            verify=True,
        )
        endpoint = docker.DockerClient(base_url=f"https://{it.lab.address}:{port}", tls=tls, timeout=10)
        eventually(
            lambda: [n.attrs["Status"]["State"] for n in endpoint.nodes.list()] == ["ready"] * 3,
            what="3 nodes are ready",
        )
        with pytest.raises(docker.errors.DockerException):
            docker.DockerClient(base_url=f"http://{it.lab.address}:{port}", timeout=5).ping()

        containers = [it.container(f"{name}-{n}", requestedHostId=cluster.id) for n in range(6)]
        assert {h.id for c in containers for h in c.hosts()} == {m.id for m in members}
        it.settled(it.act(cluster, "deactivate"))


def unpack(packed: bytes, folder: Path) -> None:
    """Put the three files of a client's archive into a folder, whatever folder they have in it."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for entry in tar.getmembers():
            if (file := tar.extractfile(entry)) is not None:
                (folder / Path(entry.name).name).write_bytes(file.read())
