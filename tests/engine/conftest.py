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
from tests.engine.bench import Bench


@pytest.fixture
def bench(open_store: OpenStore) -> Bench:  # noqa: F811
    return Bench(open_store)
