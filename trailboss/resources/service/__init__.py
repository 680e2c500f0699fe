"""Services: numbered sets of equal containers that the platform keeps at their scale.

What requests write is in `actions.py`; what follows from it, in `reconcile.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from trailboss.declare import (
    MANY,
    Action,
    Behaviour,
    Link,
    embedded,
    flag,
    listing,
    machine,
    mapping,
    number,
    ref,
    text,
)  # fmt: skip
from trailboss.resources.entity import Entity
from trailboss.resources.instance import Container

ACTIVE = (
    "activating", "active", "updating-active", "upgrading", "upgraded", "rolling-back", "canceling-upgrade",
    "canceled-upgrade", "canceling-rollback", "canceled-rollback", "finishing-upgrade",
)  # fmt: skip


class LaunchConfig(Container):
    """What each container of a service is made from."""

    type = "launchConfig"
    roles = {"project": "cru", "user": "cru", "readonly": "r", "admin": "cru", "service": "cru"}
    listable = False
    stored = False
    hidden: ClassVar[Sequence[str]] = ("name", "restart_policy", "exit_code", "quick_exits")

    data_volumes_from_launch_configs = listing("string", create=True)
    network_launch_config = text(create=True)


class SecondaryLaunchConfig(LaunchConfig):
    """A sidekick: a further container in each unit of a service."""

    type = "secondaryLaunchConfig"
    roles = {"project": "cru", "user": "cr", "readonly": "r", "admin": "cr", "service": "cru"}
    hidden = ("restart_policy", "exit_code", "quick_exits")

    name = text(create=True, required=True, nullable=False, column=True)


class Service(Entity):
    """Containers of one kind, kept at a scale, known by one name."""

    type = "service"
    roles = MANY
    machine = machine(
        "service",
        """
        create:         requested                                                   -> registering        -> inactive
        activate:       inactive                                                    -> activating         -> active
        update:         inactive                                                    -> updating-inactive  -> inactive
        update:         active updating-active                                      -> updating-active    -> active
        deactivate:     active activating updating-active updating-inactive         -> deactivating       -> inactive
        upgrade:        active                                                      -> upgrading          -> upgraded
        cancelupgrade:  upgrading                                                   -> canceling-upgrade  -> canceled-upgrade
        rollback:       upgraded canceled-upgrade                                   -> rolling-back       -> active
        cancelrollback: rolling-back                                                -> canceling-rollback -> canceled-rollback
        finishupgrade:  upgraded canceled-upgrade canceled-rollback                 -> finishing-upgrade  -> active
        remove: requested registering inactive activating active updating-active updating-inactive deactivating upgrading upgraded canceling-upgrade canceled-upgrade rolling-back canceling-rollback canceled-rollback finishing-upgrade -> removing -> removed
        """,  # noqa: E501  (one process, one line)
    )
    watched = ("active",)
    links = (
        Link("consumedbyservices", "service", through=("serviceConsumeMap", "consumed_service_id", "service_id")),
        Link("consumedservices", "service", through=("serviceConsumeMap", "service_id", "consumed_service_id")),
        "instances", "loadBalancerConfigs", "loadBalancerListeners", "loadBalancers", "serviceExposeMaps",
    )  # fmt: skip
    actions = (
        Action("upgrade", "serviceUpgrade"),
        Action("addservicelink", "addRemoveServiceLinkInput", "service"),
        Action("removeservicelink", "addRemoveServiceLinkInput", "service"),
        Action("setservicelinks", "setServiceLinksInput", "service"),
    )
    unserved = ("upgrade", "cancelupgrade", "rollback", "cancelrollback", "finishupgrade")

    name = text(
        create=True, update=True, required=True, column=True, min_length=1, max_length=255, valid_chars="a-zA-Z0-9-"
    )
    create_index = number(column=True, part="observed")
    environment_id = ref("environment", column=True, create=True, required=True, nullable=False)
    external_id = text(column=True)
    fqdn = text()
    launch_config = embedded("launchConfig", create=True)
    """What each of its containers is made from."""
    metadata = mapping("json", create=True, update=True)
    """What its containers are told by the metadata service."""
    scale = number(create=True, update=True, nullable=False, default=1)
    """How many containers it is to have."""
    secondary_launch_configs = listing("secondaryLaunchConfig", create=True, nullable=False)
    """Containers that go with each one, on the same host."""
    selector_container = text(create=True, column=True, max_length=4096)
    selector_link = text(create=True, column=True, max_length=4096)
    service_schemas = mapping("schema", create=True)
    upgrade = embedded("serviceUpgrade", nullable=False)
    vip = text(create=True, column=True)
    public_endpoints = listing("publicEndpoint", part="observed")

    purge_at_once = flag(read=())
    run_floor = number(read=(), part="observed")


from trailboss.resources.service import actions, reconcile  # noqa: E402

Service.behaviour = Behaviour(
    prepare=actions.prepare,
    created=actions.created,
    update=actions.update,
    delete=actions.delete,
    actions={
        "addservicelink": actions.add_link,
        "removeservicelink": actions.remove_link,
        "setservicelinks": actions.set_links,
    },
    load=reconcile.load,
    reconcile=reconcile.reconcile,
    settled=actions.settled,
)
