"""Every resource type, in reading order: the table of contents.

A type is declared in the module (or folder) of its name: fields, rules, links, states, actions. What its actions
write is beside it in `actions.py`, what follows from that in `reconcile.py`. The language is `trailboss/declare.py`.
"""

from trailboss.resources import values  # isort: skip
from trailboss.resources import account, project_member, credential, setting  # isort: skip
from trailboss.resources import agent, register, host  # isort: skip
from trailboss.resources import image, port, instance  # isort: skip
from trailboss.resources import service_maps, service, environment  # isort: skip

__all__ = [
    "account",
    "agent",
    "credential",
    "environment",
    "host",
    "image",
    "instance",
    "port",
    "project_member",
    "register",
    "service",
    "service_maps",
    "setting",
    "values",
]
