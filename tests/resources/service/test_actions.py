"""What requests write of services: the checks of 20-stacks section 15, updates, links."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.bench import Bench
from trailboss import states
from trailboss.engine.apply import Platform, create
from trailboss.errors import ApiError
from trailboss.resources.environment import Environment
from trailboss.resources.environment import actions as stacks
from trailboss.resources.service import Service, actions
from trailboss.resources.service_maps import ServiceConsumeMap

CONFIG = {"imageUuid": "docker:busybox"}


@pytest.fixture
def stack(bench: Bench) -> Environment:
    made: Environment = make_stack(bench, "shop")
    return made


def make_stack(bench: Bench, name: str, **values: Any) -> Any:
    given = {"account_id": 5, "name": name, **values}
    made = bench.store.write(lambda tx: create(tx, Environment, given, Platform()))
    bench.settle()
    return bench.get(made)


def make(bench: Bench, stack: Environment, **values: Any) -> Any:
    given = {"account_id": 5, "environment_id": stack.id, "name": "web", "scale": 0, "launch_config": CONFIG, **values}
    made = bench.store.write(lambda tx: create(tx, Service, given, Platform()))
    bench.settle()
    return bench.get(made)


def refusal(bench: Bench, stack: Environment, **values: Any) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as caught:
        make(bench, stack, **values)
    return caught.value.code, caught.value.field


def test_a_launch_config_that_no_host_would_run_is_refused(bench: Bench, stack: Environment) -> None:
    config = {"imageUuid": "docker:busybox", "dataVolumes": ["data"]}
    assert refusal(bench, stack, launch_config=config) == ("InvalidOption", None)
    shared = {"imageUuid": "docker:busybox", "networkMode": "container", "networkLaunchConfig": "web"}
    row = make(bench, stack, secondary_launch_configs=[{"name": "side", **shared}])
    assert row.state == "inactive", "what a container gets only when it is made is not asked for"


def test_a_new_service_rests_until_it_is_activated(bench: Bench, stack: Environment) -> None:
    row = make(bench, stack)
    assert (row.state, row.create_index) == ("inactive", 0)
    bench.store.write(lambda tx: states.begin(tx, tx.require(Service, row.id), "activate"))
    bench.settle()
    assert bench.get(row).state == "active"


def sidekick(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, **CONFIG, **fields}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"name": "-web"}, ("InvalidCharacters", "name")),
        ({"name": "web-"}, ("InvalidCharacters", "name")),
        ({"scale": -1}, ("MinLimitExceeded", "scale")),
        ({"scale": 10_001}, ("MaxLimitExceeded", "scale")),
        ({"metadata": {"a": "x" * 1_048_577}}, ("MaxLimitExceeded", "metadata")),
        ({"launch_config": {}}, ("InvalidOption", "imageUuid")),
        ({"launch_config": {"imageUuid": "docker:a:b:c"}}, ("InvalidReference", "imageUuid")),
        ({"secondary_launch_configs": [sidekick("web")]}, ("NotUnique", "name")),
        ({"secondary_launch_configs": [sidekick("a"), sidekick("A")]}, ("NotUnique", "name")),
        ({"launch_config": {**CONFIG, "networkLaunchConfig": "x"}}, ("InvalidReference", "LaunchConfigName")),
        ({"secondary_launch_configs": [sidekick("a", dataVolumesFromLaunchConfigs=["a"])]},
         ("InvalidReference", "CircularReference")),
        ({"launch_config": {**CONFIG, "networkLaunchConfig": "a"},
          "secondary_launch_configs": [sidekick("a", networkLaunchConfig="web")]},
         ("InvalidReference", "CircularReference")),
    ],
)  # fmt: skip
def test_a_service_that_cannot_be_is_refused_with_the_v1_code(
    bench: Bench, stack: Environment, values: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(bench, stack, **values) == expected


def test_a_name_is_unique_in_its_stack_whatever_its_case_and_free_again_after_the_removal(
    bench: Bench, stack: Environment
) -> None:
    row = make(bench, stack)
    assert refusal(bench, stack, name="WEB") == ("NotUnique", "name")
    assert make(bench, make_stack(bench, "other")).name == "web"
    bench.store.write(lambda tx: actions.delete(tx, tx.require(Service, row.id), Platform()))
    bench.settle()
    assert make(bench, stack).name == "web"


def test_a_stack_that_goes_takes_no_new_service(bench: Bench, stack: Environment) -> None:
    bench.store.write(lambda tx: stacks.delete(tx, tx.require(Environment, stack.id), Platform()))
    assert refusal(bench, stack) == ("InvalidState", "environment")


def update(bench: Bench, row: Service, **values: Any) -> Any:
    return bench.store.write(lambda tx: actions.update(tx, tx.require(Service, row.id), values, Platform()))


def test_only_what_really_changed_is_a_process(bench: Bench, stack: Environment) -> None:
    row = make(bench, stack)
    assert update(bench, row, scale=0, description="new").state == "inactive"
    assert update(bench, row, scale=5).state == "updating-inactive"
    bench.settle()
    assert bench.get(row).state == "inactive"


def test_a_renamed_service_gives_its_old_name_back(bench: Bench, stack: Environment) -> None:
    row = make(bench, stack)
    make(bench, stack, name="db")
    with pytest.raises(ApiError) as caught:
        update(bench, row, name="DB")
    assert caught.value.code == "NotUnique"
    update(bench, row, name="front")
    bench.settle()
    assert make(bench, stack, name="web").name == "web"
    assert refusal(bench, stack, name="front") == ("NotUnique", "name")


# --- links ------------------------------------------------------------------------------------------------------------


def links(bench: Bench, row: Service) -> set[tuple[int, str | None]]:
    found = bench.store.read(lambda read: read.find(ServiceConsumeMap, service_id=row.id))
    return {(link.consumed_service_id, link.name) for link in found}


def link(bench: Bench, row: Service, action: str, input: dict[str, Any]) -> None:
    def fn(tx: Any) -> Any:
        return Service.behaviour.actions[action](tx, tx.require(Service, row.id), input, Platform())

    bench.store.write(fn)


def test_links_are_added_once_and_removed(bench: Bench, stack: Environment) -> None:
    web, db = make(bench, stack), make(bench, stack, name="db")
    one = {"service_link": {"serviceId": db.id, "name": "store"}}
    link(bench, web, "addservicelink", one)
    assert links(bench, web) == {(db.id, "store")}
    with pytest.raises(ApiError) as caught:
        link(bench, web, "addservicelink", one)
    assert (caught.value.code, caught.value.field) == ("NotUnique", "serviceId")
    link(bench, web, "removeservicelink", one)
    assert links(bench, web) == set()
    with pytest.raises(ApiError) as caught:
        link(bench, web, "removeservicelink", one)
    assert (caught.value.code, caught.value.field) == ("InvalidReference", "serviceId")


def test_set_links_makes_them_exactly_those_given(bench: Bench, stack: Environment) -> None:
    web, db, cache = make(bench, stack), make(bench, stack, name="db"), make(bench, stack, name="cache")
    link(bench, web, "setservicelinks", {"service_links": [{"serviceId": db.id, "name": "Store"}]})
    before = bench.store.read(lambda read: read.find(ServiceConsumeMap, service_id=web.id))[0].id
    both = [{"serviceId": db.id, "name": "store"}, {"serviceId": cache.id}]
    link(bench, web, "setservicelinks", {"service_links": both})
    assert links(bench, web) == {(db.id, "Store"), (cache.id, None)}
    assert bench.store.read(lambda read: read.find(ServiceConsumeMap, service_id=web.id))[0].id == before
    with pytest.raises(ApiError) as caught:
        link(bench, web, "setservicelinks", {"service_links": [both[0], both[0]]})
    assert caught.value.code == "InvalidOption"
    link(bench, web, "setservicelinks", {"service_links": None})
    assert links(bench, web) == set()


def test_a_removed_service_takes_its_links_in_both_directions_along(bench: Bench, stack: Environment) -> None:
    web, db, cache = make(bench, stack), make(bench, stack, name="db"), make(bench, stack, name="cache")
    link(bench, web, "setservicelinks", {"service_links": [{"serviceId": db.id}]})
    link(bench, db, "setservicelinks", {"service_links": [{"serviceId": cache.id}]})
    bench.store.write(lambda tx: actions.delete(tx, tx.require(Service, db.id), Platform()))
    bench.settle()
    assert bench.get(db).state == "removed"
    assert links(bench, web) == links(bench, db) == set()
