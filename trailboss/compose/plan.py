"""The values that this package gives: what a compose text asks for, in the terms of the v1 API.

`body` is what a client posts to `/v1/<plural of kind>`, without `environmentId`. Ids are unknown here, so
what refers to another resource is given by name beside the body: links, certificates. Whoever posts resolves
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BALANCER_IMAGE = "rancher/load-balancer-service"
DNS_IMAGE = "rancher/dns-service"
EXTERNAL_IMAGE = "rancher/external-service"

SERVICE = "service"
BALANCER = "loadBalancerService"
EXTERNAL = "externalService"
DNS = "dnsService"

LABEL_GLOBAL = "io.rancher.scheduler.global"
LABEL_HASH = "io.rancher.service.hash"
LABEL_SCHEDULER = "io.rancher.scheduler"
LABEL_SELECTOR_CONTAINER = "io.rancher.service.selector.container"
LABEL_SELECTOR_LINK = "io.rancher.service.selector.link"
LABEL_SIDEKICKS = "io.rancher.sidekicks"
LABEL_TARGET = "io.rancher.loadbalancer.target."


@dataclass(frozen=True)
class Link:
    """service: `name`, or `stack/name` for another stack. ports: the port rules of a load balancer."""

    service: str
    alias: str
    ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServicePlan:
    """One service to create.

    kind: service, loadBalancerService, externalService or dnsService. default_certificate, certificates:
    names for `defaultCertificateId` and `certificateIds`.
    """

    name: str
    kind: str
    body: dict[str, Any]
    links: tuple[Link, ...] = ()
    default_certificate: str | None = None
    certificates: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackPlan:
    """A stack to create.

    services: in creation order, consumed before consumer; in a cycle, as in the file. external_id:
    `.catalog.uuid`. warnings: sentences for the user about what was accepted without effect.
    """

    services: tuple[ServicePlan, ...]
    external_id: str | None = None
    warnings: tuple[str, ...] = ()
