"""Bring a stack that is there to what a plan says: missing services, their links, and what rests is started.

A plan of the compose package and the API's services go in, requests go out. What a service's containers are made
from is compared by the hashes that services carry; where it differs nothing at all is done, because this version
serves no upgrades. Scales are left alone, as in rancher-compose. Waiting is in `waiting.py`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from trailboss.cli.stack import services_of
from trailboss.compose import ServicePlan, StackPlan, with_hashes
from trailboss.compose.plan import LABEL_HASH
from trailboss.errors import ApiError, Permanent, TrailbossError

if TYPE_CHECKING:
    from trailboss.cli.client import Client, JsonObject

CREATED_WITHIN_S = 30.0
SERVED_LATER = "needs upgrade, not served by this version yet; nothing was changed"


def complete(client: Client, stack: JsonObject, plan: StackPlan) -> JsonObject:
    """Ask for everything that a stack lacks of a plan. Raises Permanent when a service would have to change."""
    present = {s["name"].lower(): s for s in services_of(client, stack)}
    _refuse_changes(present, plan)
    missing = [s for s in plan.services if s.name.lower() not in present]
    for service in missing:
        present[service.name.lower()] = _create(client, stack, service)
    for service in missing:
        _link(client, present, service)
    started = [s.name for s in plan.services if _start(client, present[s.name.lower()])]
    if not started:
        print(f"stack {stack['name']}: nothing to do", file=sys.stderr)
    return stack


def _refuse_changes(present: dict[str, JsonObject], plan: StackPlan) -> None:
    changed = []
    for service in plan.services:
        found = present.get(service.name.lower())
        if found is None:
            continue
        if differs(found, service):
            changed.append(service.name)
        if found.get("scale") != service.body.get("scale", found.get("scale")):
            has, says = found.get("scale"), service.body["scale"]
            print(f"service {service.name}: stays at scale {has}; the texts say {says}", file=sys.stderr)
    if changed:
        raise Permanent(f"the texts of {', '.join(changed)} have changed: {SERVED_LATER}")


def differs(found: JsonObject, planned: ServicePlan) -> bool:
    """Say whether a service is made from something else than planned. One that carries no hashes was not made from
    compose texts; it is taken as it is."""
    wanted = hashes(with_hashes(planned.body))
    has = hashes(found)
    return any(value is not None for value in has.values()) and has != wanted


def hashes(service: JsonObject) -> dict[str, str | None]:
    """Return the hashes that a service (or its body) carries: of itself, and of each launch config by name."""
    found: dict[str, str | None] = {"": (service.get("metadata") or {}).get(LABEL_HASH)}
    secondary: list[dict[str, Any]] = service.get("secondaryLaunchConfigs") or []
    for name, config in [("primary", service.get("launchConfig") or {}), *((c["name"], c) for c in secondary)]:
        found[f"/{name}"] = (config.get("labels") or {}).get(LABEL_HASH)
    return found


def _create(client: Client, stack: JsonObject, service: ServicePlan) -> JsonObject:
    body = {**with_hashes(service.body), "environmentId": stack["id"]}
    try:
        return client.create(f"{service.kind}s", body)
    except ApiError as error:
        if error.status == 404:
            raise TrailbossError(f"service {service.name}: a {service.kind} is not served by this version") from error
        raise


def _link(client: Client, present: dict[str, JsonObject], service: ServicePlan) -> None:
    """Set the links of a new service; one to a service that is not there yet is left out, as in rancher-compose."""
    links = []
    for link in service.links:
        target = present.get(link.service.lower())
        if target is None and "/" in link.service:
            target = _elsewhere(client, link.service)
        if target is None:
            print(f"warning: service {service.name} links to {link.service}, which is not there", file=sys.stderr)
            continue
        links.append({"serviceId": target["id"], "name": link.alias})
    if links:
        client.act(present[service.name.lower()], "setservicelinks", {"serviceLinks": links})


def _elsewhere(client: Client, name: str) -> JsonObject | None:
    """Find `stack/service`."""
    from trailboss.cli.stack import find

    stack_name, _, service_name = name.partition("/")
    stack = find(client, stack_name)
    services = services_of(client, stack) if stack is not None else []
    return next((s for s in services if s["name"].lower() == service_name.lower()), None)


def _start(client: Client, service: JsonObject) -> bool:
    """Activate a service that rests, once its creation has ended; say whether there was something to do."""
    if service["state"] in ("active", "activating", "updating-active"):
        return False
    client.act(_at_rest(client, service), "activate")
    return True


def _at_rest(client: Client, service: JsonObject) -> JsonObject:
    from trailboss.cli.waiting import Silent, wait

    def judge(seen: JsonObject) -> str | None:
        return f"service {seen['name']} is {seen['state']}" if seen.get("transitioning") == "yes" else None

    return wait(lambda: client.get(service["links"]["self"]), judge, Silent(), CREATED_WITHIN_S)
