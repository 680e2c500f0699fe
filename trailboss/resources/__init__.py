"""Every resource type, in reading order: the table of contents.

A type is declared in the module (or folder) of its name: fields, rules, links, states, actions. What its actions
write is beside it in `actions.py`, what follows from that in `reconcile.py`. The language is `trailboss/declare.py`.
Types whose effect is not built yet say `served = False`; what that means: `unserved.py`.
"""

from trailboss.declare import registry as _registry

# what is embedded in others, and the inputs and answers of actions
from trailboss.resources import values, streams, documentation  # isort: skip

# people and what they may do
from trailboss.resources import account, project_member, credential, password  # isort: skip
from trailboss.resources import login_token, token, identity, auth_configs, user_preference, setting, audit_log  # isort: skip

# hosts
from trailboss.resources import agent, register, host, cluster, physical_host, machine  # isort: skip

# what containers are made from, and containers
from trailboss.resources import storage_pool, registry, image, pull_task, volume, snapshot  # isort: skip
from trailboss.resources import networks, port, instance, instance_link, label, windows, health  # isort: skip

# services and stacks
from trailboss.resources import service_maps, service, service_kinds, environment  # isort: skip
from trailboss.resources import certificate, load_balancer  # isort: skip

# what happened, and what the server does
from trailboss.resources import event, external_handler, task, processes, legacy, dynamic_schema  # isort: skip

from trailboss.resources import unserved  # isort: skip

unserved.attach(_registry.values())

__all__ = [
    "account",
    "agent",
    "audit_log",
    "auth_configs",
    "certificate",
    "cluster",
    "credential",
    "documentation",
    "dynamic_schema",
    "environment",
    "event",
    "external_handler",
    "health",
    "host",
    "identity",
    "image",
    "instance",
    "instance_link",
    "label",
    "legacy",
    "load_balancer",
    "login_token",
    "machine",
    "networks",
    "password",
    "physical_host",
    "port",
    "processes",
    "project_member",
    "pull_task",
    "register",
    "registry",
    "service",
    "service_kinds",
    "service_maps",
    "setting",
    "snapshot",
    "storage_pool",
    "streams",
    "task",
    "token",
    "unserved",
    "user_preference",
    "values",
    "volume",
    "windows",
]
