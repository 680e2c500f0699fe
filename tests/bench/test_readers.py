from __future__ import annotations

import pytest

from bench.readers import _missed


@pytest.mark.parametrize(
    ("seen", "stored", "missed"),
    [
        ([1, 2, 3], 3, 0),
        ([1, 3], 3, 1),
        ([1, 2], 3, 1),
        ([1, 2, 2, 3], 3, 1),
        ([2, 1, 3], 3, 1),
    ],
)
def test_each_entry_counts_that_was_not_seen_exactly_once_and_in_order(
    seen: list[int], stored: int, missed: int
) -> None:
    assert _missed(seen, stored) == missed
