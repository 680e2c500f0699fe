"""Links, decisions, and what no file may name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, files, name_of, page, shell_lines

LINK = re.compile(r"\]\(([^)\s]+)\)")
DECISIONS = sorted(p for p in (ROOT / "docs" / "decisions").glob("*.md") if p.name != "README.md")
FIELDS = ("Question", "Choice", "What we gave up", "How we would notice that it was wrong")


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_relative_link_leads_to_something(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = path if not file else path.parent / file
        assert found.exists(), f"{target} in {name_of(path)}"
        if anchor:
            assert anchor in anchors(found), f"{target} in {name_of(path)}"


@pytest.mark.parametrize("path", DECISIONS, ids=name_of)
def test_every_decision_has_its_four_fields(path: Path) -> None:
    text = path.read_text()
    assert re.match(rf"# {path.name[:3]}\. ", text)
    found = re.findall(r"^\*\*(.+?)\.\*\* (?=\S)", text, flags=re.MULTILINE)
    assert tuple(found) == FIELDS


def test_every_decision_is_listed_under_its_title() -> None:
    index = page("decisions/README.md")
    for path in DECISIONS:
        title = path.read_text().splitlines()[0].removeprefix("# ")
        assert f"- [{title}]({path.name})" in index


# Put together here, so that this file itself names none of them.
REGISTRIES = (
    *("py" + "pi.org", "pythonhosted" + ".org", "pypi" + ".python.org"),
    *("registry.npm" + "js.org", "registry.yarn" + "pkg.com", "crates" + ".io", "rubygems" + ".org"),
    "proxy.golang" + ".org",
)
WORKSHOP = (r"(?<![\w.])/wo" + r"rk(?![\w-])", r"\.\./sha" + r"red\b")


def test_no_file_names_a_package_registry_or_the_place_where_it_was_written() -> None:
    forbidden = re.compile("|".join([*map(re.escape, REGISTRIES), *WORKSHOP]))
    for path in files():
        found = forbidden.search(path.read_bytes().decode(errors="replace"))
        assert found is None, f"{name_of(path)} names {found[0]!r}" if found else ""


@pytest.mark.parametrize("name", ["README.md", "docs/quickstart.md", "docs/operations.md", "docs/contributing.md"])
def test_the_scripts_and_recipes_of_a_page_exist(name: str) -> None:
    recipes = set(re.findall(r"^([a-z][\w-]*)[^:\n]*:", (ROOT / "Justfile").read_text(), flags=re.MULTILINE))
    text = (ROOT / name).read_text()
    for line in shell_lines(text):
        for script in re.findall(r"(?:^|\s)(scripts/\S+|examples/\S+)", line):
            path = ROOT / script
            assert path.exists(), line
            assert script.endswith(".yml") or path.stat().st_mode & 0o111, f"{line}: not executable"
    for recipe in re.findall(r"`just ([\w-]+)", text):
        assert recipe in recipes, f"just {recipe}"
