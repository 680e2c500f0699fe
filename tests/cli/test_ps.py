from __future__ import annotations

import json
from typing import Any

from tests.cli.conftest import Run
from tests.cli.fake_api import PROJECT, FakeApi, Frame, a_container

HOST: dict[str, Any] = {
    "id": "1h1",
    "name": "host-1",
    "publicEndpoints": [{"ipAddress": "10.0.0.9", "port": 32768}],
}
PORTS = [
    {"type": "port", "privatePort": 8080, "publicPort": 32768, "protocol": "tcp"},
    {"type": "port", "privatePort": 9090, "publicPort": None, "protocol": "udp"},
]


def a_shop() -> list[Frame]:
    web = [a_container(n, hosts=[HOST], ports=PORTS) for n in (2, 10, 1)]
    waiting = a_container(
        4, "backend", state="starting", transitioning="yes", transitioningMessage="Pulling image", hosts=[]
    )
    return [Frame(services={"web": {"scale": 3, "containers": web}, "backend": {"containers": [waiting]}})]


def test_json_has_what_scripts_up_reads(api: FakeApi, run: Run) -> None:
    api.frames = a_shop()
    rows = json.loads(run("ps", "-p", "shop", "--json").stdout)
    assert rows[0] == {
        "id": "1i1",
        "name": "shop_web_1",
        "stack": "shop",
        "service": "web",
        "state": "running",
        "image": "trailboss/hello:1",
        "host": "host-1",
        "ports": [
            {"private": 8080, "public": 32768, "protocol": "tcp", "address": "10.0.0.9"},
            {"private": 9090, "public": None, "protocol": "udp", "address": None},
        ],
        "message": None,
        "failed": False,
        "starts": 1,
        "quick_exits": 0,
        "exit_code": None,
    }


def test_containers_are_ordered_by_their_numbers(api: FakeApi, run: Run) -> None:
    api.frames = a_shop()
    rows = json.loads(run("ps", "--json").stdout)
    assert [r["name"] for r in rows] == ["shop_web_1", "shop_web_2", "shop_web_10", "shop_backend_4"]


def test_the_table_shows_services_containers_and_why_something_waits(api: FakeApi, run: Run) -> None:
    api.frames = a_shop()
    lines = run("ps", "-p", "shop").stdout.splitlines()
    assert lines[0].split() == ["NAME", "STATE", "IMAGE", "HOST", "PORTS", "MESSAGE"]
    assert lines[1].split() == ["shop/web", "3/3", "active"]
    assert lines[2].split()[:4] == ["shop_web_1", "running", "trailboss/hello:1", "host-1"]
    assert "10.0.0.9:32768->8080/tcp, 9090/udp" in lines[2]
    assert lines[-1].split()[:2] == ["shop_backend_4", "starting"]
    assert lines[-1].rstrip().endswith("Pulling image")


def test_services_are_listed_with_the_number_that_runs(api: FakeApi, run: Run) -> None:
    api.frames = a_shop()
    lines = run("ps", "--services").stdout.splitlines()
    assert lines[1].split() == ["shop", "web", "active", "3", "3"]
    rows = json.loads(run("ps", "--services", "--json").stdout)
    assert [(r["stack"], r["name"], len(r["containers"])) for r in rows] == [("shop", "web", 3), ("shop", "backend", 1)]


def a_unit(number: int, log: str = "running") -> list[dict[str, Any]]:
    """A container with two sidekicks."""
    names = ("", "_log", "_proxy")
    states = ("running", log, "running")
    return [
        a_container(10 * number + n, f"web{name}", state=state, deploymentUnitUuid=f"u{number}")
        for n, (name, state) in enumerate(zip(names, states, strict=True))
    ]


def test_a_container_and_its_sidekicks_count_as_one(api: FakeApi, run: Run) -> None:
    sidekicks = [{"name": "log"}, {"name": "proxy"}]
    whole = {"scale": 1, "secondaryLaunchConfigs": sidekicks, "containers": a_unit(1)}
    broken = whole | {"scale": 3, "containers": [*a_unit(1), *a_unit(2, log="stopped"), *a_unit(3)[:2]]}
    api.frames = [Frame(services={"web": whole, "api": broken})]
    lines = run("ps", "-p", "shop").stdout.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("shop/")] == [
        ["shop/web", "1/1"],
        ["shop/api", "1/3"],
    ]
    assert [line.split() for line in run("ps", "--services").stdout.splitlines()[1:]] == [
        ["shop", "web", "active", "1", "1"],
        ["shop", "api", "active", "1", "3"],
    ]
    rows = json.loads(run("ps", "--services", "--json").stdout)
    assert [(r["scale"], r["units"], r["running"], len(r["containers"])) for r in rows] == [(1, 1, 1, 3), (3, 3, 1, 8)]


def test_a_removed_container_is_not_shown(api: FakeApi, run: Run) -> None:
    api.frames = [Frame(services={"web": {"containers": [a_container(1), a_container(2, state="removed")]}})]
    assert [r["name"] for r in json.loads(run("ps", "--json").stdout)] == ["shop_web_1"]


def test_a_service_that_goes_while_it_is_read_does_not_disturb(api: FakeApi, run: Run) -> None:
    api.frames = a_shop()
    api.answers[f"GET {PROJECT}/services/1s1/instances"] = [(404, {"type": "error", "code": "Not Found"})]
    assert [r["name"] for r in json.loads(run("ps", "--json").stdout)] == ["shop_backend_4"]


def test_without_stacks_json_is_an_empty_list(api: FakeApi, run: Run) -> None:
    assert json.loads(run("ps", "--json").stdout) == []


def test_the_name_of_a_stack_is_found_in_any_case(api: FakeApi, run: Run) -> None:
    api.name, api.frames = "Shop", a_shop()
    assert len(json.loads(run("ps", "-p", "SHOP", "--json").stdout)) == 4
