"""What all tests share: coroutines run on asyncio, as everything here does."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
