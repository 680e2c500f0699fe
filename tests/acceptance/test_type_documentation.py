"""The type `typeDocumentation`."""

from __future__ import annotations

import httpx2
import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World
from tests.contract.check import SEED

pytestmark = pytest.mark.docker


@not_yet_true(10, "types have no descriptions that the API tells")
def test_every_type_is_described_where_people_meet_it(it: World) -> None:
    """each seed type has a description that the API browser and the UI show"""
    listed = {d.id: d for d in it.client.list_typeDocumentation(limit=1000)}
    assert sorted(name for name in SEED if not (name in listed and listed[name].description)) == []
    for name in SEED:
        fields = it.client.schema.types[name].resourceFields
        writable = {f for f, rules in vars(fields).items() if rules.create or rules.update}
        described = {f for f, text in vars(listed[name].resourceFields).items() if text.description}
        assert writable - described == set(), name

    auth = (it.installation.environment["RANCHER_ACCESS_KEY"], it.installation.environment["RANCHER_SECRET_KEY"])
    for name in ("service", "volume"):
        url = it.client.schema.types[name].links.collection
        page = httpx2.get(url, auth=auth, headers={"Accept": "text/html", "User-Agent": "Mozilla/5.0"}).text
        assert listed[name].description in page, "the API browser shows it"
    assert httpx2.get(it.url, headers={"Accept": "text/html", "User-Agent": "Mozilla/5.0"}).status_code == 200
