"""From a stack's texts to its services and links, in steps that can be taken again; and its end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.bench import Bench
from tests.rows import a_service, a_stack
from trailboss import states
from trailboss.engine.apply import Platform, create
from trailboss.errors import ApiError
from trailboss.outcome import Again, Begin, Done, Failed, Make, Set
from trailboss.resources.environment import Environment, actions
from trailboss.resources.environment.reconcile import View, reconcile
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap

TEXT = "web:\n  image: sim:web\n  links: ['db:store']\n  external_links: [other/mail]\ndb:\n  image: sim:db\n"
RANCHER = ".catalog: {uuid: shop-1}\ndb: {scale: 2}\n"


def building(**values: Any) -> Environment:
    return a_stack(**{"state": "activating", "docker_compose": TEXT, "rancher_compose": RANCHER, **values})


def test_a_stack_without_texts_is_active_at_once() -> None:
    assert reconcile(View(a_stack(state="activating"), ())) == Done()


def test_missing_services_are_made_those_that_are_used_first() -> None:
    outcome = reconcile(View(building(), ()))
    assert isinstance(outcome, Again)
    made = [step.values for step in outcome.steps if isinstance(step, Make)]
    assert [(v["name"], v["scale"], v["account_id"]) for v in made] == [("db", 2, 5), ("web", 1, 5)]
    assert outcome.because == "Creating services: db, web"


def test_services_that_are_there_are_not_made_again() -> None:
    outcome = reconcile(View(building(), (a_service(name="db"),)))
    assert [step.values["name"] for step in outcome.steps if isinstance(step, Make)] == ["web"]


def test_links_follow_when_all_services_are_there_and_those_that_exist_are_left() -> None:
    web, db = a_service(id=1, name="web", state="inactive"), a_service(id=2, name="db", state="inactive")
    outcome = reconcile(View(building(), (db, web), others={"other/mail": 77}))
    assert isinstance(outcome, Done)
    made = [step.values for step in outcome.steps if isinstance(step, Make)]
    assert [(v["service_id"], v["consumed_service_id"], v["name"]) for v in made] == [
        (1, 2, "store"),
        (1, 77, "other/mail"),
    ]
    assert outcome.values == {"external_id": "shop-1"}
    known = frozenset({(1, 2, "store"), (1, 77, "other/mail")})
    assert reconcile(View(building(), (db, web), known, {"other/mail": 77})).steps == ()


def test_services_are_started_only_when_that_is_asked_for() -> None:
    rows = (a_service(id=1, name="web", state="inactive"), a_service(id=2, name="db", state="registering"))
    assert not any(isinstance(s, Begin) for s in reconcile(View(building(), rows)).steps)
    outcome = reconcile(View(building(start_on_create=True), rows))
    assert isinstance(outcome, Again), "the one that is still made is waited for"
    assert [(s.row.values["name"], s.process) for s in outcome.steps if isinstance(s, Begin)] == [("web", "activate")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web: [", "docker-compose.yml, line 1"),
        ("web: {image: a, env_file: x}\n", "docker-compose.yml, line 1: web.env_file: the file 'x' is not here"),
        ("lb: {image: rancher/load-balancer-service}\n", "is not served by this version yet"),
    ],
)
def test_a_text_that_cannot_be_is_a_failure_with_its_place(text: str, words: str) -> None:
    outcome = reconcile(View(building(docker_compose=text, rancher_compose=None), ()))
    assert isinstance(outcome, Failed)
    assert words in outcome.because


def test_a_removed_stack_removes_its_services_and_waits_for_them() -> None:
    rows = (a_service(id=1, name="web"), a_service(id=2, name="db", state="removing"))
    outcome = reconcile(View(a_stack(state="removing", purge_at_once=True), rows))
    assert isinstance(outcome, Again)
    begin, hurry = outcome.steps
    assert isinstance(begin, Begin)
    assert (begin.row, begin.process, begin.values) == (rows[0], "remove", {"purge_at_once": True})
    assert hurry == Set(rows[1], {"purge_at_once": True})
    assert reconcile(View(a_stack(state="removing"), ())) == Done()


# --- on a real store --------------------------------------------------------------------------------------------------


def make(bench: Bench, **values: Any) -> Any:
    given = {"account_id": 5, "name": "shop", **values}
    made = bench.store.write(lambda tx: create(tx, Environment, given, Platform()))
    bench.settle()
    return bench.get(made)


def test_a_stack_from_texts_has_its_services_and_links(bench: Bench) -> None:
    stack = make(bench, docker_compose=TEXT, rancher_compose=RANCHER)
    assert (stack.state, stack.external_id) == ("active", "shop-1")
    services = {s.id: s for s in bench.store.read(lambda read: read.find(Service))}
    assert {(s.name, s.state, s.environment_id) for s in services.values()} == {
        ("db", "inactive", stack.id),
        ("web", "inactive", stack.id),
    }
    [link] = bench.store.read(lambda read: read.find(ServiceConsumeMap))
    names = (services[link.service_id].name, services[link.consumed_service_id].name, link.name)
    assert names == ("web", "db", "store")


def test_a_stack_whose_text_cannot_be_ends_in_error_and_can_be_removed(bench: Bench) -> None:
    stack = make(bench, docker_compose="web:\n  image: sim:a\n  prots: [80]\n")
    assert states.transitioning(stack) == (
        "error",
        "docker-compose.yml, line 3: web.prots: is not a supported key of a service",
        None,
    )
    assert stack.state == "error"
    bench.store.write(lambda tx: actions.delete(tx, tx.require(Environment, stack.id), Platform()))
    bench.settle()
    assert bench.get(stack).state == "removed"


def test_the_name_of_a_stack_is_unique_whatever_its_case_and_free_again_after_the_removal(bench: Bench) -> None:
    stack = make(bench)
    for name, code in (("SHOP", "NotUnique"), ("-x", "InvalidCharacters"), ("x-", "InvalidCharacters")):
        with pytest.raises(ApiError) as caught:
            make(bench, name=name)
        assert (caught.value.code, caught.value.field) == (code, "name")
    assert make(bench, account_id=6).name == "shop"
    bench.store.write(lambda tx: actions.delete(tx, tx.require(Environment, stack.id), Platform()))
    bench.settle()
    assert make(bench).state == "active"


def test_a_stack_is_renamed_by_a_process_and_other_fields_are_just_stored(bench: Bench) -> None:
    stack = make(bench)

    def update(**values: Any) -> Any:
        return bench.store.write(lambda tx: actions.update(tx, tx.require(Environment, stack.id), values, Platform()))

    assert update(description="new").state == "active"
    assert update(name="store").state == "updating-active"
    bench.settle()
    assert make(bench, name="shop").state == "active"


def test_all_services_are_activated_and_deactivated_together(bench: Bench) -> None:
    stack = make(bench, docker_compose="web: {image: 'sim:a', scale: 0}\ndb: {image: 'sim:b', scale: 0}\n")

    def act(name: str) -> set[str]:
        fn = Environment.behaviour.actions[name]
        bench.store.write(lambda tx: fn(tx, tx.require(Environment, stack.id), {}, Platform()))
        bench.settle()
        return {s.state for s in bench.store.read(lambda read: read.find(Service))}

    assert act("activateservices") == {"active"}
    assert act("activateservices") == {"active"}
    assert act("deactivateservices") == {"inactive"}


def test_outputs_are_merged(bench: Bench) -> None:
    stack = make(bench, outputs={"a": "1", "b": "1"})
    add = Environment.behaviour.actions["addoutputs"]
    input = {"outputs": {"b": "2", "c": "2"}}
    done = bench.store.write(lambda tx: add(tx, tx.require(Environment, stack.id), input, Platform()))
    assert done.outputs == {"a": "1", "b": "2", "c": "2"}
