"""Pull tasks: images fetched to hosts before a container needs them."""

from __future__ import annotations

from trailboss.declare import ONCE, mapping, text
from trailboss.resources.register import GenericObject


class PullTask(GenericObject):
    """An image to be pulled on all hosts with certain labels. status: how far each host is, by its name."""

    type = "pullTask"
    roles = ONCE
    hidden = ("key",)
    served = False

    image = text(create=True, required=True, nullable=False)
    labels = mapping("string", create=True, nullable=False)
    mode = text(create=True, required=True, nullable=False, default="all", options=("all", "cached"))
    status = mapping("string", nullable=False)
