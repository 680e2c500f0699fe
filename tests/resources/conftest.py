from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.databases import OpenStore, migrated_sqlite, open_store  # noqa: F401  (fixtures)
from tests.engine.bench import Bench
from tests.serving import admin, api, installation, later, open_api, plain_logs, settle  # noqa: F401  (fixtures)


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> str:  # noqa: F811
    """A SQLite file: what is tested here does not see the database."""
    shutil.copy(migrated_sqlite, tmp_path / "test.db")
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
def bench(open_store: OpenStore) -> Bench:  # noqa: F811
    return Bench(open_store)
