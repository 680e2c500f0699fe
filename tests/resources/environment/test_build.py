"""From a stack's texts to its services."""

from __future__ import annotations

import trailboss.resources  # noqa: F401  (declares every type)
from trailboss.compose import plan_stack, with_hashes
from trailboss.compose.plan import LABEL_HASH
from trailboss.outcome import Again, Failed, Make
from trailboss.resources.environment import Environment
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
