"""All declarations together are consistent: what one names, another one is."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import trailboss.resources  # noqa: F401  (declares the types)
from trailboss.declare import ROLES, Link, Machine, Resource, ResourceType, id_prefix, registry, wire_name
from trailboss.store.tables import complete, table_name, windows

ROOT = Path(__file__).parents[2]
PRIMITIVE = {"string", "password", "float", "int", "date", "blob", "boolean", "enum", "json"}
NOT_DECLARED = {"ipPool"}
"""Named by the v1 API as what an action gives, and no type of it."""
NAMES_OF_THEIR_OWN = {"hostLabels", "instanceLabels"}
"""Relations that are called otherwise than the type they lead to, and that lead nowhere yet."""

types = pytest.mark.parametrize("type_", registry.values(), ids=registry)
stored = pytest.mark.parametrize("type_", [t for t in registry.values() if t.stored], ids=lambda t: t.type)
with_states = pytest.mark.parametrize("type_", [t for t in registry.values() if t.machine], ids=lambda t: t.type)


def machine_of(type_: ResourceType) -> Machine:
    assert type_.machine is not None
    return type_.machine


@types
def test_what_fields_refer_to_or_hold_is_declared(type_: ResourceType) -> None:
    named = {f.inner for f in type_.fields.values()}
    assert named - PRIMITIVE - registry.keys() == set()


@types
def test_inputs_and_outputs_of_actions_are_declared(type_: ResourceType) -> None:
    named = {name for action in type_.actions for name in (action.input, action.output) if name}
    assert named - registry.keys() - NOT_DECLARED == set()


@types
def test_states_and_processes_that_a_type_names_are_those_of_its_machine(type_: ResourceType) -> None:
    states = {state for action in type_.actions for state in action.states}
    if type_.machine is None:
        assert not states
        return
    assert states - set(type_.machine.states) == set()
    if type_.on_failure:
        assert type_.machine.arrow(type_.on_failure, machine_of(type_).arrow("create", "requested").via)  # type: ignore[union-attr]
    following = {arrow.then for arrow in type_.machine.arrows if arrow.then}
    assert following <= {arrow.process for arrow in type_.machine.arrows}


@types
def test_an_action_that_is_not_served_is_one(type_: ResourceType) -> None:
    actions = {action.name for action in type_.actions} | set(type_.machine.processes if type_.machine else ())
    assert set(type_.unserved) <= actions


@with_states
def test_every_state_has_a_way_out_or_is_final(type_: ResourceType) -> None:
    machine = machine_of(type_)
    stuck = {
        state
        for state in machine.states
        if machine.arriving(state) is None and not any(state in arrow.sources for arrow in machine.arrows)
    }
    assert stuck == {"purged" if machine.arrow("purge", "removed") else "removed"}


@with_states
def test_from_every_state_a_row_can_be_removed_in_the_end(type_: ResourceType) -> None:
    machine = machine_of(type_)
    assert [
        s for s in machine.states if "removed" not in _reachable(machine, s) and s not in ("purging", "purged")
    ] == []


def _reachable(machine: Machine, start: str) -> set[str]:
    found, new = {start}, {start}
    while new:
        next_ = {a.via for a in machine.arrows for s in new if s in a.sources}
        next_ |= {a.to for a in machine.arrows for s in new if s == a.via}
        new = next_ - found
        found |= new
    return found


@types
def test_relations_lead_to_types_that_are_declared(type_: ResourceType) -> None:
    plurals = {t.plural for t in registry.values()}
    for link in type_.links:
        if isinstance(link, str):
            assert link in plurals | NAMES_OF_THEIR_OWN or f"{link}Id" in type_.by_wire, link
            continue
        target = registry[link.target]
        if link.through is not None:
            through, *names = link.through
            assert all(registry[through].fields[name].column for name in names), link
        elif link.foreign is not None:
            assert target.fields[link.foreign].column, link


@types
def test_fields_that_a_type_hides_or_narrows_are_fields(type_: ResourceType) -> None:
    parents = [c for c in type_.__mro__[1:] if issubclass(c, Resource) and c.fields]
    inherited = {name for parent in parents for name in parent.fields}
    assert set(type_.hidden) <= inherited
    assert {name for names in type_.narrow.values() for name in names} <= type_.fields.keys()


@types
def test_roles_are_those_of_the_api(type_: ResourceType) -> None:
    named = [type_.roles, type_.narrow]
    named += [
        rule for f in type_.fields.values() for rule in (f.create, f.update, f.read) if isinstance(rule, tuple)
    ]  # fmt: skip
    assert {role for roles in named for role in roles} <= set(ROLES)
    assert set(type_.narrow) <= set(type_.roles)


@types
def test_every_type_says_what_it_is(type_: ResourceType) -> None:
    assert (type_.__doc__ or "").strip().endswith(".")


def test_no_two_types_share_a_name_or_a_plural() -> None:
    names = Counter(name.lower() for t in registry.values() for name in {t.type, t.plural})
    assert [name for name, count in names.items() if count > 1] == []


@types
def test_no_two_fields_share_a_wire_name(type_: ResourceType) -> None:
    assert len(type_.by_wire) == len(type_.fields)


def test_wire_names_follow_from_python_names_but_for_abbreviations() -> None:
    given = {f.wire for t in registry.values() for name, f in t.fields.items() if f.wire != wire_name(name)}
    assert given == {"CN", "managedVolumeUUID"}


@stored
def test_a_stored_type_has_a_table_with_its_columns(type_: ResourceType) -> None:
    table = (windows if type_.window else complete()).tables[table_name(type_)]
    assert {name for name, f in type_.fields.items() if f.column} <= {column.name for column in table.c}


@stored
def test_what_its_ids_begin_with_is_documented(type_: ResourceType) -> None:
    glossary = (ROOT / "docs/glossary.md").read_text()
    rows = [line for line in glossary.splitlines() if line.startswith("| `1")]
    named = [row for row in rows if f"`{id_prefix(type_)}`" in row and re.search(rf"\b{type_.base.type}\b", row)]
    assert len(named) == 1, f"docs/glossary.md: {id_prefix(type_)} of {type_.base.type}"


@stored
def test_secrets_are_not_filled_in_by_default(type_: ResourceType) -> None:
    assert [name for name, f in type_.fields.items() if f.secret and f.default is not None] == []


def test_the_readme_says_how_many_types_have_no_effect_yet() -> None:
    count = sum(not type_.served for type_ in registry.values())
    assert f"the effect of {count} other types of the v1 API" in (ROOT / "README.md").read_text()


def test_relations_of_many_to_many_go_both_ways() -> None:
    through = [(t.type, link) for t in registry.values() for link in t.links if isinstance(link, Link) and link.through]
    seen = {(link.through[0], link.through[1]) for _, link in through if link.through}
    back = {(link.through[0], link.through[2]) for _, link in through if link.through}
    assert seen == back
