"""From a stack's compose texts to its services; and its end, which waits for theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.compose import ServicePlan, StackPlan, plan_stack, with_hashes
from trailboss.declare import registry
from trailboss.errors import ComposeError
from trailboss.outcome import Again, Begin, Done, Failed, Make, Outcome, Set, Step
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap

if TYPE_CHECKING:
    from trailboss.resources.environment import Environment
    from trailboss.store.transaction import Tx


@dataclass(frozen=True)
class View:
    """What a stack's reconciler may read. others: services of other stacks, by `stack/service`, for external links."""

    row: Environment
    services: tuple[Service, ...]
    links: frozenset[tuple[int, int, str]] = frozenset()
    others: dict[str, int] = field(default_factory=dict)


def load(tx: Tx, row: Environment) -> View:
    """Read a stack with its services, and while it is made, what they may link to."""
    services = tuple(tx.find(Service, environment_id=row.id))
    if row.state != "activating":
        return View(row, services)
    links = {
        (m.service_id, m.consumed_service_id, (m.name or "").lower())
        for s in services
        for m in tx.find(ServiceConsumeMap, service_id=s.id)
    }
    stacks = {s.id: s.name for s in tx.find(type(row), account_id=row.account_id)}
    others = {
        f"{stacks[s.environment_id]}/{s.name}": s.id
        for s in tx.find(Service, account_id=row.account_id)
        if s.environment_id in stacks
    }
    return View(row, services, frozenset(links), others)


def reconcile(view: View) -> Outcome:
    """Decide the next step of a stack."""
    if view.row.state == "removing":
        return _drain(view)
    if view.row.state == "activating" and view.row.docker_compose:
        return _build(view)
    return Done()


def _drain(view: View) -> Outcome:
    if not view.services:
        return Done()
    at_once = bool(view.row.purge_at_once)
    steps: list[Step] = []
    for service in view.services:
        if states.may(service, "remove"):
            steps.append(Begin(service, "remove", {"purge_at_once": at_once}))
        elif at_once and not service.purge_at_once:
            steps.append(Set(service, {"purge_at_once": True}))
    names = ", ".join(s.name for s in view.services[:5])
    return Again(f"Removing services: {names}", after_s=30, steps=tuple(steps))


def ahead(row: Environment) -> None:
    """Read the texts of a stack, which takes long, before the transaction that makes its services."""
    if row.state == "activating" and row.docker_compose:
        _planned(row)


def _planned(row: Environment) -> StackPlan | ComposeError:
    variables = tuple(sorted((row.environment or {}).items()))
    return _plan(row.docker_compose, row.rancher_compose, variables, row.name)


@lru_cache(maxsize=16)
def _plan(
    docker: str, rancher: str | None, variables: tuple[tuple[str, str], ...], name: str
) -> StackPlan | ComposeError:
    try:
        return plan_stack(docker, rancher, dict(variables), stack_name=name)
    except ComposeError as error:
        return error


def _build(view: View) -> Outcome:
    row = view.row
    plan = _planned(row)
    if isinstance(plan, ComposeError):
        return Failed(plan.message)
    unserved = next((s for s in plan.services if not registry[s.kind].served), None)
    if unserved is not None:
        return Failed(ComposeError(f"a {unserved.kind} is not served by this version yet", key=unserved.name).message)
    present = {s.name: s for s in view.services}
    missing = [s for s in plan.services if s.name not in present]
    if missing:
        making = tuple(Make(registry[s.kind], _values(row, s)) for s in missing)
        return Again(f"Creating services: {', '.join(s.name for s in missing)}", after_s=0, steps=making)
    steps = tuple(_links(view, plan, present))
    resting = [s for s in present.values() if s.state == "registering"]
    if row.start_on_create:
        steps += tuple(Begin(s, "activate") for s in present.values() if states.may(s, "activate"))
        if resting:
            return Again(f"Creating services: {', '.join(s.name for s in resting)}", after_s=0.1, steps=steps)
    values = {"external_id": plan.external_id} if plan.external_id else {}
    return Done(steps=steps, values=values)


def _values(row: Environment, plan: ServicePlan) -> dict[str, Any]:
    type_ = registry[plan.kind]
    values = {type_.by_wire[w].name: v for w, v in with_hashes(plan.body).items() if w in type_.by_wire}
    return {**values, "name": plan.name, "environment_id": row.id, "account_id": row.account_id}


def _links(view: View, plan: StackPlan, present: dict[str, Service]) -> list[Step]:
    steps: list[Step] = []
    for service in plan.services:
        own = present[service.name]
        for link in service.links:
            target = present[link.service].id if link.service in present else view.others.get(link.service)
            if target is None or (own.id, target, link.alias.lower()) in view.links:
                continue
            values = {"account_id": own.account_id, "service_id": own.id, "consumed_service_id": target}
            steps.append(Make(ServiceConsumeMap, {**values, "name": link.alias, "state": "active"}))
    return steps
