"""Accounts, and environments, which are accounts of kind `project` in the same table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from trailboss.declare import ADMINS, Action, flag, generic, listing, text
from trailboss.resources.entity import Entity


class Account(Entity):
    """Whom everything belongs to: a person, an environment, an agent, the platform itself."""

    type = "account"
    roles = {"project": "r", "user": "r", "readonly": "r", "admin": "crud", "service": "crud"}
    hidden: ClassVar[Sequence[str]] = ("account_id",)
    machine = generic("account")
    links: ClassVar[Sequence[str]] = (
        "certificates", "containerEvents", "credentials", "environments", "externalEvents", "globalLoadBalancers",
        "hosts", "images", "instanceLinks", "instances", "ipAddresses", "labels", "loadBalancerConfigListenerMaps",
        "loadBalancerConfigs", "loadBalancerHostMaps", "loadBalancerListeners", "loadBalancerTargets",
        "loadBalancers", "mounts", "networks", "physicalHosts", "ports", "projectMembers", "serviceConsumeMaps",
        "serviceEvents", "serviceExposeMaps", "services", "snapshots", "storagePools", "volumes",
    )  # fmt: skip

    kind = text(column=True, create=ADMINS, update=ADMINS, default="user")
    uuid = text(column=True, max_length=128, create=ADMINS)
    external_id = text(column=True, create=True, update=True, read=ADMINS)
    external_id_type = text(column=True, create=True, update=True, read=ADMINS, max_length=128)


class Project(Account):
    """An environment: hosts, stacks and people of one team."""

    type = "project"
    scope = True
    roles = {"project": "r", "user": "crud", "readonly": "r", "admin": "crud", "service": "r"}
    hidden = ("account_id", "external_id", "external_id_type")
    capability = "owner"
    actions: ClassVar[Sequence[Action]] = (
        Action("delete", capability="owner"),
        Action("setmembers", "setProjectMembersInput", "setProjectMembersInput", capability="owner"),
    )
    extra_links = ("hostStats",)

    kind = text(column=True, default="user")
    members = listing("projectMember", create=True)
    swarm = flag(create=True, update=True)
    kubernetes = flag(create=True, update=True)
