"""Rows that say what belongs to a load balancer: made and removed by its actions, never by hand."""

from __future__ import annotations

from trailboss.declare import Machine, listing, machine, ref, text
from trailboss.resources.entity import Entity


def there_or_not(prefix: str) -> Machine:
    """The machine of what is in force from its creation until it is removed."""
    return machine(
        prefix,
        """
        create: requested         -> activating -> active
        remove: active activating -> removing   -> removed
        """,
    )


class LoadBalancerConfigListenerMap(Entity):
    """A listener of a configuration."""

    type = "loadBalancerConfigListenerMap"
    served = False
    machine = there_or_not("loadbalancerconfiglistenermap")

    load_balancer_config_id = ref("loadBalancerConfig", column=True)
    load_balancer_listener_id = ref("loadBalancerListener", column=True)


class LoadBalancerHostMap(Entity):
    """A host that a load balancer runs on. Its state is a text, and clients start nothing on it."""

    type = "loadBalancerHostMap"
    hidden = ("transitioning", "transitioning_message", "transitioning_progress")
    served = False
    machine = machine(
        "loadbalancerhostmap",
        """
        (create): requested         -> activating -> active
        (remove): active activating -> removing   -> removed
        """,
    )

    host_id = ref("host", column=True)
    load_balancer_id = ref("loadBalancer", column=True)
    state = text(column=True, max_length=128, part="observed")


class LoadBalancerTarget(Entity):
    """A container, or an address, behind a load balancer. ports: rules such as `example.com:80/path=8080`."""

    type = "loadBalancerTarget"
    served = False
    machine = machine(
        "loadbalancertarget",
        """
        create: requested                         -> activating      -> active
        update: active activating                 -> updating-active -> active
        remove: active activating updating-active -> removing        -> removed
        """,
    )

    instance_id = ref("instance", create=True, column=True)
    ip_address = text(create=True, column=True)
    load_balancer_id = ref("loadBalancer", column=True)
    ports = listing("string", create=True, required=True)
