"""What a service's containers are made of: names, labels and hostnames of 20-stacks sections 7.4 to 7.7."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rows import a_service, one_of
from trailboss.resources.service.containers import Unit, creation_order, hostname_for, new_container
from trailboss.resources.service.labels import container_labels


def build(config: dict[str, Any], sidekick: str = "", **service: Any) -> dict[str, Any]:
    row = a_service(launch_config=config, **service)
    return new_container(row, "shop", Unit(3, "unit-uuid", {}), sidekick, 12)


def test_a_container_is_named_by_stack_service_and_number() -> None:
    values = build({})
    assert values["name"] == "shop_web_3"
    assert values["slot"] == "service-uuid//3"
    assert (values["service_id"], values["account_id"]) == (9, 5)
    assert (values["deployment_unit_uuid"], values["create_index"], values["version"]) == ("unit-uuid", 12, "0")


def test_a_sidekick_has_its_own_name_in_the_middle() -> None:
    values = build({}, "log", secondary_launch_configs=[{"name": "log", "imageUuid": "docker:log:1"}])
    assert (values["name"], values["image_uuid"]) == ("shop_web_log_3", "docker:log:1")
    assert values["slot"] == "service-uuid/log/3"


def test_the_launch_config_becomes_the_containers_fields() -> None:
    values = build({"environment": {"A": "1"}, "ports": ["80:8080"], "dataVolumes": ["/data"], "version": "2"})
    assert values["environment"] == {"A": "1"}
    assert (values["ports"], values["data_volumes"], values["version"]) == (["80:8080"], ["/data"], "2")


def test_restarting_is_the_platforms_task_and_not_dockers() -> None:
    values = build({"restartPolicy": {"name": "always"}, "startOnCreate": False})
    assert values["restart_policy"] is None
    assert values["start_on_create"] is True


def test_volumes_of_siblings_are_added_to_those_of_others() -> None:
    service = a_service(
        launch_config={"dataVolumesFrom": [77], "dataVolumesFromLaunchConfigs": ["data"]},
        secondary_launch_configs=[{"name": "data", "imageUuid": "docker:data:1"}],
    )
    data = one_of(service, 3, "data")
    values = new_container(service, "shop", Unit(3, "unit-uuid", {"data": data}), "", 1)
    assert values["data_volumes_from"] == [77, data.id]


def test_the_platforms_labels_say_where_a_container_belongs() -> None:
    labels = container_labels("shop", "web", "", "u1", {"": {"labels": {"Tier": "Front"}}})
    assert labels == {
        "Tier": "Front",
        "io.rancher.stack.name": "shop",
        "io.rancher.project.name": "shop",
        "io.rancher.stack_service.name": "shop/web",
        "io.rancher.project_service.name": "shop/web",
        "io.rancher.service.deployment.unit": "u1",
        "io.rancher.service.launch.config": "io.rancher.service.primary.launch.config",
        "io.rancher.scheduler.affinity:container_label_soft": "io.rancher.service.deployment.unit=u1",
    }


def test_a_sidekick_is_labelled_with_its_own_name() -> None:
    labels = container_labels("shop", "web", "log", "u1", {"": {}, "log": {}})
    assert labels["io.rancher.stack_service.name"] == "shop/web/log"
    assert labels["io.rancher.service.launch.config"] == "log"


def test_scheduling_labels_hold_for_the_whole_unit_and_other_labels_do_not() -> None:
    configs: dict[str, dict[str, Any]] = {
        "": {"labels": {"mine": "1", "io.rancher.scheduler.affinity:host_label": "disk=ssd"}},
        "log": {"labels": {"io.rancher.scheduler.affinity:host_label": "zone=a"}},
    }
    labels = container_labels("shop", "web", "log", "u1", configs)
    assert labels["io.rancher.scheduler.affinity:host_label"] == "disk=ssd,zone=a"
    assert "mine" not in labels


def test_a_rule_that_both_have_is_there_once() -> None:
    rule = {"labels": {"IO.Rancher.Scheduler.Affinity:host_label": "disk=SSD"}}
    labels = container_labels("shop", "web", "", "u1", {"": rule, "log": {"labels": {**rule["labels"]}}})
    assert labels["io.rancher.scheduler.affinity:host_label"] == "disk=SSD"


def test_the_platforms_value_wins_over_a_users() -> None:
    labels = container_labels("shop", "web", "", "u1", {"": {"labels": {"io.rancher.stack.name": "forged"}}})
    assert labels["io.rancher.stack.name"] == "shop"


def test_a_rule_about_a_service_without_its_stack_means_the_own_stack() -> None:
    key = "io.rancher.scheduler.affinity:container_label_ne"
    rules = "io.rancher.project_service.name=db,io.rancher.stack_service.name=other/db,a=b"
    labels = container_labels("shop", "web", "", "u1", {"": {"labels": {key: rules}}})
    assert labels[key] == "io.rancher.stack_service.name=shop/db,io.rancher.stack_service.name=other/db,a=b"


def test_a_sidekicks_rule_about_its_own_service_means_its_own_kind() -> None:
    key = "io.rancher.scheduler.affinity:container_label_ne"
    configs: dict[str, dict[str, Any]] = {"": {}, "log": {"labels": {key: "io.rancher.stack_service.name=web"}}}
    labels = container_labels("shop", "web", "log", "u1", configs)
    assert labels[key] == "io.rancher.stack_service.name=shop/web/log"


def test_the_hostname_is_the_containers_name_when_a_label_asks_for_it() -> None:
    label = {"io.rancher.container.hostname_override": "container_name"}
    assert build({"labels": label, "hostname": "mine"})["hostname"] == "shop_web_3"
    assert build({"labels": {}, "hostname": "mine"})["hostname"] == "mine"


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("a_b_1", None, "a_b_1"),
        ("x" * 64, None, "x" * 64),
        ("x" * 70 + "_12", None, "x" * 61 + "_12"),
        ("x" * 70 + "_12", "example.com", "x" * 49 + "_12"),
    ],
)
def test_a_hostname_has_at_most_64_characters_and_keeps_its_number(
    name: str, domain: str | None, expected: str
) -> None:
    assert hostname_for(name, domain) == expected


def test_launch_configs_that_depend_on_one_another_in_a_circle_are_refused() -> None:
    assert creation_order({"": ["a"], "a": ["b"], "b": []}) == ["b", "a", ""]
    with pytest.raises(ValueError, match="circle"):
        creation_order({"": ["a"], "a": [""]})
