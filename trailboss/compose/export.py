"""Services in, the two compose texts out: the reverse of `to_resources.py`, in the version 1 form.

Both texts are block-style YAML with CRLF line ends and every `$` doubled. A value is written unless it is
null, false or empty; restart, memswap_limit, devices, extra_hosts, log_*, pid, read_only, security_opt and
build are never written (as in the original). Texts that an older YAML would read as something else (`yes`,
`22:22`, `0777`) are quoted.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from trailboss.compose.hashes import snake_case
from trailboss.compose.plan import (
    BALANCER,
    BALANCER_IMAGE,
    DNS,
    DNS_IMAGE,
    EXTERNAL,
    EXTERNAL_IMAGE,
    LABEL_GLOBAL,
    LABEL_SCHEDULER,
    LABEL_SELECTOR_CONTAINER,
    LABEL_SELECTOR_LINK,
    LABEL_SIDEKICKS,
    LABEL_TARGET,
    Link,
)

IMAGES = {BALANCER: BALANCER_IMAGE, DNS: DNS_IMAGE, EXTERNAL: EXTERNAL_IMAGE}
SAME_NAME = {
    "command": "command",
    "ports": "ports",
    "environment": "environment",
    "dns": "dns",
    "dnsSearch": "dns_search",
    "capAdd": "cap_add",
    "capDrop": "cap_drop",
    "workingDir": "working_dir",
    "entryPoint": "entrypoint",
    "user": "user",
    "hostname": "hostname",
    "domainName": "domainname",
    "memory": "mem_limit",
    "privileged": "privileged",
    "stdinOpen": "stdin_open",
    "tty": "tty",
    "cpuShares": "cpu_shares",
    "cpuSet": "cpuset",
    "volumeDriver": "volume_driver",
    "expose": "expose",
    "dataVolumes": "volumes",
}
PLAIN_TEXT = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.@+-]*(:[A-Za-z0-9/_.@+-]+)*")
YAML_1_1_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
WIDTH = 1 << 20
"""No line is folded: what cannot stand on one line is quoted with escapes."""


@dataclass(frozen=True)
class ExportService:
    """One service to write. body: its v1 fields; links: by name, `stack/name` for another stack.

    default_certificate, certificates: names. container_uuids: uuid by id, for dataVolumesFrom and
    networkContainerId.
    """

    name: str
    kind: str
    body: Mapping[str, Any]
    links: tuple[Link, ...] = ()
    default_certificate: str | None = None
    certificates: tuple[str, ...] = ()
    container_uuids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ComposeConfig:
    docker_compose: str
    rancher_compose: str


def export_stack(services: Sequence[ExportService]) -> ComposeConfig:
    """Write services as docker-compose.yml and rancher-compose.yml texts.

    A link to a service of the same stack that is not among `services` is left out.
    """
    docker: dict[str, Any] = {}
    rancher: dict[str, Any] = {}
    exported = {service.name for service in services}
    for service in services:
        primary = service.body.get("launchConfig") or {}
        secondaries = service.body.get("secondaryLaunchConfigs") or []
        names = [service.name, *(config["name"] for config in secondaries)]
        configs = [primary, *secondaries]
        for index, (name, config) in enumerate(zip(names, configs, strict=True)):
            siblings = configs[:index] + configs[index + 1 :]
            labels = _labels(service, config, siblings, names[1:] if index == 0 else None)
            links = _links(service, exported) if index == 0 else {}
            docker[name] = _written({**_docker_entry(service, config), "labels": labels, **links})
            if entry := _written(_rancher_entry(service, config)):
                rancher[name] = entry
    return ComposeConfig(_text(docker), _text(rancher))


def _written(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in entry.items() if value is not None and value is not False and not _is_empty(value)
    }


def _is_empty(value: Any) -> bool:
    return isinstance(value, list | tuple | Mapping) and not value


def _docker_entry(service: ExportService, config: Mapping[str, Any]) -> dict[str, Any]:
    image = IMAGES.get(service.kind) or (config.get("imageUuid") or "").removeprefix("docker:") or None
    entry: dict[str, Any] = {"image": image}
    entry |= {key: config.get(wire) for wire, key in SAME_NAME.items()}
    if service.kind == EXTERNAL:
        entry["hostname"] = None
    uuids = [
        service.container_uuids[str(ref)]
        for ref in config.get("dataVolumesFrom") or ()
        if str(ref) in service.container_uuids
    ]
    entry["volumes_from"] = [*(config.get("dataVolumesFromLaunchConfigs") or ()), *uuids]
    mode = config.get("networkMode")
    if mode == "container":
        other = config.get("networkLaunchConfig") or service.container_uuids.get(str(config.get("networkContainerId")))
        entry["net"] = f"container:{other}" if other else None
    elif mode != "managed":
        entry["net"] = mode
    return entry


def _labels(
    service: ExportService,
    config: Mapping[str, Any],
    siblings: Sequence[Mapping[str, Any]],
    sidekicks: list[str] | None,
) -> dict[str, str]:
    """Write own labels, and rebuild those that stand for fields. sidekicks: None when it is one itself."""
    rebuilt = (LABEL_SIDEKICKS, LABEL_SELECTOR_CONTAINER, LABEL_SELECTOR_LINK)
    found = {
        key: value
        for key, value in (config.get("labels") or {}).items()
        if key not in rebuilt and not (service.kind == BALANCER and key.startswith(LABEL_TARGET))
    }
    for sibling in siblings:
        for key, value in (sibling.get("labels") or {}).items():
            if key.startswith(LABEL_SCHEDULER):
                found.setdefault(key, value)
    if sidekicks is None:
        return found
    if sidekicks:
        found[LABEL_SIDEKICKS] = ",".join(sidekicks)
    for label, wire in (
        (LABEL_SELECTOR_CONTAINER, "selectorContainer"),
        (LABEL_SELECTOR_LINK, "selectorLink"),
    ):
        if service.body.get(wire):
            found[label] = service.body[wire]
    if service.kind == BALANCER:
        found |= {LABEL_TARGET + link.service: ",".join(link.ports) for link in service.links if link.ports}
    return found


def _links(service: ExportService, exported: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"links": [], "external_links": []}
    for link in service.links:
        if "/" in link.service:
            found["external_links"].append(f"{link.service}:{link.alias or link.service.partition('/')[2]}")
        elif link.service in exported:
            found["links"].append(f"{link.service}:{link.alias or link.service}")
    return found


def _rancher_entry(service: ExportService, config: Mapping[str, Any]) -> dict[str, Any]:
    body = service.body
    is_global = ((body.get("launchConfig") or {}).get("labels") or {}).get(LABEL_GLOBAL) == "true"
    health_check = body.get("healthCheck") if service.kind == EXTERNAL else config.get("healthCheck")
    return {
        "scale": None if is_global else body.get("scale"),
        "health_check": _snake(health_check),
        "load_balancer_config": _snake(body.get("loadBalancerConfig")),
        "external_ips": body.get("externalIpAddresses"),
        "hostname": body.get("hostname") if service.kind == EXTERNAL else None,
        "default_cert": service.default_certificate,
        "certs": list(service.certificates),
        "metadata": body.get("metadata"),
    }


def _snake(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {snake_case(key): _snake(child) for key, child in value.items() if child is not None}
    return value


class _Representer(SafeRepresenter):
    """Quotes every text that some YAML would read as something else, or that is not plain ASCII."""


def _represent_text(representer: SafeRepresenter, value: str) -> ScalarNode:
    is_plain = PLAIN_TEXT.fullmatch(value) is not None and value.lower() not in YAML_1_1_WORDS
    node: ScalarNode = representer.represent_scalar("tag:yaml.org,2002:str", value, style=None if is_plain else '"')
    return node


_Representer.add_representer(str, _represent_text)


def _text(document: Mapping[str, Any]) -> str:
    if not document:
        return "{}\r\n"
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.allow_unicode = False
    yaml.width = WIDTH
    yaml.line_break = "\r\n"  # type: ignore[assignment]  # the library declares None only
    buffer = io.StringIO(newline="")
    yaml.dump(_copied(document), buffer)
    return buffer.getvalue().replace("$", "$$")


def _copied(value: Any) -> Any:
    """Copy, so that a list that stands in two entries is not written as an anchor and an alias."""
    if isinstance(value, Mapping):
        return {str(key): _copied(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(child) for child in value]
    return value
