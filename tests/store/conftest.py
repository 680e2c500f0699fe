from __future__ import annotations

import pytest

from tests.databases import (  # noqa: F401  (fixtures)
    OpenStore,
    database_url,
    migrated_postgres,
    migrated_sqlite,
    open_store,
    postgres,
)
from trailboss.store.store import Store


@pytest.fixture
def store(open_store: OpenStore) -> Store:  # noqa: F811
    return open_store()
