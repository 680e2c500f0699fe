"""Labels as rows, so that hosts and containers can be found by them."""

from __future__ import annotations

from trailboss.declare import recorded, text
from trailboss.resources.entity import Entity


class Label(Entity):
    """A key and a value."""

    type = "label"
    served = False
    machine = recorded("label")
    links = ("hosts", "instances")

    key = text(column=True, max_length=1024)
    value = text(column=True, max_length=4096)
