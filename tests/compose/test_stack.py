"""Services become bodies for the v1 API: kinds, scales, sidekicks, links and their order, what rancher-compose says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compose.texts import error, plan, service
from trailboss.compose import Link, read_catalog, service_hash, with_hashes
from trailboss.compose.plan import LABEL_HASH
from trailboss.errors import ComposeError


def by_name(docker: str, rancher: str | None = None, **variables: str) -> dict[str, Any]:
    return {s.name: s for s in plan(docker, rancher, **variables).services}


# --- extends ----------------------------------------------------------------------------------------------------------


def test_a_service_that_extends_another_appends_lists_unites_maps_and_replaces_the_rest() -> None:
    text = """
base:
  image: a
  command: old
  ports: ['80:80', '81:81']
  dns: 1.1.1.1
  environment: {A: 1, B: 1}
  labels: [x=1]
web:
  extends: {service: base}
  command: new
  ports: ['81:81', '82:82']
  dns: [8.8.8.8]
  environment: [B=2, C=2]
  labels: {y: 2}
"""
    found = by_name(text)["web"].body["launchConfig"]
    assert found["command"] == ["new"]
    assert found["ports"] == ["80:80/tcp", "81:81/tcp", "82:82/tcp"]
    assert found["dns"] == ["1.1.1.1", "8.8.8.8"]
    assert found["environment"] == {"A": "1", "B": "2", "C": "2"}
    assert found["labels"] == {"x": "1", "y": "2"}


def test_image_and_build_exclude_each_other_when_extended() -> None:
    text = "base:\n  build: github.com/a/b\n  dockerfile: D\nweb:\n  extends: base\n  image: a\n"
    assert "build" not in by_name(text)["web"].body["launchConfig"]


def test_a_service_can_extend_one_of_another_file_whose_variables_are_read_too() -> None:
    files = {"lib/common.yml": "base:\n  extends: {service: root}\n  hostname: $H\nroot:\n  image: a\n"}
    text = "web:\n  extends: {file: lib/common.yml, service: base}\n"
    assert service(text, files=files, H="x").body["launchConfig"]["hostname"] == "x"
    found = error(text)
    assert (found.line, found.key) == (2, "web.extends.file")
    assert "put both services into one text" in found.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web:\n  extends: web\n", "extends itself"),
        ("web:\n  extends: b\nb:\n  extends: web\n", "extends itself"),
        ("web:\n  extends: nobody\n", "there is no service nobody"),
        ("web:\n  extends: {file: x.yml}\n", "needs the key service"),
        (
            "web:\n  extends: b\nb:\n  image: a\n  links: [c]\nc:\n  image: a\n",
            "cannot be extended because it has links",
        ),
    ],
)
def test_what_cannot_be_extended_is_refused(text: str, words: str) -> None:
    assert words in error(text).message


# --- kinds and scale --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "rancher", "kind"),
    [
        ("busybox", "", "service"),
        ("rancher/load-balancer-service", "", "loadBalancerService"),
        ("rancher/dns-service", "", "dnsService"),
        ("rancher/external-service", "", "service"),
        ("busybox", "web:\n  hostname: example.com\n", "externalService"),
        ("busybox", "web:\n  external_ips: [1.2.3.4]\n", "externalService"),
    ],
)
def test_image_and_rancher_compose_tell_the_kind(image: str, rancher: str, kind: str) -> None:
    assert service(f"web:\n  image: {image}\n", rancher).kind == kind


@pytest.mark.parametrize(
    ("docker", "rancher", "scale"),
    [
        ("", None, 1),
        ("", "web:\n  scale: 3\n", 3),
        ("", "web:\n  scale: 0\n", 1),
        ("", "version: '2'\nservices:\n  web: {scale: 4}\n", 4),
        ("  scale: 5\n", None, 5),
        ("  scale: 0\n", None, 0),
        ("  deploy: {replicas: 6}\n", None, 6),
        ("  scale: 5\n", "web:\n  scale: 2\n", 2),
    ],
)
def test_the_scale_is_the_first_that_is_given(docker: str, rancher: str | None, scale: int) -> None:
    assert service(f"web:\n  image: a\n{docker}", rancher).body["scale"] == scale


def test_a_service_on_every_host_is_labelled_so() -> None:
    found = service("web:\n  image: a\n  deploy: {mode: global}\n").body["launchConfig"]
    assert found["labels"] == {"io.rancher.scheduler.global": "true"}


def test_selectors_become_fields_and_stay_labels() -> None:
    text = "web:\n  labels: {io.rancher.service.selector.container: a=b, io.rancher.service.selector.link: c=d}\n"
    body = service(text).body
    assert (body["selectorContainer"], body["selectorLink"]) == ("a=b", "c=d")
    assert "io.rancher.service.selector.link" in body["launchConfig"]["labels"]


# --- sidekicks --------------------------------------------------------------------------------------------------------

UNIT = """
web:
  image: web
  labels: {io.rancher.sidekicks: 'data, log'}
  volumes_from: [data]
data:
  image: data
  scale: 7
log:
  image: log
  net: 'container:web'
  links: [web]
"""


def test_sidekicks_are_part_of_their_primary_and_no_services_of_their_own() -> None:
    found = plan(UNIT)
    [web] = found.services
    assert [c["name"] for c in web.body["secondaryLaunchConfigs"]] == ["data", "log"]
    assert web.body["launchConfig"]["dataVolumesFromLaunchConfigs"] == ["data"]
    log = web.body["secondaryLaunchConfigs"][1]
    assert (log["networkMode"], log["networkLaunchConfig"]) == ("container", "web")
    assert web.links == ()
    assert any("log is a sidekick of web" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web:\n  image: a\n  labels: {io.rancher.sidekicks: nobody}\n", "the sidekick 'nobody' is not in"),
        ("web:\n  image: a\n  labels: {io.rancher.sidekicks: web}\n", "its own sidekick"),
        ("a:\n  image: a\n  labels: {io.rancher.sidekicks: b}\n"
         "b:\n  image: a\n  labels: {io.rancher.sidekicks: c}\nc:\n  image: a\n", "cannot have sidekicks"),
    ],
)  # fmt: skip
def test_sidekicks_that_cannot_be_are_refused(text: str, words: str) -> None:
    assert words in error(text).message


def test_one_definition_can_be_a_sidekick_of_two() -> None:
    text = "a:\n  image: a\n  labels: {io.rancher.sidekicks: s}\nb:\n  image: b\n"
    text += "  labels: {io.rancher.sidekicks: s}\ns:\n  image: s\n"
    assert {n: len(s.body["secondaryLaunchConfigs"]) for n, s in by_name(text).items()} == {"a": 1, "b": 1}


# --- links ------------------------------------------------------------------------------------------------------------


def test_links_carry_an_alias_and_external_ones_the_stack() -> None:
    text = "web:\n  image: a\n  links: [' db : store ', cache]\n  external_links: ['other/mail:smtp', 'other/x']\n"
    text += "db:\n  image: a\ncache:\n  image: a\n"
    assert by_name(text)["web"].links == (
        Link("db", "store"),
        Link("cache", "cache"),
        Link("other/mail", "smtp"),
        Link("other/x", "other/x"),
    )


def test_services_come_after_those_that_they_use_and_circles_in_the_order_of_the_file() -> None:
    text = """
web: {image: a, links: [api]}
api: {image: a, links: [db, web]}
other: {image: a, depends_on: [late]}
late: {image: a}
db: {image: a}
"""
    assert [s.name for s in plan(text).services] == ["db", "api", "web", "late", "other"]


def test_a_chain_of_a_thousand_services_is_no_problem() -> None:
    text = "".join(f"s{n}: {{image: a, links: [s{n + 1}]}}\n" for n in range(1000)) + "s1000: {image: a}\n"
    assert [s.name for s in plan(text).services][:2] == ["s1000", "s999"]


def test_a_link_to_nobody_is_said_and_one_that_is_there_twice_refused() -> None:
    found = plan("web:\n  image: a\n  links: [nobody]\n")
    assert "the service nobody is not in docker-compose.yml" in found.warnings[0]
    twice = "web:\n  image: a\n  links: [db, 'db:store']\ndb:\n  image: a\n"
    assert "is linked twice" in error(twice).message


def test_a_load_balancer_keeps_its_listeners_as_written_and_its_rules_with_the_links() -> None:
    text = """
lb:
  image: rancher/load-balancer-service
  ports: ['80:8080', '443:443/ssl']
  expose: ['99']
  links: [web]
  external_links: [other/api]
  labels: {io.rancher.loadbalancer.target.web: 'example.com/a=81, 82'}
web: {image: a}
"""
    lb = by_name(text)["lb"]
    assert lb.body["launchConfig"]["ports"] == ["80:8080", "443:443/ssl"]
    assert lb.body["launchConfig"]["expose"] == ["99"]
    assert "imageUuid" not in lb.body["launchConfig"]
    assert lb.links == (Link("web", "web", ("example.com/a=81", "82")), Link("other/api", "other/api"))


# --- rancher-compose --------------------------------------------------------------------------------------------------


def test_rancher_compose_gives_health_check_metadata_and_the_rest() -> None:
    rancher = """
web:
  health_check:
    port: 80
    interval: 2000
    response_timeout: 2000
    healthy_threshold: 2
    unhealthy_threshold: 3
    request_line: GET /ping HTTP/1.0
  metadata: {n: '5', deep: {list: [1, '02', true]}}
"""
    found = service("web:\n  image: a\n", rancher)
    assert found.body["launchConfig"]["healthCheck"] == {
        "port": 80,
        "interval": 2000,
        "responseTimeout": 2000,
        "healthyThreshold": 2,
        "unhealthyThreshold": 3,
        "requestLine": "GET /ping HTTP/1.0",
    }
    assert found.body["metadata"] == {"n": 5, "deep": {"list": [1, "02", True]}}


def test_a_strategy_for_upgrades_is_read_and_ignored_with_a_warning() -> None:
    found = plan("web:\n  image: a\n", "web:\n  upgrade_strategy: {start_first: true}\n")
    assert found.warnings == ("rancher-compose.yml, line 2: web.upgrade_strategy is ignored",)
    with pytest.raises(ComposeError, match="start_first"):
        plan("web:\n  image: a\n", "web:\n  upgrade_strategy: {start_first: perhaps}\n")


def test_a_load_balancers_policies_and_certificates_are_read() -> None:
    docker = "lb:\n  image: rancher/load-balancer-service\n"
    rancher = "lb:\n  default_cert: main\n  certs: [extra]\n  load_balancer_config:\n    name: sticky\n"
    rancher += "    lb_cookie_stickiness_policy: {mode: insert, indirect: true}\n"
    found = service(docker, rancher)
    assert (found.default_certificate, found.certificates) == ("main", ("extra",))
    assert found.body["loadBalancerConfig"] == {
        "name": "sticky",
        "lbCookieStickinessPolicy": {"mode": "insert", "indirect": True},
    }


def test_an_external_service_has_addresses_or_a_name() -> None:
    body = service("web:\n  image: rancher/external-service\n", "web:\n  external_ips: [1.2.3.4]\n").body
    assert body["externalIpAddresses"] == ["1.2.3.4"]
    assert "scale" not in body
    both = error("web:\n  image: a\n", "web:\n  external_ips: [1.2.3.4]\n  hostname: x\n")
    assert (both.file, both.line, both.key) == ("rancher-compose.yml", 3, "web.hostname")


@pytest.mark.parametrize(
    ("rancher", "line", "words"),
    [
        ("web:\n  scale: many\n", 2, "must be a whole number"),
        ("web:\n  scales: 1\n", 2, "is not supported; supported here"),
        ("web:\n  health_check: {interval: 5}\n", 2, "needs the key port"),
        ("web:\n  certs: [a]\n", 2, "for load balancers only"),
        ("web: [\n", 2, "flow"),
    ],
)
def test_errors_of_the_second_text_name_it(rancher: str, line: int, words: str) -> None:
    found = error("web:\n  image: a\n", rancher)
    assert (found.file, found.line) == ("rancher-compose.yml", line)
    assert words in found.message


def test_an_entry_for_a_service_that_is_not_there_is_said() -> None:
    assert "there is no such service" in plan("web:\n  image: a\n", "wbe:\n  scale: 2\n").warnings[0]


def test_the_catalog_entry_is_read_alone() -> None:
    text = ".catalog:\n  name: Shop\n  uuid: shop-1\n  questions: [{variable: A, default: 5}]\nweb:\n  scale: 2\n"
    assert read_catalog(text) == {"name": "Shop", "uuid": "shop-1", "questions": [{"variable": "A", "default": 5}]}
    assert read_catalog(None) == {}


# --- hashes -----------------------------------------------------------------------------------------------------------


def test_a_hash_changes_with_what_runs_and_not_with_scale_links_or_itself() -> None:
    body = service(UNIT).body
    one = with_hashes(body)
    assert len(one["metadata"][LABEL_HASH]) == 40
    assert with_hashes(one) == one
    assert with_hashes({**body, "scale": 9, "environmentId": "1e5"})["metadata"] == one["metadata"]
    changed = with_hashes({**body, "launchConfig": {**body["launchConfig"], "tty": True}})
    assert changed["launchConfig"]["labels"][LABEL_HASH] != one["launchConfig"]["labels"][LABEL_HASH]
    assert changed["metadata"] == one["metadata"]
    assert changed["secondaryLaunchConfigs"] == one["secondaryLaunchConfigs"]


def test_the_hash_is_sha1_over_sorted_snake_case_keys_and_values() -> None:
    config = {"imageUuid": "docker:a", "command": ["x", "y"], "tty": True, "labels": {"b": "1", "a": "2"}}
    parts = ["command", "x", "y", "image_uuid", "docker:a", "labels", "a", "2", "b", "1", "tty", "true"]
    import hashlib

    expected = hashlib.sha1(b"".join(part.encode() + b"\0" for part in parts)).hexdigest()
    assert service_hash(config) == expected


def test_a_users_label_called_scale_counts() -> None:
    assert service_hash({"labels": {"scale": "1"}}) != service_hash({"labels": {"scale": "2"}})
