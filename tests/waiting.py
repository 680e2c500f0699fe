"""Waiting in tests: for a condition, with a deadline, never for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


def eventually(condition: Callable[[], T], within: float = 20.0, what: str = "") -> T:
    """Return the first true value of a condition. Fails after `within` seconds, saying what was waited for."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or condition}; it was {value!r}")
        time.sleep(0.02)


@overload
async def eventually_async(condition: Callable[[], Awaitable[T]], within: float = ..., what: str = ...) -> T: ...


@overload
async def eventually_async(condition: Callable[[], T], within: float = ..., what: str = ...) -> T: ...


async def eventually_async(condition: Callable[[], Any], within: float = 20.0, what: str = "") -> Any:
    """Do the same in an event loop; the condition may be a coroutine function."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or condition}; it was {value!r}")
        await asyncio.sleep(0.02)
