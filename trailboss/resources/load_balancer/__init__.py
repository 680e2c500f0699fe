"""Load balancers that stand alone: a balancer runs on hosts, uses one configuration, and sends to targets.

A configuration is a set of listeners with policies (`policies.py`); balancers may share it. Which listener, host and
target belongs to what is said by rows (`maps.py`) that actions make from their inputs (`inputs.py`). Groups of
balancers: `global_load_balancer.py`; the one that is a service: `service.py`.
"""

from __future__ import annotations

from trailboss.declare import MANY, Action, Link, embedded, listing, machine, number, ref, text
from trailboss.resources.entity import Entity
from trailboss.resources.load_balancer import global_load_balancer, inputs, maps, policies, service

__all__ = ["global_load_balancer", "inputs", "maps", "policies", "service"]

PROTOCOLS = ("tcp", "http", "ssl", "https")


class LoadBalancer(Entity):
    """One that takes requests on its hosts and spreads them over its targets."""

    type = "loadBalancer"
    roles = {"project": "crud", "user": "cru", "readonly": "r", "admin": "cru", "service": "crud"}
    served = False
    machine = machine(
        "loadbalancer",
        """
        create:     requested                                               -> activating      -> active
        activate:   inactive                                                -> activating      -> active
        update:     active                                                  -> updating-active -> active
        deactivate: active activating updating-active                       -> deactivating    -> inactive
        remove:     active activating updating-active inactive deactivating -> removing        -> removed
        """,
    )
    links = (
        Link("hosts", "host", through=("loadBalancerHostMap", "load_balancer_id", "host_id")),
        "loadBalancerHostMaps",
        "loadBalancerTargets",
    )
    actions = (
        Action("addhost", "addRemoveLoadBalancerHostInput", "loadBalancer"),
        Action("removehost", "addRemoveLoadBalancerHostInput", "loadBalancer"),
        Action("sethosts", "setLoadBalancerHostsInput", "loadBalancer"),
        Action("addtarget", "addRemoveLoadBalancerTargetInput", "loadBalancer"),
        Action("removetarget", "addRemoveLoadBalancerTargetInput", "loadBalancer"),
        Action("settargets", "setLoadBalancerTargetsInput", "loadBalancer"),
    )

    certificate_ids = listing("reference[certificate]", create=True, update=True)
    default_certificate_id = ref("certificate", create=True, update=True)
    global_load_balancer_id = ref("globalLoadBalancer", column=True)
    load_balancer_config_id = ref("loadBalancerConfig", create=True, required=True, nullable=False, column=True)
    service_id = ref("service", column=True)
    weight = number(column=True)


class LoadBalancerConfig(Entity):
    """Listeners that belong together, and how requests are kept at a target."""

    type = "loadBalancerConfig"
    roles = MANY
    served = False
    machine = machine(
        "loadbalancerconfig",
        """
        create: requested                         -> activating      -> active
        update: active                            -> updating-active -> active
        remove: active activating updating-active -> removing        -> removed
        """,
    )
    links = (
        "loadBalancerConfigListenerMaps",
        Link(
            "loadBalancerListeners",
            "loadBalancerListener",
            through=("loadBalancerConfigListenerMap", "load_balancer_config_id", "load_balancer_listener_id"),
        ),
        "loadBalancers",
    )
    actions = (
        Action("addlistener", "addRemoveLoadBalancerListenerInput", "loadBalancerConfig"),
        Action("removelistener", "addRemoveLoadBalancerListenerInput", "loadBalancerConfig"),
        Action("setlisteners", "setLoadBalancerListenersInput", "loadBalancerConfig"),
    )

    app_cookie_stickiness_policy = embedded("loadBalancerAppCookieStickinessPolicy", create=True, update=True)
    health_check = embedded("loadBalancerHealthCheck", create=True, update=True)
    lb_cookie_stickiness_policy = embedded("loadBalancerCookieStickinessPolicy", create=True, update=True)
    service_id = ref("service", column=True)


class LoadBalancerListener(Entity):
    """One port to listen on. source_port: on the host; without it only the private port inside the network is."""

    type = "loadBalancerListener"
    roles = MANY
    served = False
    machine = maps.there_or_not("loadbalancerlistener")
    links = (
        "loadBalancerConfigListenerMaps",
        Link(
            "loadBalancerConfigs",
            "loadBalancerConfig",
            through=("loadBalancerConfigListenerMap", "load_balancer_listener_id", "load_balancer_config_id"),
        ),
    )

    algorithm = text(create=True, default="roundrobin", options=("roundrobin", "leastconn", "source"))
    private_port = number(create=True, column=True, min=1, max=65535)
    service_id = ref("service", column=True)
    source_port = number(create=True, column=True, min=1, max=65535)
    source_protocol = text(
        create=True, required=True, nullable=False, column=True, options=PROTOCOLS, filter_as="string"
    )
    target_port = number(column=True, min=1, max=65535)
    target_protocol = text(column=True, options=PROTOCOLS, filter_as="string")
