"""The type `typeDocumentation`. The web UI's part of the sentence is looked at here once there is a web UI."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World
from tests.contract.check import SEED
from tests.ui.conftest import ARGUMENTS, BROWSERS

pytestmark = pytest.mark.docker


@not_yet_true(10, "not every type and writable field is described, and there is no web UI")
def test_every_type_is_described_where_people_meet_it(it: World) -> None:
    """each seed type has a description that the API browser and the UI show"""
    listed = {d.id: d for d in it.client.list_typeDocumentation(limit=1000)}
    assert sorted(name for name in SEED if not (name in listed and listed[name].description)) == []
    for name in SEED:
        fields = it.client.schema.types[name].resourceFields
        writable = {field for field, rules in vars(fields).items() if rules.create or rules.update}
        described = {field for field, text in vars(listed[name].resourceFields).items() if text.description}
        assert writable - described == set(), name

    keys = it.installation.environment
    person = {"username": keys["RANCHER_ACCESS_KEY"], "password": keys["RANCHER_SECRET_KEY"]}
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(http_credentials=person)
        for name in SEED:
            if hasattr(it.client.schema.types[name].links, "collection"):
                page.goto(it.client.schema.types[name].links.collection)
                expect(page.get_by_text(listed[name].description).first).to_be_attached()
        browser.close()
