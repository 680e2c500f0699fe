"""From a stack's texts to its services."""

from __future__ import annotations

import threading

import pytest

import trailboss.resources  # noqa: F401  (declares every type)
from tests.databases import OpenStore
from tests.waiting import eventually
from trailboss.compose import plan_stack, with_hashes
from trailboss.compose.plan import LABEL_HASH
from trailboss.engine.apply import Platform, create
from trailboss.engine.loop import Engine
from trailboss.outcome import Again, Failed, Make
from trailboss.resources.environment import Environment
from trailboss.resources.environment import reconcile as module
from trailboss.resources.environment.reconcile import View, reconcile

COMPOSE = "web:\n  image: trailboss/hello:1\n"


def test_services_carry_the_hashes_by_which_a_client_sees_that_texts_have_changed() -> None:
    row = Environment({"id": 1, "account_id": 5, "name": "shop", "state": "activating", "docker_compose": COMPOSE})
    outcome = reconcile(View(row, ()))
    assert isinstance(outcome, Again)
    (step,) = outcome.steps
    assert isinstance(step, Make)
    (planned,) = plan_stack(COMPOSE, None, {}, stack_name="shop").services
    body = with_hashes(planned.body)
    assert step.values["launch_config"]["labels"][LABEL_HASH] == body["launchConfig"]["labels"][LABEL_HASH]
    assert step.values["metadata"] == body["metadata"]


def test_a_kind_of_service_that_is_not_served_yet_fails_the_stack_in_words() -> None:
    texts = COMPOSE + "lb:\n  image: rancher/load-balancer-service\n  links: [web]\n"
    row = Environment({"id": 1, "account_id": 5, "name": "shop", "state": "activating", "docker_compose": texts})
    outcome = reconcile(View(row, ()))
    assert isinstance(outcome, Failed)
    assert "lb: a loadBalancerService is not served by this version yet" in outcome.because


def test_long_texts_are_read_before_the_transaction_and_not_by_the_writer(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def read(*arguments: object, **more: object) -> object:
        threads.append(threading.current_thread().name)
        return plan_stack(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "plan_stack", read)
    module._plan.cache_clear()
    store = open_store()
    engine = Engine(store, "one")
    engine.start()
    texts = {"good": "web:\n  image: nginx\n", "bad": "web:\n  image: [\n"}
    made = {
        name: store.write(
            lambda tx, n=name, t=text: create(
                tx, Environment, {"name": n, "account_id": 5, "docker_compose": t, "kind": "environment"}, Platform()
            )
        )
        for name, text in texts.items()
    }

    def states() -> dict[str, str]:
        return {name: store.read(lambda r, i=row.id: r.require(Environment, i)).state for name, row in made.items()}

    eventually(lambda: states() == {"good": "active", "bad": "error"}, within=20, what="the stacks are settled")
    engine.stop()
    assert threads == ["engine"] * 2, "each text once, by the engine's own thread"
