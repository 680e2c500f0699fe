"""Alembic's entry: runs the migrations on the connection that `upgrade` hands over."""

from __future__ import annotations

from alembic import context

from trailboss.store.sorting import is_compared
from trailboss.store.tables import complete

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=complete(), render_as_batch=True, include_object=is_compared)
with context.begin_transaction():
    context.run_migrations()
