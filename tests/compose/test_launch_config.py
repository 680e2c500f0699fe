"""One service of a docker-compose file becomes a launch config: the table of 24-compose section 3.1."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compose.texts import config, error, plan, service
from trailboss.compose import launch_config as keys

KEYS: list[tuple[str, dict[str, Any]]] = [
    ("command: sh -c 'echo \"a b\"'", {"command": ["sh", "-c", 'echo "a b"']}),
    ("command: [sh, -c, 1]", {"command": ["sh", "-c", "1"]}),
    ("entrypoint: /run it", {"entryPoint": ["/run", "it"]}),
    ("environment: [A=1, 'B=c=d', EMPTY=, NONE]", {"environment": {"A": "1", "B": "c=d"}}),
    ("environment: {A: 1, B: null, C: ''}", {"environment": {"A": "1"}}),
    ("volume_driver: nfs", {"volumeDriver": "nfs"}),
    ("net: host", {"networkMode": "host"}),
    ("network_mode: bridge", {"networkMode": "bridge"}),
    ("dns: 8.8.8.8", {"dns": ["8.8.8.8"]}),
    ("dns: [8.8.8.8, 1.1.1.1]", {"dns": ["8.8.8.8", "1.1.1.1"]}),
    ("dns_search: example.com", {"dnsSearch": ["example.com"]}),
    ("cap_add: [net_admin, CAP_SYS_TIME]", {"capAdd": ["NET_ADMIN", "SYS_TIME"]}),
    ("cap_drop: [ALL]", {"capDrop": ["ALL"]}),
    ("cpu_shares: 512\ncpuset: 0,1", {"cpuShares": 512, "cpuSet": "0,1"}),
    ("mem_limit: 1000000\nmemswap_limit: -1", {"memory": 1_000_000, "memorySwap": -1}),
    ("mem_limit: 512m\nmemswap_limit: 2GB", {"memory": 512 << 20, "memorySwap": 2 << 30}),
    ("devices: ['/dev/a', '/dev/a:/dev/b', '/dev/a:r']",
     {"devices": ["/dev/a:/dev/a:rwm", "/dev/a:/dev/b:rwm", "/dev/a:/dev/a:r"]}),
    ("devices: ['/dev/a:/dev/b:rw']", {"devices": ["/dev/a:/dev/b:rw"]}),
    ("domainname: example.com\nhostname: h", {"domainName": "example.com", "hostname": "h"}),
    ("extra_hosts: ['a:1.2.3.4']", {"extraHosts": ["a:1.2.3.4"]}),
    ("extra_hosts: {a: 1.2.3.4}", {"extraHosts": ["a:1.2.3.4"]}),
    ("labels: [a=b, flag, 'c=d=e']", {"labels": {"a": "b", "flag": "", "c": "d=e"}}),
    ("labels: {Mixed.Case: 5, t: true}", {"labels": {"Mixed.Case": "5", "t": "true"}}),
    ("log_driver: syslog\nlog_opt: {tag: x}", {"logConfig": {"driver": "syslog", "config": {"tag": "x"}}}),
    ("logging: {driver: syslog, options: {n: 1}}", {"logConfig": {"driver": "syslog", "config": {"n": "1"}}}),
    ("log_opt: {max-size: 1m}", {"logConfig": {"driver": "json-file", "config": {"max-size": "1m"}}}),
    ("pid: host", {"pidMode": "host"}),
    ("privileged: true\nread_only: yes\nstdin_open: on\ntty: True",
     {"privileged": True, "readOnly": True, "stdinOpen": True, "tty": True}),
    ("privileged: false", {}),
    ("restart: always", {"restartPolicy": {"name": "always"}}),
    ("restart: on-failure:5", {"restartPolicy": {"name": "on-failure", "maximumRetryCount": 5}}),
    ("restart: no", {"restartPolicy": {"name": "no"}}),
    ("restart: false", {"restartPolicy": {"name": "no"}}),
    ("security_opt: [a:b]\nuser: 1000\nworking_dir: /x", {"securityOpt": ["a:b"], "user": "1000", "workingDir": "/x"}),
    ("expose: ['80']", {}),
    ("ports: ['80:81', 123, '53:53/udp', '8000-8001:9000-9001', '3000-3001']", {"ports": [
        "80:81/tcp", "123/tcp", "53:53/udp", "8000:9000/tcp", "8001:9001/tcp", "3000/tcp", "3001/tcp"]}),
    ("ports: [{target: 80, published: 8080, protocol: udp}, {target: 81}]", {"ports": ["8080:80/udp", "81/tcp"]}),
    ("volumes: ['/a:/b:ro', /data, 'named:/n', '/c:/d']", {"dataVolumes": ["/data", "/a:/b:ro", "named:/n", "/c:/d"]}),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "expected"), KEYS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_key_becomes_a_field(lines: str, expected: dict[str, Any]) -> None:
    assert config(lines) == expected


def test_every_key_that_is_read_is_shown_by_a_case() -> None:
    shown = {line.split(":")[0] for lines, _ in KEYS for line in lines.splitlines()}
    elsewhere = {"image", "build", "dockerfile", "env_file", "networks", "volumes_from"}
    assert keys.FIELDS.keys() | keys.COMBINED == shown | elsewhere


@pytest.mark.parametrize(
    ("image", "uuid"),
    [
        ("busybox", "docker:busybox"),
        ("host:5000/a/b:1", "docker:host:5000/a/b:1"),
        ("docker:busybox", "docker:busybox"),
        ("sim:x", "sim:x"),
    ],
)
def test_an_image_gets_its_prefix_once(image: str, uuid: str) -> None:
    assert service(f"web:\n  image: {image}\n").body["launchConfig"]["imageUuid"] == uuid


def test_a_build_from_git_names_an_image_that_stays_the_same_for_the_same_source() -> None:
    def built(lines: str) -> dict[str, Any]:
        found: dict[str, Any] = service(f"web:\n{lines}").body["launchConfig"]
        return found

    first = built("  build: github.com/a/b\n  dockerfile: D\n")
    assert first["build"] == {"remote": "github.com/a/b", "dockerfile": "D"}
    assert first["imageUuid"].startswith("docker:shop_web_")
    assert built("  build: {context: github.com/a/b, dockerfile: D}\n") == first
    assert built("  build: github.com/a/b\n")["imageUuid"] != first["imageUuid"]
    assert built("  image: own:1\n  build: github.com/a/b\n")["imageUuid"] == "docker:own:1"


def test_what_is_accepted_without_effect_is_said() -> None:
    text = "web:\n  image: a\n  container_name: x\n  ipc: host\n  ports: ['127.0.0.1:80:80']\n  x-own: 1\n"
    warnings = plan(text).warnings
    assert [w.partition(": ")[2] for w in warnings] == [
        "web.container_name is ignored",
        "web.ipc is ignored",
        "web.ports[0]: the address 127.0.0.1 is ignored; every address of the host publishes the port",
    ]


def test_a_key_without_value_takes_the_variable_of_its_name() -> None:
    assert config("environment: [A, B=, C]", A="1", B="2")["environment"] == {"A": "1", "B": "2"}
    v2 = "services:\n  web:\n    image: a\n    environment: [A, B=]\n"
    assert service(v2, A="1", B="2").body["launchConfig"]["environment"] == {"A": "1", "B": ""}


def test_environment_files_yield_to_the_environment_and_later_ones_win() -> None:
    files = {"one.env": "# comment\nA=1\nB=1\n\nC='q'\nFROM\n", "two.env": "B=2\nD=2\n"}
    found = config("env_file: [one.env, two.env]\nenvironment: {D: 3}", files=files, FROM="outside")
    assert found["environment"] == {"A": "1", "B": "2", "C": "'q'", "D": "3", "FROM": "outside"}


def test_without_files_an_environment_file_is_an_error_with_advice() -> None:
    found = error("web:\n  image: a\n  env_file: secrets.env\n")
    assert (found.line, found.key) == (3, "web.env_file")
    assert "write `environment`" in found.message


def test_a_line_of_an_environment_file_that_is_wrong_is_named_with_the_file() -> None:
    found = error("web:\n  image: a\n  env_file: a.env\n", files={"a.env": "A=1\n=2\n"})
    assert (found.file, found.line) == ("a.env", 2)


def test_named_volumes_of_version_2_belong_to_the_stack() -> None:
    text = """
version: '2'
services:
  web:
    image: a
    volumes: ['own:/own', 'shared:/shared:ro', 'named:/named', {type: bind, source: /h, target: /c, read_only: true}]
volumes:
  own: {}
  shared: {external: true}
  named: {name: other}
"""
    assert service(text).body["launchConfig"]["dataVolumes"] == [
        "shop_own:/own", "shared:/shared:ro", "other:/named", "/h:/c:ro",
    ]  # fmt: skip


def test_volumes_of_one_driver_give_the_services_driver() -> None:
    text = "services:\n  web:\n    image: a\n    volumes: ['x:/x']\nvolumes:\n  x: {driver: nfs}\n"
    assert service(text).body["launchConfig"]["volumeDriver"] == "nfs"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("ports: ['80:81:82:83']", "is not a port"),
        ("ports: ['0:80']", "between 1 and 65535"),
        ("ports: ['80:70000']", "between 1 and 65535"),
        ("ports: ['80-82:80-81']", "differ in length"),
        ("ports: ['80/sctp']", "use tcp or udp"),
        ("ports: 80", "must be a list"),
        ("volumes: ['./rel:/x']", "is relative"),
        ("volumes: ['/a:rel']", "must be an absolute path in the container"),
        ("volumes: ['a:/b:ro:x']", "is not a volume"),
        ("mem_limit: lots", "must be a number of bytes"),
        ("cpu_shares: many", "must be a whole number"),
        ("privileged: perhaps", "must be true or false"),
        ("restart: sometimes", "is not supported; use no, always"),
        ("restart: always:3", "is not supported; use no, always"),
        ("pid: container:x", "only `host` is supported"),
        ("net: overlay", "is not supported; use managed"),
        ("net: host\nnetwork_mode: host", "is given twice"),
        ("net: 'container:other'", "list it in its label io.rancher.sidekicks"),
        ("networks: [default, own]", "one managed network"),
        ('command: "sh -c \'open"', "cannot be split into words"),
        ("dockerfile: D", "needs the key build"),
        ("build: ./dir", "is a local directory"),
        ("labels: {a: [b]}", "must be a text, a number or a boolean"),
        ("environment: ['=x']", "needs a key before"),
        ("extra_hosts: [alone]", "must be name:address"),
        ("logging: {driver: x}\nlog_driver: y", "cannot be combined"),
        ("volumes_from: ['other']", "list it in its label io.rancher.sidekicks"),
        ("volumes_from: ['other:ro']", "only the name of a sidekick"),
        ("devices: ['a:b:c:d']", "is not a device"),
        ("secrets: [x]", "mount a volume or use environment"),
    ],
)
def test_a_value_that_cannot_be_read_says_why_and_what_to_write(lines: str, words: str) -> None:
    body = "\n".join(f"  {line}" for line in lines.splitlines())
    found = error(f"web:\n  image: busybox\n{body}\n")
    assert found.line is not None and found.line >= 3
    assert found.key is not None and found.key.startswith("web.")
    assert words in found.message
