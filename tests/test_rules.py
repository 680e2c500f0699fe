"""The validator of a resulting specification."""

from __future__ import annotations

from typing import Any

import pytest

from trailboss.rules import broken, broken_record
from trailboss.wire.messages import LogConfig, Port, Record, RestartPolicy, Specification


def a_specification(**more: Any) -> Specification:
    return Specification(**{"image": "nginx:latest", "address": "10.42.4.1", **more})


@pytest.mark.parametrize(
    "fine",
    [
        {},
        {"image": "registry.example.com:5000/team/app@sha256:" + "a" * 64},
        {"labels": {"io.rancher.stack.name": "s"}, "environment": {"A": "", "path.x": "y=z"}},
        {"volumes": ["/data", "name:/data", "/host:/data:ro", "/:/rootfs:ro", "/a b:/c d:rw"]},
        {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]},
        {"ports": [Port(80, 80), Port(80, 80, "udp"), Port(80, 80, "tcp", "127.0.0.1"), Port(80), Port(81)]},
        {"network": "host", "address": ""},
        {"network": "container", "address": "", "network_container": "3f2a-uuid"},
        {"devices": ["/dev/null", "/dev/sda:/dev/xvda", "/dev/sda:/dev/xvda:r"]},
        {"cap_add": ["ALL", "NET_ADMIN"], "pid_mode": "host", "cpu_set": "0-2,4", "memory_swap": -1},
        {"extra_hosts": ["db:10.0.0.1", "six:fe80::1"], "dns": ["10.0.0.1", "fe80::1"]},
        {"hostname": "shop_web_1", "domain_name": "example.com"},
        {"restart_policy": RestartPolicy("always"), "log_config": LogConfig("syslog")},
    ],
)
def test_what_is_in_order_breaks_no_rule(fine: dict[str, Any]) -> None:
    assert broken(a_specification(**fine)) == []


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"image": ""}, "image"),
        ({"image": "two words"}, "image"),
        ({"labels": {"io.trailboss.container": "x"}}, "Trailboss's own"),
        ({"labels": {"": "x"}}, "empty name"),
        ({"environment": {"A=B": "x"}}, "no name of a variable"),
        ({"environment": {"A": "\0"}}, "zero byte"),
        ({"environment": {"A": "x" * 1_000_001}}, "more than"),
        ({"hostname": "x" * 65}, "at most 64"),
        ({"hostname": "a/b"}, "hostname"),
        ({"domain_name": "-"}, "domain name"),
        ({"working_dir": "www"}, "must begin with /"),
        ({"address": ""}, "IPv4"),
        ({"address": "10.42.4"}, "IPv4"),
        ({"network": "container", "network_container": "../x"}, "whose network"),
        ({"dns": ["nowhere"]}, "no IP address"),
        ({"extra_hosts": ["db"]}, "NAME:ADDRESS"),
        ({"ports": [Port(0, 80)]}, "from 1 to 65535"),
        ({"ports": [Port(80, 70000)]}, "from 1 to 65535"),
        ({"ports": [Port(80, 80), Port(81, 80)]}, "published twice"),
        ({"ports": [Port(80, 80, "tcp", "here")]}, "no IP address"),
        ({"volumes": ["data"]}, "must be absolute"),
        ({"volumes": ["/data:/"]}, "not / itself"),
        ({"volumes": ["/a/../../etc:/x"]}, "'..'"),
        ({"volumes": ["/x:/a/../.."]}, "must be absolute"),
        ({"volumes": ["a/b:/x"]}, "neither an absolute path"),
        ({"volumes": ["/a:/b:rw,exec"]}, "ro or rw"),
        ({"volumes_from": ["a b"]}, "no container"),
        ({"cap_add": ["CAP net"]}, "capability"),
        ({"devices": ["/etc/passwd:/dev/x"]}, "device"),
        ({"devices": ["/dev/x:/dev/y:rx"]}, "permissions"),
        ({"pid_mode": "container:x"}, "pid mode"),
        ({"memory": -1}, "negative"),
        ({"cpu_set": "all"}, "CPU set"),
        ({"restart_policy": RestartPolicy("sometimes")}, "restart policy"),
        ({"log_config": LogConfig("no such")}, "log driver"),
        ({"volume_driver": "no such"}, "volume driver"),
    ],
)
def test_what_is_not_in_order_is_said_in_one_sentence(wrong: dict[str, Any], word: str) -> None:
    (sentence,) = broken(a_specification(**wrong))
    assert word in sentence


def test_a_record_names_a_container_that_docker_can_name() -> None:
    assert broken_record(Record("c-1", "s", 1, "running", specification=a_specification())) == []
    assert broken_record(Record("c-1", "s", 1, "removed")) == []
    assert broken_record(Record("../c", "s", 1, "running", specification=a_specification())) != []
    assert broken_record(Record("c-1", "", 1, "running", specification=a_specification())) != []
    assert broken_record(Record("c-1", "s", 1, "running")) != []
