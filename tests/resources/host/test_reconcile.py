"""A host settles at once; a removed one lets its containers and its agent go first."""

from __future__ import annotations

from tests.rows import a_container, a_host, a_row
from trailboss.outcome import Again, Begin, Done, Mark, Set
from trailboss.resources.agent import Agent
from trailboss.resources.agent import reconcile as reconcile_agent
from trailboss.resources.host.reconcile import View, reconcile


def test_a_host_that_becomes_active_wakes_those_that_wait_for_a_place() -> None:
    waiting = a_container(state="starting")
    outcome = reconcile(View(a_host(state="activating"), None, (), (waiting,)))
    assert outcome == Done(steps=(Mark(type(waiting), waiting.id),))


def test_a_removed_host_releases_its_containers_and_stops_nothing() -> None:
    running, stopping = a_container(), a_container(state="stopping")
    outcome = reconcile(View(a_host(state="removing"), None, (running, stopping), ()))
    assert isinstance(outcome, Again)
    first, second = outcome.steps
    assert isinstance(first, Begin)
    assert isinstance(second, Set)
    for step in (first, second):
        assert step.values["host_id"] is None, "its host is told nothing more of it"
        assert step.values["seen_state"] == "released"
        assert step.values["after_stop"] == "remove"


def test_a_removed_hosts_agent_goes_before_it() -> None:
    for state, process in (("active", "deactivate"), ("reconnecting", "deactivate"), ("inactive", "remove")):
        agent = a_row(Agent, state=state)
        outcome = reconcile(View(a_host(state="removing"), agent, (), ()))
        assert isinstance(outcome, Again)
        assert outcome.steps == (Begin(agent, process),)
    for state in ("deactivating", "removing"):
        outcome = reconcile(View(a_host(state="removing"), a_row(Agent, state=state), (), ()))
        assert isinstance(outcome, Again)
        assert outcome.steps == ()
    assert reconcile(View(a_host(state="removing"), a_row(Agent, state="removed"), (), ())) == Done()
    assert reconcile(View(a_host(state="removing"), None, (), ())) == Done()


def test_only_its_connection_ends_the_wait_for_an_agent_that_went_away() -> None:
    outcome = reconcile_agent(a_row(Agent, state="reconnecting"))
    assert isinstance(outcome, Again)
    assert "does not answer" in outcome.because
    assert reconcile_agent(a_row(Agent, state="activating")) == Done()
