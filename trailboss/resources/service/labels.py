"""The labels of service containers (20-stacks section 7.5)."""

from __future__ import annotations

from typing import Any

PRIMARY = "io.rancher.service.primary.launch.config"
AFFINITY = "io.rancher.scheduler.affinity"


def container_labels(
    stack: str, service: str, name: str, unit: str, configs: dict[str, dict[str, Any]]
) -> dict[str, str]:
    """Return the labels of the container that launch config `name` ("" the primary) makes in a unit.

    Its own labels, the scheduling labels of its siblings, and the platform's; affinity rules add up, others yield
    to the platform's.
    """
    full = f"{stack}/{service}" + (f"/{name}" if name else "")
    labels: dict[str, str] = {}
    for other, config in configs.items():
        for key, value in (config.get("labels") or {}).items():
            if other == name or key.lower().startswith("io.rancher.scheduler"):
                _merge(labels, key, _own_stack(key, str(value), stack, service, name))
    system = {
        "io.rancher.stack.name": stack,
        "io.rancher.project.name": stack,
        "io.rancher.stack_service.name": full,
        "io.rancher.project_service.name": full,
        "io.rancher.service.deployment.unit": unit,
        "io.rancher.service.launch.config": name or PRIMARY,
        f"{AFFINITY}:container_label_soft": f"io.rancher.service.deployment.unit={unit}",
    }
    for key, value in system.items():
        _merge(labels, key, value)
    return labels


def _merge(labels: dict[str, str], key: str, value: str) -> None:
    key = key.lower() if key.lower().startswith("io.rancher") else key
    present = labels.get(key)
    if present and key.startswith(AFFINITY):
        if value.lower() not in present.lower():
            labels[key] = f"{present},{value}"
        return
    labels[key] = value


def _own_stack(key: str, value: str, stack: str, service: str, name: str) -> str:
    """Complete a rule about another service of the stack: `<service>` becomes `<stack>/<service>`."""
    if not key.lower().startswith(f"{AFFINITY}:container_label"):
        return value
    parts = []
    for part in value.split(","):
        label, equals, target = part.partition("=")
        if label.strip() in ("io.rancher.stack_service.name", "io.rancher.project_service.name") and equals:
            target = target if "/" in target or "$" in target else f"{stack}/{target}"
            if name and f"{stack}/{service}" == target:
                target += f"/{name}"
            part = f"io.rancher.stack_service.name={target}"
        parts.append(part)
    return ",".join(parts)
