"""What all tests share: coroutines run on asyncio, as everything here does; passwords are hashed cheaply."""

from __future__ import annotations

from collections.abc import Iterator

import argon2
import pytest

from trailboss.login import passwords


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash as the server does, but without the work that is there to slow down who guesses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield
