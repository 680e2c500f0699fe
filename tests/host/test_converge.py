"""The agent on a real Docker Engine: what is wanted comes true, is reported, and is not done twice."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress

import docker
import pytest

from tests.host.conftest import Host
from tests.lab import IMAGE
from tests.waiting import eventually
from trailboss.wire.messages import LABEL_CONTAINER, LABEL_INSTALLATION, LABEL_SLOT, Port, RestartPolicy

pytestmark = pytest.mark.docker

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"]


def test_a_container_is_started_and_reported(host: Host) -> None:
    record = host.want("c-start", ports=[Port(80)])
    seen = host.until("c-start", "running")
    container = host.container("c-start")
    assert record.specification is not None
    assert (seen.docker_id, seen.address) == (container.id, record.specification.address)
    public = seen.ports["80/tcp"]
    assert public and str(public) == container.ports["80/tcp"][0]["HostPort"]
    assert "200 OK" in get(host, public)


def get(host: Host, port: int) -> str:
    """Ask a published port for its page."""

    def answer() -> str:
        with suppress(OSError), socket.create_connection((host.lab.address, port), 5) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return connection.recv(1000).decode()
        return ""

    return eventually(answer, 10, "the published port answers")


def test_stop_start_and_remove_are_followed_and_the_confirmation_is_repeated(host: Host) -> None:
    host.want("c-life")
    first = host.until("c-life", "running")
    host.want("c-life", desired="stopped")
    stopped = host.until("c-life", "exited")
    assert stopped.exit_code == 0 and stopped.finished_at >= stopped.started_at > 0
    host.want("c-life", epoch=2)
    second = host.until("c-life", "running", epoch=2)
    assert second.docker_id == first.docker_id
    assert second.started_at > first.started_at
    for _ in range(2):
        before = len(host.server.reports)
        host.want("c-life", epoch=2, desired="removed")
        eventually(
            lambda before=before: any(r.state == "removed" for r in host.server.reports[before:]),
            what="the removal is confirmed each time it is asked for",
        )
    assert "c-life" not in host.owned()


def test_a_new_run_of_a_running_container_restarts_it_once(host: Host) -> None:
    host.want("c-again")
    host.until("c-again", "running")
    container = host.container("c-again")
    before = container.attrs["State"]["StartedAt"]
    host.want("c-again", epoch=2)
    host.until("c-again", "running", epoch=2)
    container.reload()
    after = container.attrs["State"]["StartedAt"]
    assert after > before
    host.want("c-again", epoch=2)
    host.want("c-other")
    host.until("c-other", "running")
    container.reload()
    assert container.attrs["State"]["StartedAt"] == after


def test_a_stop_that_is_ignored_ends_by_force(host: Host) -> None:
    host.want("c-deaf", command=["sleep", "1000"], stop_timeout_s=1)
    host.until("c-deaf", "running")
    began = time.monotonic()
    host.want("c-deaf", desired="stopped", stop_timeout_s=1)
    assert host.until("c-deaf", "exited").exit_code == 137
    assert time.monotonic() - began > 0.9


def test_a_removal_does_not_wait_for_a_slow_stop(host: Host) -> None:
    host.want("c-deaf", command=["sleep", "1000"], stop_timeout_s=300)
    host.until("c-deaf", "running")
    host.want("c-deaf", desired="stopped", stop_timeout_s=300)
    eventually(lambda: "stopping a container" in host.log.read_text())
    host.want("c-deaf", desired="removed")
    host.until("c-deaf", "removed")


def test_a_slow_stop_delays_no_other_container(host: Host) -> None:
    host.want("c-deaf", command=["sleep", "1000"], stop_timeout_s=300)
    host.until("c-deaf", "running")
    host.want("c-deaf", desired="stopped", stop_timeout_s=300)
    host.want("c-quick")
    host.until("c-quick", "running")
    assert host.owned()["c-deaf"] == "running"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"image": "localhost:1/nothing:latest"}, "localhost:1/nothing:latest cannot be pulled: .*connection refused"),
        ({"command": ["no-such-command"]}, 'the command "no-such-command" cannot be run: executable file not found'),
        ({"labels": {"io.trailboss.slot": "mine"}}, "names that begin with io.trailboss. are Trailboss's own"),
        ({"volumes": ["/srv/../etc:/etc"]}, "the path on the host must not contain '..'"),
    ],
)
def test_what_cannot_be_started_fails_with_a_sentence(host: Host, wrong: dict[str, object], message: str) -> None:
    host.want("c-wrong", **wrong)
    seen = host.until("c-wrong", "failed", within=60)
    assert re.search(message, seen.message), seen.message
    host.want("c-wrong", desired="removed")
    host.until("c-wrong", "removed")
    assert host.owned() == {}


def test_a_taken_port_fails_and_the_next_run_is_tried(host: Host) -> None:
    host.want("c-first", ports=[Port(80, 8080)])
    host.until("c-first", "running")
    host.want("c-second", ports=[Port(80, 8080)])
    assert host.until("c-second", "failed").message == "port 8080 is already allocated"
    host.want("c-first", desired="stopped")
    host.until("c-first", "exited")
    host.want("c-second", epoch=2)
    assert host.until("c-second", "running", epoch=2).ports == {"80/tcp": 8080}


def test_docker_kill_and_docker_rm_are_noticed_at_once(host: Host) -> None:
    host.want("c-killed")
    host.want("c-gone")
    host.until("c-killed", "running")
    host.until("c-gone", "running")
    began = time.monotonic()
    host.container("c-killed").kill()
    assert host.until("c-killed", "exited").exit_code == 137
    host.container("c-gone").remove(force=True)
    host.until("c-gone", "removed")
    assert time.monotonic() - began < 3, "noticed by events, not by a slow look at everything"
    assert host.owned() == {"c-killed": "exited"}, "what comes next is the server's decision"


def test_two_containers_never_run_in_one_slot(host: Host) -> None:
    host.want("c-old", epoch=1, slot="web/1", command=["sleep", "1000"], stop_timeout_s=1)
    host.until("c-old", "running")
    host.want("c-new", epoch=2, slot="web/1")
    waiting = host.until("c-new", "creating", epoch=2)
    assert "c-old" in waiting.message
    host.want("c-old", epoch=1, slot="web/1", desired="stopped", stop_timeout_s=1)
    host.until("c-new", "running", epoch=2)
    assert host.owned() == {"c-old": "exited", "c-new": "running"}
    old, new = host.container("c-old").attrs["State"], host.container("c-new").attrs["State"]
    assert old["FinishedAt"] < new["StartedAt"]


def test_a_record_older_than_the_newest_of_its_slot_is_refused(host: Host) -> None:
    host.want("c-new", epoch=5, slot="web/1")
    host.until("c-new", "running", epoch=5)
    host.want("c-old", epoch=4, slot="web/1")
    host.want("c-new", epoch=4, slot="web/1", desired="stopped")
    host.want("c-after")
    host.until("c-after", "running")
    assert host.owned() == {"c-new": "running", "c-after": "running"}


def test_foreign_and_forgotten_containers_are_left_alone(host: Host) -> None:
    engine = host.lab.docker
    foreign = engine.containers.run(IMAGE, detach=True, name="foreign")
    other = engine.containers.run(IMAGE, detach=True, name="other", labels={LABEL_INSTALLATION: "another"})
    ours = {LABEL_INSTALLATION: host.server.installation, LABEL_CONTAINER: "lost", LABEL_SLOT: "lost"}
    lost = engine.containers.run(IMAGE, detach=True, name="lost", labels=ours)
    host.want("c-forgotten")
    host.until("c-forgotten", "running")
    host.server.forget("c-forgotten")
    host.until("c-forgotten", "unknown")
    assert host.server.state("lost") == "unknown"
    host.want("other")
    failed = host.until("other", "failed")
    assert "not of this installation" in failed.message
    host.want("other", desired="removed")
    host.until("other", "removed")
    for container in (foreign, other, lost, host.container("c-forgotten")):
        container.reload()
        assert container.status == "running"
    assert not {"foreign", "other"} & {seen.container for seen in host.server.hellos[0].inventory}


def test_a_container_is_made_as_it_was_specified(host: Host) -> None:
    host.want("c-owner", volumes=["/shared"])
    host.until("c-owner", "running")
    host.want(
        "c-all",
        command=SLEEP,
        hostname="web-1",
        domain_name="example.org",
        user="nobody",
        working_dir="/www",
        environment={"A": "1", "B": "x=y"},
        labels={"a": "b"},
        tty=True,
        stdin_open=True,
        ports=[Port(80, 8081), Port(53, 0, "udp"), Port(90, 9090, "tcp", "127.0.0.1")],
        dns=["192.0.2.53"],
        dns_search=["stack.rancher.internal", "rancher.internal"],
        extra_hosts=["db:192.0.2.7"],
        volumes=["/data", "named:/named", "/etc:/host-etc:ro"],
        volumes_from=["c-owner"],
        read_only=True,
        cap_add=["NET_ADMIN"],
        cap_drop=["MKNOD"],
        devices=["/dev/null:/dev/nothing:r"],
        security_opt=["no-new-privileges"],
        pid_mode="host",
        memory=64 * 2**20,
        memory_swap=128 * 2**20,
        cpu_shares=512,
        cpu_set="0",
        restart_policy=RestartPolicy("on-failure", 3),
    )
    host.until("c-all", "running")
    made = host.container("c-all").attrs
    config, limits = made["Config"], made["HostConfig"]
    assert (config["Hostname"], config["Domainname"], config["User"]) == ("web-1", "example.org", "nobody")
    assert (config["WorkingDir"], config["Cmd"], config["Tty"], config["OpenStdin"]) == ("/www", SLEEP, True, True)
    assert {"A=1", "B=x=y"} <= set(config["Env"])
    assert config["Labels"]["a"] == "b"
    assert config["Labels"]["io.rancher.container.uuid"] == "c-all"
    assert config["Labels"]["io.rancher.container.ip"].endswith("/16")
    assert limits["PortBindings"]["80/tcp"] == [{"HostIp": "", "HostPort": "8081"}]
    assert limits["PortBindings"]["90/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "9090"}]
    assert limits["PortBindings"]["53/udp"] == [{"HostIp": "", "HostPort": ""}]
    assert limits["Dns"] == [host.server.network.gateway]
    assert limits["DnsSearch"] == ["stack.rancher.internal", "rancher.internal"]
    assert limits["ExtraHosts"] == ["db:192.0.2.7"]
    assert sorted(limits["Binds"]) == ["/etc:/host-etc:ro", "named:/named"]
    mounts = {mount["Destination"]: mount["RW"] for mount in made["Mounts"]}
    assert mounts == {"/data": True, "/named": True, "/host-etc": False, "/shared": True}
    assert (limits["ReadonlyRootfs"], limits["CapAdd"], limits["CapDrop"]) == (True, ["NET_ADMIN"], ["MKNOD"])
    device = {"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "r"}
    assert limits["Devices"] == [device]
    assert "no-new-privileges" in limits["SecurityOpt"]
    assert limits["PidMode"] == "host"
    assert (limits["Memory"], limits["CpuShares"], limits["CpusetCpus"]) == (64 * 2**20, 512, "0")
    assert limits["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}


@pytest.mark.parametrize("mode", ["bridge", "host", "none", "container"])
def test_network_modes(host: Host, mode: str) -> None:
    more = {"network_container": "c-peer"} if mode == "container" else {}
    if more:
        host.want("c-peer")
        host.until("c-peer", "running")
    host.want("c-mode", network=mode, command=SLEEP, hostname="name", ports=[Port(80)], **more)
    seen = host.until("c-mode", "running")
    attributes = host.container("c-mode").attrs
    expected = f"container:{host.container('c-peer').id}" if more else mode
    found = attributes["HostConfig"]["NetworkMode"]
    assert found in (expected, "container:c-peer" if more else expected)
    assert bool(seen.ports) == (mode == "bridge")
    assert (attributes["Config"]["Hostname"] == "name") == (mode == "bridge")


def test_logs_are_streamed_by_line_with_their_stream(host: Host) -> None:
    host.want("c-log", command=["sh", "-c", "echo out; echo err >&2; trap 'exit 0' TERM; sleep 3600 & wait"])
    host.until("c-log", "running")
    id = host.server.logs("c-log", lines=10, follow=True, timestamps=True)

    def lines() -> set[str]:
        found = [line.split(" ", 2) for line in host.server.streamed[id].decode().splitlines()]
        return {f"{words[0]} {words[2]}" for words in found if re.match(r"\d{4}-\d\d-\d\dT", words[1])}

    eventually(lambda: lines() == {"01 out", "02 err"}, what="both lines arrive")
    host.want("c-log", desired="stopped")
    eventually(lambda: host.server.closed.get(id) == 1000, what="the stream ends with the container")
    missing = host.server.logs("no-such-container")
    eventually(lambda: host.server.closed.get(missing) == 1011, what="a stream that cannot be is closed as failed")


def test_a_network_in_the_way_is_reported_in_words_until_it_is_gone(host: Host) -> None:
    host.want("c-first")
    host.until("c-first", "running")
    host.want("c-first", desired="removed")
    host.until("c-first", "removed")
    host.end_agent()
    engine = host.lab.docker
    engine.networks.get(host.server.network.name).remove()
    pool = docker.types.IPAMPool(subnet=f"{host.prefix}.8.0/24")
    other = engine.networks.create("in-the-way", ipam=docker.types.IPAMConfig(pool_configs=[pool]))
    host.want("c-waits")
    host.start_agent()
    eventually(lambda: "overlaps" in host.server.engine[-1] and "in-the-way" in host.server.engine[-1])
    assert host.owned() == {}
    other.remove()
    host.until("c-waits", "running")
    assert host.server.engine[-1] == ""
