"""The scheduler: pure functions of (snapshot, request) that return decisions and the reasons for them.

`place` and `place_all` choose hosts, `check` looks at a decision again when it is committed,
`hosts_for_global` names the hosts of a global service. Read on in `model.py`. The caller loads the snapshot
and stores the decision; the same functions serve the live system, plan, why, what-if and the property tests.
"""

from trailboss.scheduler.cluster import Cluster
from trailboss.scheduler.filters import hosts_for_global, reads_containers
from trailboss.scheduler.model import (
    ContainerView,
    HostView,
    Kind,
    Peer,
    Placed,
    Port,
    Refusal,
    Request,
    VolumeBinding,
    Waiting,
)
from trailboss.scheduler.place import check, place, place_all

__all__ = [
    "Cluster",
    "ContainerView",
    "HostView",
    "Kind",
    "Peer",
    "Placed",
    "Port",
    "Refusal",
    "Request",
    "VolumeBinding",
    "Waiting",
    "check",
    "hosts_for_global",
    "place",
    "place_all",
    "reads_containers",
]
