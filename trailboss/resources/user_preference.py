"""User preferences: what the UI remembers for a person. Nothing follows from them."""

from __future__ import annotations

from trailboss.declare import generic, text
from trailboss.resources.entity import Entity


class UserPreference(Entity):
    """A name and a value of one account."""

    type = "userPreference"
    personal = True
    roles = {"user": "crud", "admin": "crud"}
    machine = generic("userpreference", less=("remove",), more="remove: inactive active -> removing -> removed")

    name = text(create=True, update=True, unique=True, column=True)
    value = text(create=True, update=True, column=True, max_length=16777215)
