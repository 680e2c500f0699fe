from __future__ import annotations

import pytest

from tests.scheduler.builders import AFFINITY
from trailboss.scheduler.affinity import Rule, rules_of

STACK = {"io.rancher.stack.name": "Shop", "io.rancher.stack_service.name": "Shop/web/logger"}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("host_label", "disk=ssd", [Rule("host_label", "disk", "ssd", True, True)]),
        ("host_label_ne", "disk=ssd", [Rule("host_label", "disk", "ssd", False, True)]),
        ("host_label_soft", "disk=ssd", [Rule("host_label", "disk", "ssd", True, False)]),
        ("host_label_soft_ne", "disk=ssd", [Rule("host_label", "disk", "ssd", False, False)]),
        ("container_label", "a=b", [Rule("container_label", "a", "b", True, True)]),
        ("container_label_soft_ne", "a=b", [Rule("container_label", "a", "b", False, False)]),
        ("container", "web_1", [Rule("container", "", "web_1", True, True)]),
        ("container_ne", "Web_1", [Rule("container", "", "web_1", False, True)]),
        ("HOST_LABEL", "Disk=SSD", [Rule("host_label", "disk", "ssd", True, True)]),
        ("host_label", "a=b=c", [Rule("host_label", "a", "b=c", True, True)]),
        ("host_label", "gpu", [Rule("host_label", "gpu", "", True, True)]),
        (
            "host_label",
            "a=b, c=d,",
            [Rule("host_label", "a", "b", True, True), Rule("host_label", "c", "d", True, True)],
        ),
        ("host_label", "a=b,A=B", [Rule("host_label", "a", "b", True, True)]),
        ("host_label", "", []),
        ("host_label_hard", "a=b", []),
        ("container_labels", "a=b", []),
        ("volumes", "data", []),
    ],
)
def test_a_label_says_which_rules_apply(key: str, value: str, expected: list[Rule]) -> None:
    assert rules_of({AFFINITY + key: value}) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${stack_name}_db_1", "shop_db_1"),
        ("${project_name}_db_1", "shop_db_1"),
        ("${stack_name}/${service_name}", "shop/web/logger"),
        ("${host_name}", "${host_name}"),
    ],
)
def test_macros_are_filled_from_the_containers_own_labels(value: str, expected: str) -> None:
    (rule,) = rules_of({**STACK, f"{AFFINITY}container": value})
    assert rule.value == expected


def test_a_macro_without_its_label_stays_as_text() -> None:
    (rule,) = rules_of({f"{AFFINITY}container": "${stack_name}_db_1"})
    assert rule.value == "${stack_name}_db_1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constraint:disk==ssd", Rule("host_label", "disk", "ssd", True, True)),
        ("constraint:disk!=ssd", Rule("host_label", "disk", "ssd", False, True)),
        ("constraint:disk==~ssd", Rule("host_label", "disk", "ssd", True, False)),
        ("constraint:Disk!=~SSD", Rule("host_label", "disk", "ssd", False, False)),
        ("affinity:container==web_1", Rule("container", "", "web_1", True, True)),
        ("affinity:container!=~web_1", Rule("container", "", "web_1", False, False)),
        ("affinity:com.example.role==db", Rule("container_label", "com.example.role", "db", True, True)),
        ("affinity:container_role==db", Rule("container_label", "container_role", "db", True, True)),
    ],
)
def test_a_variable_name_is_a_rule_in_swarm_style(name: str, expected: Rule) -> None:
    assert rules_of({}, [name]) == [expected]


@pytest.mark.parametrize(
    "name", ["PATH", "constraint:disk", "constraint:==ssd", "affinity:container==", "affinity:", "x:a==b"]
)
def test_other_variable_names_are_no_rules(name: str) -> None:
    assert rules_of({}, [name]) == []


def test_rules_come_in_one_order_whatever_the_order_of_labels_and_variables() -> None:
    labels = {f"{AFFINITY}host_label": "a=b", f"{AFFINITY}container": "web", "other": "x"}
    names = ["constraint:z==1", "constraint:a==1"]
    backwards = dict(reversed(labels.items()))
    assert rules_of(labels, names) == rules_of(backwards, reversed(names))
    assert [rule.key for rule in rules_of(labels, names)] == ["", "a", "a", "z"]
