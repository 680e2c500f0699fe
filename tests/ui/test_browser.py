"""The API browser as a person uses it: real Chromium, real server, a simulated host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import PROJECT, OpenAs, Person, Server
from tests.waiting import eventually
from trailboss.api import html

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=20_000)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def field(page: Page, name: str) -> Locator:
    """The control of a field in a dialog; its label has the type behind the name."""
    return page.get_by_role("dialog").get_by_label(re.compile(rf"^{re.escape(name)}\b"))


def document(page: Page) -> Locator:
    """The part of a page that shows its JSON."""
    return page.get_by_role("region", name="Document")


def others(page: Page) -> None:
    """Unfold the fields that few people need."""
    page.get_by_role("dialog").get_by_text("more fields").click()


def test_a_person_walks_from_the_root_to_a_container(person: Person, server: Server) -> None:
    made, _ = (server.create("containers", name=name, imageUuid="sim:hello") for name in ("found", "another"))
    page = person.open("/")
    page.get_by_role("link", name='/v1"', exact=False).last.click()
    expect(page).to_have_url(f"{server.url}/v1")
    page.get_by_role("link", name='/v1/projects"').click()
    page.get_by_role("link", name='"1a5"').click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("project")
    page.get_by_role("link", name=f'{PROJECT}/containers"').click()
    expect(page.get_by_role("heading", level=1)).to_have_text("containers")
    page.get_by_role("link", name=made["id"], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("container found")
    expect(page).to_have_url(f"{server.url}{PROJECT}/containers/{made['id']}")
    page.get_by_role("navigation", name="Path").get_by_role("link", name="containers").click()
    expect(page).to_have_url(f"{server.url}{PROJECT}/containers")


def test_a_collection_is_filtered_sorted_and_paged(person: Person, server: Server) -> None:
    for name in ("page-a", "page-b", "page-c", "other"):
        server.create("environments", name=name)
    page = person.open(f"{PROJECT}/environments")
    button(page, "Add filter").click()
    page.get_by_label("Filter 1: field").select_option("name")
    page.get_by_label("Filter 1: comparison").select_option("prefix")
    page.get_by_label("Filter 1: value").fill("page-")
    page.get_by_label("Sort by").select_option("name")
    page.get_by_role("combobox", name="Order").select_option("desc")
    page.get_by_label("Per page").fill("2")
    page.get_by_label("Per page").press("Enter")
    expect(page).to_have_url(re.compile(r"\?name_prefix=page-&sort=name&order=desc&limit=2$"))
    tree = document(page).locator(".json")
    expect(tree).to_contain_text("page-c")
    expect(tree).to_contain_text("page-b")
    expect(tree).not_to_contain_text("page-a")
    expect(page.get_by_label("Filter 1: value")).to_have_value("page-")
    page.get_by_role("link", name="Next page").click()
    expect(tree).to_contain_text("page-a")
    expect(tree).not_to_contain_text("page-b")
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    page.get_by_role("link", name="First page").click()
    expect(tree).to_contain_text("page-c")
    button(page, "Remove filter 1").click()
    page.get_by_label("Per page").fill("")
    button(page, "Apply").click()
    expect(tree).to_contain_text("other")


def test_a_stack_is_made_by_a_form_and_a_refusal_stands_at_its_field(person: Person, server: Server) -> None:
    person.refusals = {422}
    page = person.open(f"{PROJECT}/environments")
    button(page, "Create environment").click()
    button(page, "Create").click()
    name = field(page, "name")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(re.compile("required.*MissingRequired"))
    name.fill("not a name")
    button(page, "Create").click()
    expect(name).to_have_accessible_description(re.compile("InvalidCharacters"))
    expect(page.get_by_role("alert")).to_contain_text("InvalidCharacters")
    name.fill("formed")
    button(page, "Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("environment formed")
    assert [e["name"] for e in server.get("environments?name=formed")["data"]] == ["formed"]


def test_a_container_is_made_run_edited_stopped_and_deleted(person: Person, server: Server) -> None:
    (host,) = server.get("hosts")["data"]
    page = person.open(f"{PROJECT}/containers")
    button(page, "Create container").click()
    field(page, "name").fill("by-hand")
    others(page)
    page.get_by_label("Find a field").fill("imageuuid")
    field(page, "imageUuid").fill("sim:hello")
    page.get_by_label("Find a field").fill("")
    picker = field(page, "requestedHostId")
    picker.focus()
    option = page.locator(f'datalist option[value="{host["id"]}"]')
    expect(option).to_have_text(f"{host['name']}, active")
    picker.fill(host["id"])
    button(page, "Add to labels").click()
    page.get_by_label("labels key 1").fill("tier")
    page.get_by_label("labels value 1").fill("front")
    button(page, "Add to command").click()
    page.get_by_role("textbox", name="command 1").fill("serve")
    button(page, "Create").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("container by-hand")
    expect(page.locator(".state")).to_have_text("running")  # without a reload
    made = server.get("containers?name=by-hand")["data"][0]
    assert (made["labels"], made["command"], made["requestedHostId"]) == ({"tier": "front"}, ["serve"], host["id"])

    button(page, "Edit").click()
    field(page, "description").fill("made in a browser")
    button(page, "Save").click()
    expect(document(page)).to_contain_text('"made in a browser"')
    assert server.get(f"containers/{made['id']}")["description"] == "made in a browser"

    button(page, "stop").click()
    field(page, "timeout").fill("1")
    button(page, "Run stop").click()
    expect(page.locator(".state")).to_have_text("stopped")

    button(page, "Delete").click()
    expect(page.get_by_role("dialog", name=f"Delete container by-hand ({made['id']})?")).to_be_visible()
    button(page, "Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert server.get(f"containers/{made['id']}")["state"] == "stopped"
    button(page, "Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(".state")).to_have_text("removed")


def test_an_action_that_gives_something_else_shows_its_answer(person: Person, server: Server) -> None:
    made = server.create("containers", name="logged", imageUuid="sim:hello")
    eventually(lambda: server.get(f"containers/{made['id']}")["state"] == "running", what="it runs")
    page = person.open(f"{PROJECT}/containers/{made['id']}")
    document(page).get_by_role("button", name="?action=logs").click()
    button(page, "Run logs").click()
    answer = page.get_by_role("dialog", name="The answer")
    expect(answer).to_contain_text("hostAccess")
    expect(answer).to_contain_text("/v1/logs/")
    button(page, "Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_child_is_made_from_the_page_of_its_parent(person: Person, server: Server) -> None:
    stack = server.create("environments", name="parent")
    page = person.open(f"{PROJECT}/environments/{stack['id']}/services")
    page.get_by_text("Create", exact=True).click()
    button(page, "externalService").click()
    expect(field(page, "environmentId")).to_have_value(stack["id"])
    field(page, "name").fill("outside")
    button(page, "Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("externalService outside")
    (made,) = server.get(f"environments/{stack['id']}/services")["data"]
    assert (made["name"], made["type"]) == ("outside", "externalService")


def test_the_keyboard_is_enough(person: Person, server: Server) -> None:
    page = person.open(f"{PROJECT}/environments")
    button(page, "Create environment").focus()
    page.keyboard.press("Enter")
    expect(field(page, "name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button(page, "Create environment")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.type("by-keys")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("environment by-keys")
    fold = document(page).get_by_role("button", name="Fold links")
    fold.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Unfold links")).to_have_attribute("aria-expanded", "false")


def run(text: str, server: Server) -> str:
    """Run what a page gave to copy in a shell, with the keys of the project."""
    script = f'set -euo pipefail; trailboss() {{ "{sys.executable}" -m trailboss "$@"; }}\n{text}'
    keys = server.keys | {"RANCHER_URL": f"{server.url}{PROJECT}"}
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | keys
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


def copied(page: Page, within: Page | Locator, language: str) -> str:
    """Copy a request in a language; return what is in the clipboard."""
    within.get_by_role("radio", name=language).check()
    within.get_by_role("button", name="Copy", exact=True).click()
    expect(within.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


@pytest.mark.parametrize("access_control", ["off", "on"])
def test_what_is_copied_runs(open_as: OpenAs, server: Server, guarded: Server, access_control: str) -> None:
    asked = guarded if access_control == "on" else server
    user, password = (asked.keys[f"RANCHER_{kind}_KEY"] for kind in ("ACCESS", "SECRET"))
    allowed = {"permissions": ["clipboard-read", "clipboard-write"]}
    person = open_as(asked, user, password, **allowed) if asked is guarded else open_as(asked, **allowed)
    asked.create("environments", name="copied")
    page = person.open(f"{PROJECT}/environments?name=copied")
    page.get_by_text("Copy as curl, Python or CLI").click()
    main = page.get_by_role("main")
    curl = copied(page, main, "curl")
    assert ("RANCHER_SECRET_KEY" in curl) == (access_control == "on")
    assert [e["name"] for e in json.loads(run(curl, asked))["data"]] == ["copied"]
    assert [e["name"] for e in json.loads(run(copied(page, main, "CLI"), asked))["data"]] == ["copied"]
    python = copied(page, main, "Python")
    assert "copied" in run(f"{sys.executable} - <<'END'\n{python}\nEND", asked)

    button(page, "Create environment").click()
    field(page, "name").fill("it-was-copied")
    field(page, "description").fill('it\'s "quoted" $HOME `id` \\')
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Copy as curl, Python or CLI").click()
    made = json.loads(run(copied(page, dialog, "curl"), asked))
    assert made["description"] == 'it\'s "quoted" $HOME `id` \\'
    assert asked.api.delete(f"{PROJECT}/environments/{made['id']}").status_code == 200


def test_an_error_is_a_page_that_says_what_is_wrong(person: Person, server: Server) -> None:
    person.refusals = {404}
    page = person.open(f"{PROJECT}/containers/1i987654")
    expect(page.get_by_role("heading", level=1)).to_have_text("404 Not Found")
    expect(document(page)).to_contain_text('"type": "error"')
    page.get_by_role("navigation", name="Path").get_by_role("link", name="containers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("containers")


def test_every_document_has_a_page(person: Person, server: Server) -> None:
    person.refusals = {404}
    pages = {
        "/v1": "apiVersion v1",
        "/v1/schemas": "schemas",
        "/v1/openapi.json": "openapi.json",
        f"{PROJECT}/schemas/container": "schema container",
        PROJECT: "project Default",
        "/v1/settings": "settings",
        "/v1/100%": "404 Not Found",
        "/nowhere": "404 Not Found",
    }
    for path, heading in pages.items():
        page = person.open(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(document(page).locator(".line").first).to_be_visible()


def test_with_access_control_a_key_is_asked_for(open_as: OpenAs, guarded: Server) -> None:
    nobody = open_as(guarded)
    nobody.refusals = {401}
    # without credentials Chromium shows its own prompt, which has no screen here: a page that was not signed in
    nobody.page.set_extra_http_headers({"X-API-No-Challenge": "true"})
    page = nobody.open("/v1")
    expect(page.get_by_role("heading", level=1)).to_have_text("401 Unauthorized")
    expect(button(page, "Sign in")).to_be_visible()

    keys = guarded.keys
    member = open_as(guarded, keys["RANCHER_ACCESS_KEY"], keys["RANCHER_SECRET_KEY"])
    page = member.open(f"{PROJECT}/apikeys")
    button(page, "Create apiKey").click()
    field(page, "name").fill("from a browser")
    button(page, "Create").click()
    answer = page.get_by_role("dialog", name="The answer")
    expect(answer).to_contain_text("secrets are shown only now")
    secret = answer.locator("dt", has_text="secretValue").locator("xpath=following-sibling::dd[1]").inner_text()
    public = re.search(r'"publicValue": "(\w+)"', answer.inner_text())
    assert public
    button(page, "Close").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("apiKey from a browser")
    expect(document(page)).to_contain_text('"secretValue": null')

    other = open_as(guarded, public[1], secret)
    page = other.open(f"{PROJECT}/containers")
    expect(page.get_by_role("heading", level=1)).to_have_text("containers")


def test_nothing_runs_but_the_built_files(person: Person, server: Server) -> None:
    nasty = "<img src=x onerror=hacked=1><script>hacked=1</script></script>"
    made = server.create("environments", name="nasty", description=nasty)
    page = person.open(f"{PROJECT}/environments/{made['id']}")
    expect(document(page)).to_contain_text("onerror=hacked")
    assert page.evaluate("window.hacked") is None
    inline = "() => { const s = document.createElement('script'); s.text = 'hacked = 1'; document.body.append(s); }"
    page.evaluate(inline)
    assert page.evaluate("window.hacked") is None
    assert [c for c in person.complaints if "Content Security Policy" in c]
    person.complaints.clear()


def test_without_javascript_a_page_is_text_with_links(open_as: OpenAs, server: Server) -> None:
    person = open_as(server, java_script_enabled=False)
    page = person.open(f"{PROJECT}/hosts")
    expect(page.locator("main.plain")).to_contain_text("Forms and controls need JavaScript.")
    page.locator("main.plain a", has_text=re.compile(r"hosts.1h\d+$")).click()
    expect(page.locator("pre")).to_contain_text('"type": "host"')


def test_where_the_front_end_is_not_built_a_page_is_text_with_links(
    person: Person, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "WEB", tmp_path)
    page = person.open(f"{PROJECT}/hosts")
    expect(page.locator("main.plain")).to_contain_text("The interface is not built on this server")
    page.locator("main.plain a", has_text=re.compile(r"hosts.1h\d+$")).click()
    expect(page.locator("pre")).to_contain_text('"type": "host"')


UNLABELLED = """root => [...root.querySelectorAll('input, select, textarea')]
  .filter(each => !each.labels?.length && !each.ariaLabel).map(each => each.outerHTML)"""


def creatable(server: Server) -> list[str]:
    """The collections in which something can be created, as the project sees them."""
    schemas: list[dict[str, Any]] = server.get("schemas")["data"]
    makes = [s for s in schemas if "POST" in s["collectionMethods"] and "collection" in s["links"]]
    return [s["links"]["collection"].removeprefix(server.url) for s in makes]


@pytest.mark.timeout(600)
def test_every_type_has_a_form_whose_fields_have_labels(person: Person, server: Server) -> None:
    collections = creatable(server)
    assert len(collections) > 20
    for path in collections:
        page = person.open(path)
        single = page.get_by_role("button", name=re.compile("^Create "))
        expect(single.or_(page.get_by_text("Create", exact=True))).to_be_visible()
        if single.count() == 0:
            page.get_by_text("Create", exact=True).click()
            page.locator(".menu button").first.click()
        else:
            single.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Create", exact=True)).to_be_visible()
        # by name, because a click makes some of them go and others come
        adds = dialog.get_by_role("button", name=re.compile("^Add "))
        visible = "found => found.filter(each => each.checkVisibility()).map(each => each.ariaLabel)"
        for name in adds.evaluate_all(visible):
            dialog.get_by_role("button", name=name, exact=True).first.click()
        assert dialog.evaluate(UNLABELLED) == [], path
        assert person.complaints == [], path


WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_and_forms_fit_any_width(open_as: OpenAs, server: Server, width: int, scheme: str) -> None:
    made = server.create("containers", name="n" * 63, imageUuid="sim:" + "long-" * 40, labels={"l" * 80: "v" * 200})
    person = open_as(server, viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in ("/v1", f"{PROJECT}/containers?name_prefix=n&sort=name", f"{PROJECT}/containers/{made['id']}"):
        page = person.open(path)
        expect(document(page)).to_be_visible()
        button(page, "Unfold all").click()
        assert page.evaluate(WIDER) == 0, path
    button(page, "Edit").click()
    others_ = page.get_by_role("dialog")
    assert others_.evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") == 0
    assert server.api.delete(f"{PROJECT}/containers/{made['id']}").status_code == 200
