"""Inputs of the actions of load balancers and their configurations: one thing to add or remove, or all of them."""

from __future__ import annotations

from trailboss.declare import ONCE, Resource, embedded, listing, ref


class Input(Resource):
    """What all of them share: members send them."""

    roles = ONCE
    listable = False


class AddRemoveLoadBalancerHostInput(Input):
    """A host to add or remove."""

    type = "addRemoveLoadBalancerHostInput"

    host_id = ref("host", create=True, required=True, nullable=False)


class SetLoadBalancerHostsInput(Input):
    """All hosts."""

    type = "setLoadBalancerHostsInput"

    host_ids = listing("reference[host]", create=True)


class AddRemoveLoadBalancerTargetInput(Input):
    """A target to add or remove."""

    type = "addRemoveLoadBalancerTargetInput"

    load_balancer_target = embedded("loadBalancerTarget", create=True, required=True, nullable=False)


class SetLoadBalancerTargetsInput(Input):
    """All targets."""

    type = "setLoadBalancerTargetsInput"

    load_balancer_targets = listing("loadBalancerTarget", create=True)


class AddRemoveLoadBalancerListenerInput(Input):
    """A listener to add or remove."""

    type = "addRemoveLoadBalancerListenerInput"

    load_balancer_listener_id = ref("loadBalancerListener", create=True, required=True, nullable=False)


class SetLoadBalancerListenersInput(Input):
    """All listeners."""

    type = "setLoadBalancerListenersInput"

    load_balancer_listener_ids = listing("reference[loadBalancerListener]", create=True)
