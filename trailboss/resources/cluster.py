"""Clusters: hosts joined behind one Docker endpoint. A cluster is itself a host, of which others are members."""

from __future__ import annotations

from trailboss.declare import ANYONE, MANY, Action, Resource, number, ref, text
from trailboss.resources.host import Host


class Cluster(Host):
    """Several hosts that look like one Docker Engine. port: where it listens."""

    type = "cluster"
    roles = MANY
    served = False
    actions = (
        *Host.actions,
        Action("addhost", "addRemoveClusterHostInput", "cluster"),
        Action("removehost", "addRemoveClusterHostInput", "cluster"),
    )

    discovery_spec = text()
    port = number(create=True, update=True, nullable=False)


class AddRemoveClusterHostInput(Resource):
    """The host that joins or leaves a cluster."""

    type = "addRemoveClusterHostInput"
    roles = ANYONE
    listable = False

    host_id = ref("host", create=True, nullable=False)
