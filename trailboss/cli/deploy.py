"""Bring a stack that is there to what a plan says: missing services, their links, and what rests is started.

A plan of the compose package and the API's services go in, requests go out. What a service's containers are made
from is compared by the hashes that services carry; where it differs nothing at all is done, because this version
serves no upgrades. Scales are left alone, as in rancher-compose. Waiting is in `waiting.py`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from trailboss.cli.stack import name_of, services_of
from trailboss.client import types
from trailboss.client.resource import JsonObject, encode
from trailboss.compose import ServicePlan, StackPlan, with_hashes
from trailboss.compose.plan import LABEL_HASH
from trailboss.errors import ApiError, Permanent, TrailbossError

if TYPE_CHECKING:
    from trailboss.client import Client

CREATED_WITHIN_S = 30.0
SERVED_LATER = "needs upgrade, not served by this version yet; nothing was changed"


def complete(client: Client, stack: types.Environment, plan: StackPlan) -> types.Environment:
    """Ask for everything that a stack lacks of a plan. Raises Permanent when a service would have to change."""
    present = {name_of(s).lower(): s for s in services_of(client, stack)}
    _refuse_changes(present, plan)
    missing = [s for s in plan.services if s.name.lower() not in present]
    for service in missing:
        present[service.name.lower()] = _create(client, stack, service)
    for service in missing:
        _link(client, present, service)
    started = [s.name for s in plan.services if _start(client, present[s.name.lower()])]
    if not started:
        print(f"stack {stack.name}: nothing to do", file=sys.stderr)
    return stack


def _refuse_changes(present: dict[str, types.Service], plan: StackPlan) -> None:
    changed = []
    for service in plan.services:
        found = present.get(service.name.lower())
        if found is None:
            continue
        if differs(found, service):
            changed.append(service.name)
        if found.scale != service.body.get("scale", found.scale):
            has, says = found.scale, service.body["scale"]
            print(f"service {service.name}: stays at scale {has}; the texts say {says}", file=sys.stderr)
    if changed:
        raise Permanent(f"the texts of {', '.join(changed)} have changed: {SERVED_LATER}")


def differs(found: types.Service, planned: ServicePlan) -> bool:
    """Say whether a service is made from something else than planned. One that carries no hashes was not made from
    compose texts; it is taken as it is."""
    wanted = hashes(with_hashes(planned.body))
    has = hashes(encode(found))
    return any(value is not None for value in has.values()) and has != wanted


def hashes(service: JsonObject) -> dict[str, str | None]:
    """Return the hashes that a service's document (or the body for one) carries: of itself, and of each launch config
    by name."""
    found: dict[str, str | None] = {"": (service.get("metadata") or {}).get(LABEL_HASH)}
    secondary: list[dict[str, Any]] = service.get("secondaryLaunchConfigs") or []
    for name, config in [("primary", service.get("launchConfig") or {}), *((c["name"], c) for c in secondary)]:
        found[f"/{name}"] = (config.get("labels") or {}).get(LABEL_HASH)
    return found


def _create(client: Client, stack: types.Environment, service: ServicePlan) -> types.Service:
    body = {**with_hashes(service.body), "environmentId": stack.id}
    try:
        return client.collection(f"{service.kind}s", types.Service).create(body)
    except ApiError as error:
        if error.status == 404:
            raise TrailbossError(f"service {service.name}: a {service.kind} is not served by this version") from error
        raise


def _link(client: Client, present: dict[str, types.Service], service: ServicePlan) -> None:
    """Set the links of a new service; one to a service that is not there yet is left out, as in rancher-compose."""
    links = []
    for link in service.links:
        target = present.get(link.service.lower())
        if target is None and "/" in link.service:
            target = _elsewhere(client, link.service)
        if target is None:
            print(f"warning: service {service.name} links to {link.service}, which is not there", file=sys.stderr)
            continue
        links.append(types.ServiceLink(service_id=target.id, name=link.alias))
    if links:
        given = types.SetServiceLinksInput(service_links=links)
        client.act(present[service.name.lower()], "setservicelinks", given)


def _elsewhere(client: Client, name: str) -> types.Service | None:
    """Find `stack/service`."""
    from trailboss.cli.stack import find

    stack_name, _, service_name = name.partition("/")
    stack = find(client, stack_name)
    services = services_of(client, stack) if stack is not None else []
    return next((s for s in services if name_of(s).lower() == service_name.lower()), None)


def _start(client: Client, service: types.Service) -> bool:
    """Activate a service that rests, once its creation has ended; say whether there was something to do."""
    if service.state in ("active", "activating", "updating-active"):
        return False
    client.act(_at_rest(client, service), "activate")
    return True


def _at_rest(client: Client, service: types.Service) -> types.Service:
    from trailboss.cli.waiting import Silent, wait

    def judge(seen: types.Service) -> str | None:
        return f"service {seen.name} is {seen.state}" if seen.transitioning == "yes" else None

    seen: types.Service = wait(lambda: client.refresh(service), judge, Silent(), CREATED_WITHIN_S)
    return seen
