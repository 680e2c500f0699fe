"""Services without containers of their own: other names for services, and what is outside of the platform."""

from __future__ import annotations

from trailboss.declare import MANY, embedded, listing, text
from trailboss.resources.service import Service

_NEEDS_CONTAINERS = (
    "create_index", "public_endpoints", "scale", "secondary_launch_configs", "selector_container", "service_schemas",
    "vip",
)  # fmt: skip


class DnsService(Service):
    """A further name for the services that it is linked to."""

    type = "dnsService"
    roles = MANY
    hidden = _NEEDS_CONTAINERS
    served = False


class ExternalService(Service):
    """Something outside, known inside by a name: addresses, or a host name."""

    type = "externalService"
    roles = MANY
    hidden = _NEEDS_CONTAINERS
    served = False

    external_ip_addresses = listing("string", create=True, update=True)
    health_check = embedded("instanceHealthCheck", create=True)
    hostname = text(create=True, update=True)
