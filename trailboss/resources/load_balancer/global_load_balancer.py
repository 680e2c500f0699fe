"""Groups of load balancers: one name that leads to the hosts of its members, by their weights."""

from __future__ import annotations

from trailboss.declare import MANY, Action, listing, machine, number, ref, text
from trailboss.resources.entity import Entity
from trailboss.resources.load_balancer.inputs import Input


class GlobalLoadBalancer(Entity):
    """A weighted group of load balancers."""

    type = "globalLoadBalancer"
    roles = MANY
    served = False
    machine = machine(
        "globalloadbalancer",
        """
        create:             requested                         -> activating      -> active
        addloadbalancer:    active                            -> updating-active -> active
        removeloadbalancer: active                            -> updating-active -> active
        remove:             active activating updating-active -> removing        -> removed
        """,
    )
    links = ("loadBalancers",)
    actions = (
        Action("addloadbalancer", "addLoadBalancerInput"),
        Action("removeloadbalancer", "removeLoadBalancerInput"),
    )

    global_load_balancer_health_check = listing("globalLoadBalancerHealthCheck", create=True)
    global_load_balancer_policy = listing("globalLoadBalancerPolicy", create=True)


class GlobalLoadBalancerHealthCheck(Input):
    """A health check of a group, by name. Kept without effect."""

    type = "globalLoadBalancerHealthCheck"

    name = text(create=True, update=True, nullable=False)


class GlobalLoadBalancerPolicy(Input):
    """A policy of a group, by name."""

    type = "globalLoadBalancerPolicy"
    plural = "globalLoadBalancerPolicys"

    name = text(create=True, update=True, nullable=False)


class AddLoadBalancerInput(Input):
    """A load balancer that joins a group, and its weight in it."""

    type = "addLoadBalancerInput"

    load_balancer_id = ref("loadBalancer", create=True, required=True, nullable=False)
    weight = number(create=True, required=True, nullable=False)


class RemoveLoadBalancerInput(Input):
    """A load balancer that leaves a group."""

    type = "removeLoadBalancerInput"

    load_balancer_id = ref("loadBalancer", create=True, required=True, nullable=False)
