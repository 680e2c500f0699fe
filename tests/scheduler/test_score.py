from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailboss.scheduler.score import Ranking, ranked

rooms = st.dictionaries(st.integers(1, 9), st.one_of(st.none(), st.integers(-1, 3)))


def a_ranking(free: dict[int, int | None]) -> Ranking:
    ranking = Ranking()
    for host_id, room in free.items():
        ranking.add(host_id, room)
    return ranking


@pytest.mark.parametrize(("spread", "expected"), [(True, [2, 3, 1, 5]), (False, [5, 1, 2, 3])])
def test_a_walk_passes_only_hosts_with_enough_room_in_order(spread: bool, expected: list[int]) -> None:
    ranking = a_ranking({1: 5, 2: 9, 3: 9, 4: 1, 5: None})
    assert list(ranking.walk(2, spread=spread)) == expected


@given(rooms, st.booleans(), st.integers(-1, 3))
def test_walking_and_sorting_agree(free: dict[int, int | None], spread: bool, compute: int) -> None:
    enough = {host_id: room for host_id, room in free.items() if room is None or room >= compute}
    assert list(a_ranking(free).walk(compute, spread=spread)) == ranked(enough.items(), spread=spread)


@given(rooms, st.data())
def test_a_host_that_was_taken_out_is_not_passed(free: dict[int, int | None], data: st.DataObject) -> None:
    ranking = a_ranking(free)
    gone = data.draw(st.sets(st.sampled_from(sorted(free)))) if free else set()
    for host_id in gone:
        ranking.discard(host_id, free[host_id])
    assert set(ranking.walk(-1, spread=True)) == free.keys() - gone
