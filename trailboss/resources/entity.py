"""What every stored resource has: the common fields, declared once."""

from __future__ import annotations

from trailboss.declare import ADMINS, Field, Resource, date, mapping, number, ref, text


class Entity(Resource):
    """A stored resource with a state of its own."""

    stored = True

    id = number(column=True, part="observed")
    account_id = ref("account", column=True)
    kind = text(column=True)
    uuid = text(column=True, max_length=128)
    name = text(create=True, update=True, column=True)
    description = text(create=True, update=True, column=True, max_length=1024)
    state: Field[str] = Field("enum", column=True, nullable=False, max_length=128, part="observed")
    created = date(column=True)
    removed = date(column=True, part="observed")
    remove_time = date(column=True, read=ADMINS, part="observed")
    data = mapping("json", read=ADMINS, max_length=16777215)
    transitioning: Field[str] = Field("enum", nullable=False, options=("yes", "no", "error"), computed=True)
    transitioning_message = text(computed=True)
    transitioning_progress = number(computed=True)

    @property
    def message(self) -> str | None:
        """Why a transition has not ended, or how the last one failed."""
        text_: str | None = self.values.get("message")
        return text_
