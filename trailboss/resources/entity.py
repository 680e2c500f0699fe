"""What every stored resource has: the common fields, declared once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trailboss.declare import ADMINS, OPERATOR, Field, Resource, date, mapping, number, ref, text
from trailboss.resources.setting import number_of, value_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Read


class Entity(Resource):
    """A stored resource with a state of its own."""

    stored = True

    id = number(column=True, part="observed")
    account_id = ref("account", column=True)
    """Whose it is: an environment, or a person."""
    kind = text(column=True)
    """The type, by its name in the API."""
    uuid = text(column=True, max_length=128)
    """An id that stays the same in copies and backups."""
    name = text(create=True, update=True, column=True)
    """What people call it."""
    description = text(create=True, update=True, column=True, max_length=1024)
    """What people want to know about it."""
    state: Field[str] = Field("enum", column=True, nullable=False, max_length=128, part="observed")
    """Where it is in its life; what is possible now is in `actions`."""
    created = date(column=True)
    """When it was made."""
    removed = date(column=True, part="observed")
    """When it was removed; it can be read for a while afterwards."""
    remove_time = date(column=True, read=ADMINS, update=OPERATOR, part="observed")
    """When it may be purged, once it is removed."""
    data = mapping("json", read=ADMINS, create=OPERATOR, update=OPERATOR, max_length=16777215)
    transitioning: Field[str] = Field("enum", nullable=False, options=("yes", "no", "error"), computed=True)
    """`yes` while something is on its way, `error` if that has failed."""
    transitioning_message = text(computed=True)
    """What is being waited for, or why something has failed."""
    transitioning_progress = number(computed=True)
    """How far it is, in percent."""

    @classmethod
    def remove_delay_s(cls, read: Read) -> int:
        """Return the time between `removed` and `purged`: the setting of the type, else that of all (10-hosts 1.3)."""
        own = value_of(read, f"object.{cls.type.lower()}.remove.time.delay.seconds")
        return int(own) if own.isascii() and own.isdigit() else number_of(read, "object.remove.time.delay.seconds")

    @property
    def message(self) -> str | None:
        """Why a transition has not ended, or how the last one failed."""
        text_: str | None = self.values.get("message")
        return text_
