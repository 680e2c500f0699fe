"""Two compose texts and variables in, a `StackPlan` out: bodies for the v1 API, in the order to create them.

`stack.py` reads the texts, `launch_config.py` and `rancher.py` give the fields; here they are joined into
bodies: kind, scale, sidekicks, selectors. Pure: no files, no clock, no API. Who posts the bodies, resolves
names into ids and sets links is the compose executor or the CLI.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trailboss.compose import read
from trailboss.compose.launch_config import Context, launch_config
from trailboss.compose.links import creation_order, service_links
from trailboss.compose.parse import Map, Node, fail, is_null
from trailboss.compose.plan import (
    BALANCER,
    BALANCER_IMAGE,
    EXTERNAL,
    LABEL_GLOBAL,
    LABEL_SELECTOR_CONTAINER,
    LABEL_SELECTOR_LINK,
    LABEL_SIDEKICKS,
    SERVICE,
    ServicePlan,
    StackPlan,
)
from trailboss.compose.rancher import RancherEntry
from trailboss.compose.stack import Source, Stack, label, read_stack


def plan_stack(
    docker_compose: str,
    rancher_compose: str | None,
    variables: Mapping[str, str],
    *,
    stack_name: str,
    files: Mapping[str, str] | None = None,
) -> StackPlan:
    """Turn compose texts into the services to create.

    variables: the only source of `${V}` and of environment keys without a value. files: texts for `env_file`
    and `extends.file`, by their name relative to the compose file; without it these keys are errors. Raises
    ComposeError with file, line and key.
    """
    warnings: dict[str, None] = {}
    source = Source(
        stack_name, variables, {} if files is None else files, lambda sentence: warnings.setdefault(sentence)
    )
    stack = read_stack(docker_compose, rancher_compose, source)
    plans = {name: _service(stack, name) for name in stack.services if name not in stack.owners}
    services = tuple(creation_order(stack, plans))
    return StackPlan(services, stack.rancher.catalog.get("uuid"), tuple(warnings))


def _service(stack: Stack, name: str) -> ServicePlan:
    values = stack.entry(name).values
    return ServicePlan(
        name,
        stack.kinds[name],
        _body(stack, name),
        service_links(stack, name),
        default_certificate=values.get("default_cert"),
        certificates=tuple(values.get("certs", ())),
    )


def _body(stack: Stack, name: str) -> dict[str, Any]:
    service, entry, kind = stack.services[name], stack.entry(name), stack.kinds[name]
    config = _config(stack, name)
    members = stack.sidekicks.get(name, [])
    labels = config.get("labels", {})
    fields = {
        "launchConfig": config,
        "secondaryLaunchConfigs": [{**_config(stack, member), "name": member} for member in members],
        "metadata": entry.values.get("metadata"),
        "selectorContainer": labels.get(LABEL_SELECTOR_CONTAINER),
        "selectorLink": labels.get(LABEL_SELECTOR_LINK),
        "serviceSchemas": entry.values.get("service_schemas"),
        **_kind_fields(entry, kind),
    }
    body: dict[str, Any] = {"name": name}
    if kind in (SERVICE, BALANCER):
        body["scale"] = _scale(service, entry)
    body.update({field: value for field, value in fields.items() if value})
    if kind == SERVICE:
        _check_unit(stack, name, body)
    return body


def _config(stack: Stack, name: str) -> dict[str, Any]:
    """Build the launch config of a primary or a sidekick. What runs no container gets no image and no
    network.
    """
    service, kind, source = stack.services[name], stack.kinds[name], stack.source
    context = Context(
        source.stack_name,
        name,
        source.variables,
        source.files,
        stack.volumes,
        source.warn,
        is_balancer=kind == BALANCER,
        blank_is_unset=stack.volumes is None,
    )
    config = launch_config(service, context)
    if label(service, LABEL_GLOBAL) is None and _deploy(service)[0] == "global":
        config["labels"] = {**config.get("labels", {}), LABEL_GLOBAL: "true"}
    if kind == SERVICE:
        is_selecting = LABEL_SELECTOR_CONTAINER in config.get("labels", {})
        if "imageUuid" not in config and not is_selecting:
            raise fail(service, "needs image or build")
    else:
        config.pop("imageUuid", None)
        if kind != BALANCER and config["networkMode"] == "managed":
            del config["networkMode"]
    health_check = stack.entry(name).values.get("health_check")
    if health_check and kind != EXTERNAL:
        config["healthCheck"] = health_check
    return config


def _scale(service: Map, entry: RancherEntry) -> int:
    """Take the first of: scale in rancher-compose.yml (below 1 means 1), scale, deploy.replicas, 1."""
    if "scale" in entry.values:
        return max(1, int(entry.values["scale"]))
    node = service.entries.get("scale")
    node = _deploy(service)[1] if node is None or is_null(node) else node
    if node is None:
        return 1
    scale = read.integer(node)
    if scale < 0:
        raise fail(node, "cannot be negative")
    return scale


def _deploy(service: Map) -> tuple[str, Node | None]:
    """Return the mode and the node of replicas."""
    node = service.entries.get("deploy")
    if node is None or is_null(node):
        return "replicated", None
    keys = read.mapping(node, ("mode", "replicas"))
    mode = read.text(keys["mode"]) if "mode" in keys else "replicated"
    if mode not in ("replicated", "global"):
        raise fail(keys["mode"], "must be replicated or global")
    return mode, keys.get("replicas")


def _kind_fields(entry: RancherEntry, kind: str) -> dict[str, Any]:
    if kind != BALANCER:
        for key in ("load_balancer_config", "default_cert", "certs"):
            if key in entry.nodes:
                raise fail(entry.nodes[key], f"is for load balancers only (image {BALANCER_IMAGE})")
    wire = {"load_balancer_config": "loadBalancerConfig"}
    if kind == EXTERNAL:
        wire = {"external_ips": "externalIpAddresses", "hostname": "hostname", "health_check": "healthCheck"}
    return {field: entry.values.get(key) for key, field in wire.items()}


def _check_unit(stack: Stack, name: str, body: dict[str, Any]) -> None:
    """Refuse a reference to a launch config outside the service: only one unit can share things."""
    unit = {name, *stack.sidekicks.get(name, ())}
    for config in (body["launchConfig"], *body.get("secondaryLaunchConfigs", ())):
        own = config.get("name", name)
        keys = read.mapping(stack.services[own])
        volumes, network = keys.get("volumes_from"), keys.get("net") or keys.get("network_mode")
        wanted = [(volumes, other) for other in config.get("dataVolumesFromLaunchConfigs", ())]
        wanted.append((network, config.get("networkLaunchConfig", "")))
        for node, other in wanted:
            if node and other and other not in unit - {own}:
                message = f"{other!r} is not another container of {name}; list it in its label {LABEL_SIDEKICKS}"
                raise fail(node, message)
