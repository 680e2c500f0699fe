"""Passwords that are kept here, as Argon2id hashes (RFC 9106). Slow on purpose: never in a transaction or the loop."""

from __future__ import annotations

import threading
from functools import cache

import argon2

AT_ONCE = 2
"""Each hash takes 64 MiB for its time; more of them at once would not be done sooner."""

_hasher = argon2.PasswordHasher()
_turn = threading.BoundedSemaphore(AT_ONCE)


def hashed(password: str) -> str:
    """Return what is stored of a password."""
    with _turn:
        return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Compare a password with what is stored; without anything stored it takes as long, and is wrong."""
    with _turn:
        try:
            return _hasher.verify(stored or _of_nobody(), password) and stored is not None
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


@cache
def _of_nobody() -> str:
    return _hasher.hash("")
