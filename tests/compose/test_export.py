"""What was planned from two texts is exported as texts that plan to the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compose.texts import plan
from trailboss.compose import ExportService, Link, StackPlan, export_stack

DOCKER = """
web:
  image: host:5000/web:1.10
  command: [sh, -c, 'echo $$HOME "x y"']
  entrypoint: /run
  ports: ['80:8080', '53:53/udp']
  environment: {A: '1', B: 'yes', C: '22:22', D: ' spaced ', E: "two\\nlines"}
  dns: [8.8.8.8]
  dns_search: [example.com]
  cap_add: [NET_ADMIN]
  cap_drop: [MKNOD]
  working_dir: /x
  user: '1000'
  hostname: h
  domainname: example.com
  mem_limit: 1g
  privileged: true
  stdin_open: true
  tty: true
  cpu_shares: 5
  cpuset: 0,1
  volume_driver: nfs
  volumes: [/data, 'named:/n', '/a:/b:ro']
  volumes_from: [data]
  labels: {io.rancher.sidekicks: 'data', mine: 'on'}
  links: ['db:store']
  external_links: ['other/mail:smtp']
data:
  image: data
  net: none
db:
  image: db
  net: host
"""
RANCHER = """
web:
  scale: 3
  metadata: {n: 5, deep: {text: '05'}}
  health_check: {port: 80, request_line: 'GET / HTTP/1.0'}
db:
  scale: 2
"""


def exported(planned: StackPlan) -> Any:
    return export_stack([ExportService(s.name, s.kind, s.body, s.links) for s in planned.services])


def test_what_is_exported_plans_to_the_same() -> None:
    planned = plan(DOCKER, RANCHER)
    texts = exported(planned)
    again = plan(texts.docker_compose, texts.rancher_compose)
    assert {s.name: s for s in again.services} == {s.name: s for s in planned.services}
    assert exported(again).docker_compose.splitlines() != []


def test_lines_end_as_in_the_original_and_dollars_are_doubled() -> None:
    texts = exported(plan("web:\n  image: a\n  command: [echo, '$$HOME']\n"))
    assert "\r\n" in texts.docker_compose
    assert "$$HOME" in texts.docker_compose
    assert texts.rancher_compose == "web:\r\n  scale: 1\r\n"


def test_a_stack_without_services_is_an_empty_document() -> None:
    texts = export_stack([])
    assert (texts.docker_compose, texts.rancher_compose) == ("{}\r\n", "{}\r\n")


def test_what_the_original_never_writes_is_left_out() -> None:
    lines = "restart: always\n  memswap_limit: 5\n  devices: [/dev/a]\n  extra_hosts: ['a:1.2.3.4']\n"
    lines += "  log_driver: syslog\n  pid: host\n  read_only: true\n  security_opt: [a:b]\n"
    assert exported(plan(f"web:\n  image: a\n  {lines}")).docker_compose == "web:\r\n  image: a\r\n"


def test_the_scale_of_a_service_on_every_host_is_left_out() -> None:
    label = "  labels: {io.rancher.scheduler.global: 'true'}\n"
    assert exported(plan(f"web:\n  image: a\n{label}")).rancher_compose == "{}\r\n"


def test_links_to_services_that_are_not_exported_are_left_out() -> None:
    links = (Link("db", "db"), Link("other/mail", ""))
    body = {"launchConfig": {"imageUuid": "docker:a", "networkMode": "managed"}}
    text = export_stack([ExportService("web", "service", body, links)]).docker_compose
    assert "db" not in text
    assert "external_links:\r\n  - other/mail:mail" in text


def test_a_load_balancers_rules_come_back_as_labels() -> None:
    docker = "lb:\n  image: rancher/load-balancer-service\n  ports: ['80:81']\n  links: [web]\n"
    docker += "  labels: {io.rancher.loadbalancer.target.web: 'a.com=80,81'}\nweb:\n  image: a\n"
    planned = plan(docker)
    texts = exported(planned)
    assert {s.name: s for s in plan(texts.docker_compose).services} == {s.name: s for s in planned.services}


def test_containers_of_others_are_named_by_their_uuid() -> None:
    body = {"launchConfig": {"imageUuid": "docker:a", "networkMode": "container", "networkContainerId": "1i5"}}
    service = ExportService("web", "service", body, container_uuids={"1i5": "uuid-5"})
    assert "net: container:uuid-5" in export_stack([service]).docker_compose


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(st.text("aA_$#:- ", min_size=1), st.text(max_size=30), max_size=4))
def test_any_label_and_value_comes_back_as_it_was(labels: dict[str, str]) -> None:
    body = {"name": "web", "launchConfig": {"imageUuid": "docker:a", "labels": labels}}
    text = export_stack([ExportService("web", "service", body)]).docker_compose
    if any("$" in key for key in labels):
        return  # a key is never interpolated, so a doubled dollar stays; as in the original
    found = plan(text).services[0].body["launchConfig"].get("labels", {})
    assert found == labels
