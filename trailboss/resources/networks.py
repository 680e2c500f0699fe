"""Networks and the addresses in them, as clients see them. How an address is chosen: `network.py`."""

from __future__ import annotations

from trailboss.declare import ONCE, Action, Link, Resource, generic, ref, text
from trailboss.resources.entity import Entity


class Network(Entity):
    """A way in which containers reach one another; each environment has one of each kind."""

    type = "network"
    served = False
    machine = generic("network")
    links = ("ipAddresses",)


class IpAddress(Entity):
    """An address of a host or of a container."""

    type = "ipAddress"
    served = False
    machine = generic(
        "ipaddress",
        more="""
        associate:    active                 -> associating    -> associated
        disassociate: associating associated -> disassociating -> active
        """,
    )
    links = (
        "hosts",
        Link("privatePorts", "port", foreign="private_ip_address_id"),
        Link("publicPorts", "port", foreign="public_ip_address_id"),
    )
    actions = (
        Action("associate", "ipAddressAssociateInput", "ipPool", capability="associate"),
        Action("disassociate", capability="associate"),
    )

    address = text(column=True)
    network_id = ref("network", column=True)


class IpAddressAssociateInput(Resource):
    """The address that a pooled one is to stand for."""

    type = "ipAddressAssociateInput"
    roles = ONCE
    listable = False

    ip_address_id = ref("ipAddress", create=True, nullable=False)
