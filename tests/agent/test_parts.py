"""The small pure parts: sentences, facts, routes, log lines, pauses, addresses, leftovers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from trailboss.agent import facts
from trailboss.agent.leftovers import is_in_the_way, processes_of, remove_bundle
from trailboss.agent.link import pause, websocket_url
from trailboss.agent.network import collision, is_as_wanted
from trailboss.agent.run import options
from trailboss.agent.sentences import is_trouble_of_the_engine, readable
from trailboss.agent.streams import LONGEST_LINE, lines_of
from trailboss.errors import Permanent
from trailboss.wire.messages import LABEL_INSTALLATION, Network

NETWORK = Network("trailboss", "trailboss0", "10.42.0.0/16", "10.42.0.1")
ID = "a" * 64


@pytest.mark.parametrize(
    ("docker_says", "sentence"),
    [
        ("No such image: nothing:latest", "no such image: nothing:latest"),
        (
            "manifest for nginx:none not found: manifest unknown: manifest unknown",
            "no such image: nginx:none",
        ),
        (
            "pull access denied for nothing, repository does not exist or may require 'docker login': denied",
            "no such image: nothing, or it needs credentials",
        ),
        (
            "driver failed programming external connectivity on endpoint c (1f): Bind for 0.0.0.0:80 failed: "
            "port is already allocated",
            "port 80 is already allocated",
        ),
        (
            "driver failed programming external connectivity on endpoint c (1f): Error starting userland proxy: "
            "listen tcp4 0.0.0.0:80: bind: address already in use",
            "port 80 is already allocated",
        ),
        (
            "OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "
            '"nope": executable file not found in $PATH: unknown',
            'the command "nope" cannot be run: executable file not found in $PATH',
        ),
        ("something new", "something new"),
    ],
)
def test_errors_of_docker_become_sentences(docker_says: str, sentence: str) -> None:
    assert readable(docker_says) == sentence


def test_an_engine_that_ends_is_told_from_an_error() -> None:
    assert is_trouble_of_the_engine("rpc error: code = Unavailable desc = transport is closing: unknown")
    assert not is_trouble_of_the_engine("port is already allocated")


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


@pytest.mark.parametrize(
    ("networks", "route", "words"),
    [
        ([], "", ""),
        ([("docker0", "172.17.0.0/16")], "", ""),
        ([("other", "10.42.7.0/24")], "", "10.42.7.0/24 of the Docker network other"),
        ([], "vpn\t00002A0A\t0\t1\t0\t0\t0\t0000FFFF\t0\t0\t0\n", "the route 10.42.0.0/16 of interface vpn"),
        ([], "trailboss0\t00002A0A\t0\t1\t0\t0\t0\t0000FFFF\t0\t0\t0\n", ""),
        ([], "trailboss0\t00002B0A\t0\t1\t0\t0\t0\t0000FFFF\t0\t0\t0\n", "an interface named trailboss0"),
    ],
)
def test_what_is_in_the_way_of_the_network_is_named(networks: list[tuple[str, str]], route: str, words: str) -> None:
    present = [{"Name": name, "IPAM": {"Config": [{"Subnet": subnet}]}} for name, subnet in networks]
    found = collision(present, ROUTES + route, NETWORK)
    assert (words in found) if words else found == ""


def a_network_of(owner: str, gateway: str = "10.42.0.1") -> dict[str, Any]:
    return {
        "Labels": {LABEL_INSTALLATION: owner} if owner else None,
        "IPAM": {"Config": [{"Subnet": "10.42.0.0/16", "Gateway": gateway}]},
    }


@pytest.mark.parametrize(("owner", "words"), [("theirs", "theirs"), ("", "not made by")])
def test_a_network_of_the_same_name_must_be_ours(owner: str, words: str) -> None:
    with pytest.raises(Permanent, match=words):
        is_as_wanted(a_network_of(owner), NETWORK, "mine")


def test_our_network_is_compared_with_what_is_wanted() -> None:
    assert is_as_wanted(a_network_of("mine"), NETWORK, "mine")
    assert not is_as_wanted(a_network_of("mine", "10.42.0.2"), NETWORK, "mine")


async def pieces(*given: tuple[int, bytes]) -> AsyncIterator[tuple[int, bytes]]:
    for piece in given:
        yield piece


@pytest.mark.anyio
async def test_log_lines_carry_their_stream_wherever_pieces_end() -> None:
    chunks = [c async for c in lines_of(pieces((1, b"on"), (2, b"err\nr"), (1, b"e\r\ntwo\n"), (1, b"rest")))]
    assert b"".join(chunks) == b"02 err\n01 one\n01 two\n02 r\n01 rest\n"


@pytest.mark.anyio
async def test_a_line_without_end_is_cut() -> None:
    chunks = [c async for c in lines_of(pieces((1, b"x" * (2 * LONGEST_LINE + 5))))]
    assert [len(line) for line in b"".join(chunks).splitlines()] == [LONGEST_LINE + 3, LONGEST_LINE + 3, 8]


def test_pauses_grow_are_spread_and_have_an_end() -> None:
    assert pause(1, 0.0) == pause(50, 0.0) == 0.2
    assert pause(1, 1.0) < pause(2, 1.0) < pause(4, 1.0)
    assert pause(50, 1.0) == 5.0


def test_the_address_of_a_websocket() -> None:
    assert websocket_url("http://h:8080/", "/agent/connect") == "ws://h:8080/agent/connect"
    assert websocket_url("https://h/base", "/x") == "wss://h/base/x"


def test_facts_are_those_of_the_v1_host() -> None:
    host = facts.Facts("u", {"a": "b"}, "192.0.2.1").collect(
        {"ServerVersion": "20.10.24+dfsg1", "Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]}
    )
    assert host.labels["io.rancher.host.docker_version"] == "20.10"
    assert host.labels["a"] == "b"
    info = host.info
    assert set(info) == {"memoryInfo", "osInfo", "diskInfo", "cpuInfo"}
    assert info["diskInfo"]["dockerStorageDriverStatus"] == {"Backing Filesystem": "extfs"}
    assert 0 < info["memoryInfo"]["memFree"] < info["memoryInfo"]["memTotal"]
    assert all(0 <= core <= 100 for core in info["cpuInfo"]["cpuCoresPercentages"])
    assert len(info["cpuInfo"]["loadAvg"]) == 3


def test_options_come_from_the_command_line_and_the_environment() -> None:
    environment = {"TRAILBOSS_TOKEN": "t", "CATTLE_HOST_LABELS": "a=b&c=d%20e", "CATTLE_AGENT_IP": "192.0.2.9"}
    chosen = options("http://s", Path("/d"), "", "", environment)
    assert (chosen.token, chosen.labels, chosen.address) == ("t", {"a": "b", "c": "d e"}, "192.0.2.9")
    assert chosen.docker == "unix:///var/run/docker.sock"
    assert "'t'" not in repr(chosen), "the token is not shown by accident"
    assert options("http://s", Path("/d"), "unix:///x", "192.0.2.1", environment).address == "192.0.2.1"


@pytest.mark.parametrize("server", ["", "foo", "foo:8080", "ftp://s", "http://", "http://s:99999", "http://[::1"])
def test_what_is_no_address_of_a_server_is_refused(server: str) -> None:
    with pytest.raises(Permanent, match="--server"):
        options(server, Path("/d"), "", "", {})


@pytest.mark.parametrize("docker", ["bogus", "/var/run/docker.sock", "unix://relative", "tcp://"])
def test_what_is_no_address_of_an_engine_is_refused(docker: str) -> None:
    with pytest.raises(Permanent, match="--docker"):
        options("https://s:8443/boss", Path("/d"), docker, "", {})


@pytest.mark.parametrize(
    ("cgroup", "words", "is_left"),
    [
        (f"4:memory:/docker/{ID}\n", "sh\0", True),
        (f"0::/system.slice/docker-{ID}.scope\n", "sh\0", True),
        ("0::/system.slice/docker.service\n", f"/usr/bin/containerd-shim-runc-v2\0-namespace\0moby\0-id\0{ID}\0", True),
        ("0::/\n", f"grep\0-id\0{ID}\0", False),
        (f"0::/docker/{'b' * 64}\n", "sh\0", False),
        (f"0::/docker/{ID}a\n", "sh\0", False),
    ],
)
def test_processes_of_a_container_are_found_by_its_id(tmp_path: Path, cgroup: str, words: str, is_left: bool) -> None:
    process = tmp_path / "17"
    process.mkdir()
    (process / "cgroup").write_text(cgroup)
    (process / "cmdline").write_text(words)
    assert processes_of([ID], tmp_path) == ({17: ID} if is_left else {})


def test_a_lost_start_is_told_from_other_errors() -> None:
    assert is_in_the_way(f"task {ID}: already exists")
    assert is_in_the_way(f"failed to start shim: mkdir /run/x/{ID}: file exists: unknown")
    assert not is_in_the_way("port is already allocated")


def test_a_folder_of_containerd_is_not_removed_while_it_holds_files_of_a_container(tmp_path: Path) -> None:
    bundle = tmp_path / ID
    (bundle / "rootfs").mkdir(parents=True)
    (bundle / "config.json").write_text("{}")
    (bundle / "rootfs" / "data").write_text("precious")
    with pytest.raises(OSError, match="not empty"):
        remove_bundle(bundle)
    assert (bundle / "config.json").exists()
    (bundle / "rootfs" / "data").unlink()
    remove_bundle(bundle)
    assert not bundle.exists()
