"""Physical hosts: the machines that hosts are on. Those that are made by a driver: `machine/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from trailboss.declare import machine
from trailboss.resources.entity import Entity


class PhysicalHost(Entity):
    """The machine behind one or more hosts."""

    type = "physicalHost"
    served = False
    machine = machine(
        "physicalhost",
        """
        create:    requested                                                          -> creating      -> created then bootstrap
        bootstrap: created creating                                                   -> bootstrapping -> active
        update:    active                                                             -> updating      -> active
        error:     creating bootstrapping updating                                    -> erroring      -> error
        remove:    active requested bootstrapping creating updating error erroring    -> removing      -> removed
        """,  # noqa: E501  (one process, one line)
    )
    on_failure = "error"
    links: ClassVar[Sequence[str]] = ("hosts",)
