"""Which service uses which: `links`, `external_links` and `depends_on` in, links and the order of creation
out.

A link to another service of the file comes before its consumer; where services wait for each other the order
of the file decides. Links to other stacks are given by name; whether they exist is known only to who sets
them.
"""

from __future__ import annotations

from trailboss.compose import read
from trailboss.compose.parse import Map, Node, at, fail, is_null
from trailboss.compose.plan import BALANCER, LABEL_TARGET, Link, ServicePlan
from trailboss.compose.stack import FILE, Stack, labels


def service_links(stack: Stack, name: str) -> tuple[Link, ...]:
    """Read the links of a service that is no sidekick; sidekicks themselves cannot be linked."""
    own_labels = labels(stack.services[name]) if stack.kinds[name] == BALANCER else {}
    warn = stack.source.warn
    found: dict[str, Link] = {}
    for node in _link_nodes(stack.services[name]):
        target, _, alias = (part.strip() for part in read.text(node).partition(":"))
        if not target:
            raise fail(node, "needs the name of a service")
        link = Link(target, alias or target, _target_ports(own_labels.get(LABEL_TARGET + target)))
        if target in found and found[target] != link:
            raise fail(node, f"{target} is linked twice; a service has one link to another, with one alias")
        if target in stack.owners:
            warn(f"{at(node)} is ignored; {target} is a sidekick of {stack.owners[target]}")
            continue
        if "/" not in target and target not in stack.services:
            warn(f"{at(node)}: the service {target} is not in {FILE}")
        found[target] = link
    for key, node in own_labels.items():
        if key.startswith(LABEL_TARGET) and key.removeprefix(LABEL_TARGET) not in found:
            warn(f"{at(node)} has no effect; there is no link to {key.removeprefix(LABEL_TARGET)}")
    for sidekick in stack.sidekicks.get(name, ()):
        for node in _link_nodes(stack.services[sidekick]):
            warn(f"{at(node)} is ignored; {sidekick} is a sidekick of {name}")
    return tuple(found.values())


def creation_order(stack: Stack, plans: dict[str, ServicePlan]) -> list[ServicePlan]:
    """Sort plans so that a service comes after those that it links to or depends on."""
    before: dict[str, list[str]] = {}
    for name, plan in plans.items():
        wanted = [link.service.removeprefix(f"{stack.source.stack_name}/") for link in plan.links]
        for member in (name, *stack.sidekicks.get(name, ())):
            wanted += _depends_on(stack, member)
        before[name] = [stack.owners.get(other, other) for other in wanted]
    done: list[ServicePlan] = []
    visited: set[str] = set()
    # An explicit stack of visits: a chain of a thousand services must not reach the recursion limit.
    for root in plans:
        pending = [(root, False)]
        while pending:
            name, is_ready = pending.pop()
            if is_ready:
                done.append(plans[name])
            elif name in plans and name not in visited:
                visited.add(name)
                pending.append((name, True))
                pending.extend((other, False) for other in reversed(before[name]))
    return done


def _link_nodes(service: Map) -> list[Node]:
    keys = read.mapping(service)
    return [node for key in ("links", "external_links") if key in keys for node in read.nodes(keys[key])]


def _target_ports(node: Node | None) -> tuple[str, ...]:
    if node is None or is_null(node):
        return ()
    return tuple(part.strip() for part in read.text(node).split(",") if part.strip())


def _depends_on(stack: Stack, name: str) -> list[str]:
    node = stack.services[name].entries.get("depends_on")
    if node is None or is_null(node):
        return []
    if isinstance(node, Map):
        for child in node.entries.values():
            condition = None if is_null(child) else read.mapping(child, ("condition",)).get("condition")
            if condition and read.text(condition) != "service_started":
                stack.source.warn(f"{at(condition)} is not waited for; only the order of creation is kept")
        names = node.entries
    else:
        names = {read.text(child): child for child in read.nodes(node)}
    for other, child in names.items():
        if other not in stack.services:
            raise fail(child, f"the service {other!r} is not in {FILE}")
    return list(names)
