"""The load balancer that is a service: scaled and linked like others, its targets are the services it links to."""

from __future__ import annotations

from trailboss.declare import ANYONE, MANY, Action, Resource, embedded, listing, ref
from trailboss.resources.service import Service
from trailboss.resources.values import ServiceLink


class LoadBalancerService(Service):
    """Containers that spread requests over the services they are linked to."""

    type = "loadBalancerService"
    roles = MANY
    hidden = ("create_index", "secondary_launch_configs", "selector_container", "service_schemas")
    served = False
    actions = (
        Action("upgrade", "serviceUpgrade"),
        Action("addservicelink", "addRemoveLoadBalancerServiceLinkInput", "service"),
        Action("removeservicelink", "addRemoveLoadBalancerServiceLinkInput", "service"),
        Action("setservicelinks", "setLoadBalancerServiceLinksInput", "service"),
    )

    certificate_ids = listing("reference[certificate]", create=True, update=True)
    default_certificate_id = ref("certificate", create=True, update=True)
    load_balancer_config = embedded("loadBalancerConfig", create=True)


class LoadBalancerServiceLink(ServiceLink):
    """A service that requests go to. ports: which requests, as in a target's rules."""

    type = "loadBalancerServiceLink"
    roles = ANYONE
    hidden = ("name",)

    ports = listing("string", create=True)


class AddRemoveLoadBalancerServiceLinkInput(Resource):
    """One service to link, or to link no longer."""

    type = "addRemoveLoadBalancerServiceLinkInput"
    listable = False

    service_link = embedded("loadBalancerServiceLink", create=True, required=True, nullable=False)


class SetLoadBalancerServiceLinksInput(Resource):
    """All services to link."""

    type = "setLoadBalancerServiceLinksInput"
    listable = False

    service_links = listing("loadBalancerServiceLink", create=True)
