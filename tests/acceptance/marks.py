"""The mark of a sentence that is not true yet, and which issue is to make it true.

The mark is strict: once the sentence holds, its test fails until the mark is taken away. It only covers refusals of the
API and expectations that are not met: a mistake in the test itself fails.
"""

from __future__ import annotations

import gdapi
import pytest

ISSUES = {
    2: "a stack from a compose file",
    3: "the whole v1 API",
    4: "accounts, environments, members, keys, login, registries, certificates, settings",
    5: "hosts and containers complete",
    6: "stacks and services complete",
    7: "the network",
    8: "durable and large",
    9: "the web UI",
    10: "machines, clusters and the rest of the index",
}


def not_yet_true(issue: int, missing: str) -> pytest.MarkDecorator:
    """Mark a test whose sentence the issue of this number turns true. missing: what is not there, in a few words."""
    return pytest.mark.xfail(
        strict=True,
        raises=(AssertionError, gdapi.ApiError),
        reason=f"not yet true until issue {issue} ({ISSUES[issue]}): {missing}",
    )
