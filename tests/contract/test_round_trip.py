"""Every type that somebody can create, from its creation with every field to its purge.

Bodies, expected fields, states and links come from what the v1 API offered (`check.py`), not from our declarations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.check import OFFERED, rights_of
from tests.contract.values import body
from tests.contract.world import World
from tests.serving import Api, Installation, Later, Settle
from trailboss.declare import ResourceType, parse_id, registry
from trailboss.resources.unserved import MESSAGE

CREATORS = ("project", "user", "admin", "agent", "agentRegister", "register")
"""The roles that create, in the order in which they are asked."""
RETENTION_S = 8 * 24 * 3600


def creators() -> Iterator[tuple[str, str]]:
    """Every type that can be created, with the first role that may."""
    for name, spec in OFFERED.items():
        role = next((r for r in CREATORS if "POST" in spec["methods"].get(r, [[]])[0]), None)
        if role is not None:
            yield name, role


SETTINGS = ("localAuthConfig", "githubconfig", "ldapconfig")
"""Types without rows that are saved as settings (tests/login, tests/api/test_set_up.py)."""
WITHOUT_ROWS = [(n, r) for n, r in creators() if not registry[n].stored and n not in SETTINGS]
OTHERWISE = {
    "projectMember": "set as a whole, by setmembers (tests/api/test_projects.py)",
    "setting": "shown as activeSetting, never removed (tests/api/test_settings.py)",
}
"""Types that are not created and removed like others."""
ROUND = [(n, r) for n, r in creators() if registry[n].stored and n not in OTHERWISE]


ADDED = {name: {"publicEndpoints"} for name in ("cluster", "service", "loadBalancerService")}
ADDED["apiKey"] = {"expires", "lastUsed"}
ADDED["container"] = {"exitCode", "quickExits"}
"""Fields that later versions had on top, or we have."""
ABSENT = {"register": {"key", "accessKey", "secretKey"}, "registryCredential": {"secretValue"}}
"""Fields that are left out of what is read."""
NOT_SERVED_LINKS = {"stats", "containerStats", "hostStats"}
"""Live streams that this version does not have yet."""
ONLY_SOMETIMES = {"config"}
"""Links that are there only while they lead somewhere."""
REFUSED = {
    **{("container", "logs", state): 409 for state in ("running", "stopped", "stopping", "starting")},
    **{("project", "delete", state): 405 for state in ("purging", "restoring")},
}
"""Actions that are offered and refused all the same: for want of a host, and as DELETE is."""
BEFORE = {"removeservicelink": "addservicelink", "addservicelink": "removeservicelink"}
"""What is to be done before an action."""
AT_ONCE = {"register"}
"""Types of which nothing is kept that could be restored."""


def secret_fields(name: str) -> set[str]:
    type_ = registry[name]
    return {f.wire for f in type_.fields.values() if f.secret and not (type_.shows_secrets and f.computed)}


def readable(name: str, role: str) -> set[str]:
    return {f for f, rules in OFFERED[name]["fields"].items() if "r" in (rights_of(rules, role) or "")}


def same(sent: Any, shown: Any, rules_type: str) -> bool:
    """Whether what is shown is what was sent; inside of embedded objects secrets are left out."""
    inner = rules_type.rpartition("[")[2].rstrip("]")
    if inner in registry and "reference[" not in rules_type:
        if isinstance(sent, list):
            return isinstance(shown, list) and all(same(a, b, inner) for a, b in zip(sent, shown, strict=True))
        if rules_type.startswith("map["):
            return sent.keys() == shown.keys() and all(same(v, shown[k], inner) for k, v in sent.items())
        fields = OFFERED[inner]["fields"]
        secret = secret_fields(inner)
        return all(
            (shown.get(k) is None if k in secret else v is None or same(v, shown.get(k), fields[k]["type"]))
            for k, v in sent.items()
        )
    return bool(sent == shown)


def shows(document: dict[str, Any], sent: dict[str, Any], name: str, role: str) -> None:
    """Check that a document has what was sent, where the role may read it."""
    fields = OFFERED[name]["fields"]
    for wire in sent.keys() & readable(name, role) - secret_fields(name):
        if wire == "data":
            assert sent[wire].items() <= document[wire].items(), "with fields that have no column of their own"
            continue
        assert same(sent[wire], document[wire], fields[wire]["type"]), (wire, sent[wire], document[wire])


def create(world: World, name: str, role: str, variant: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    sent = body(name, role, world.prepared, variant)
    return sent, world.callers[role].create(OFFERED[name]["plural"], **sent)


PERSONAL = ("userPreference",)
"""Types of which everybody sees only their own."""


def reader_of(world: World, name: str, role: str) -> Api:
    return world.callers[reading(name, role)]


def reading(name: str, role: str) -> str:
    """The role that reads afterwards what a role has made: those who only report see little again."""
    sees_little = role in ("agent", "agentRegister", "register", "user") and name not in PERSONAL
    return "admin" if sees_little else role


def overseer_of(world: World, name: str, role: str) -> Api:
    """Who sees what has become of a row, if anybody but its owner does."""
    return world.callers[role if name in PERSONAL else "admin"]


every_type = pytest.mark.parametrize(("name", "role"), ROUND, ids=[n for n, _ in ROUND])


@every_type
def test_what_is_created_with_every_field_is_shown_as_it_was_sent(world: World, name: str, role: str) -> None:
    sent, made = create(world, name, role)
    assert made["type"] == name
    assert made["id"].startswith(OFFERED[name]["idPrefix"])
    shows(made, sent, name, role)
    once = {f for f, rules in OFFERED[name]["fields"].items() if "o" in (rights_of(rules, role) or "")}
    for wire in once:
        assert made[wire] == ("" if name == "password" else sent.get(wire, made[wire])) is not None
    again = reader_of(world, name, role).get(f"{OFFERED[name]['plural']}/{made['id']}")
    shows(again, sent, name, reading(name, role))
    assert {wire: again[wire] for wire in once} == dict.fromkeys(once)
    assert all(again.get(wire) is None for wire in secret_fields(name))


@every_type
def test_an_answer_has_every_field_that_can_be_read_and_nothing_else(world: World, name: str, role: str) -> None:
    _, made = create(world, name, role)
    reader = reading(name, role)
    shown = world.callers[reader].get(f"{OFFERED[name]['plural']}/{made['id']}")
    dates = {f for f, rules in OFFERED[name]["fields"].items() if rules["type"] == "date"}
    expected = {"id", "type", "links", "actions"} | readable(name, reader) | ADDED.get(name, set())
    expected |= {f"{wire}TS" for wire in dates & expected if shown.get(wire) is not None}
    assert shown.keys() == expected - ABSENT.get(name, set())
    order = [key for key in shown if not key.endswith("TS")]
    assert order[:4] == ["id", "type", "links", "actions"]
    assert order[4:] == sorted(order[4:], key=lambda key: ({"name": 0, "state": 1}.get(key, 2), key))


@every_type
def test_links_are_those_of_the_v1_api_and_lead_somewhere(world: World, settle: Settle, name: str, role: str) -> None:
    _, made = create(world, name, role)
    settle()
    caller = reader_of(world, name, role)
    shown = caller.get(f"{OFFERED[name]['plural']}/{made['id']}")
    expected = set(OFFERED[name]["links"]) - NOT_SERVED_LINKS - ONLY_SOMETIMES
    empty = {link for link in expected if f"{link}Id" in shown and shown[f"{link}Id"] is None}
    offered = set(caller.get("schemas")["data"][0]) and {s["pluralName"] for s in caller.get("schemas")["data"]}
    assert shown["links"].keys() >= expected - empty
    scoped = {"subscribe"} if name == "project" else set()  # there is one inside it, whoever looks at it
    assert shown["links"].keys() - expected <= offered | scoped, "a project links to every collection"
    for link, url in shown["links"].items():
        if link not in offered or name != "project":
            answer = caller.ask("GET", url)
            assert answer.status_code == 200, (link, answer.text)


@every_type
def test_every_field_that_can_be_updated_is(world: World, settle: Settle, name: str, role: str) -> None:
    _, made = create(world, name, role)
    settle()
    changer = next(
        (r for r in ("project", "user", "admin") if "PUT" in OFFERED[name]["methods"].get(r, [[], []])[1]), None
    )
    if changer is None:
        assert reader_of(world, name, role).refused("PUT", made["links"]["self"], json={"name": "x"})[0] == 405
        return
    url = f"{OFFERED[name]['plural']}/{made['id']}"
    sent = body(name, changer, world.prepared, variant=1, right="u")
    answer = world.callers[changer].ask("PUT", url, json=sent)
    assert answer.status_code == 200, answer.text
    shows(answer.json(), sent, name, changer)
    settle()
    shows(world.callers[changer].get(url), sent, name, changer)


def put_into(installation: Installation, type_: ResourceType, id_: str, state: str) -> None:
    """Put a row into a state, however it would come there."""
    number = int(parse_id(id_) or 0)
    gone = 1 if state in ("removed", "purging", "purged") else None
    installation.store.write(
        lambda tx: tx.change(tx.require(type_, number), state=state, removed=gone and tx.now, failed=0, message=None)
    )


def act(world: World, name: str, url: str, action: str, actor: str) -> Any:
    """Post an action with every field of its input."""
    input_ = OFFERED[name]["actions"][action][0]
    sent = body(input_, actor, world.prepared) if input_ in OFFERED else {}
    return world.callers[actor].ask("POST", f"{url}/", params={"action": action}, json=sent)


def steps_of(name: str, action: str) -> dict[str, str]:
    """From which state an action leads into which, as the v1 API had it."""
    base = registry[name].base.type
    lines = OFFERED.get(base, {}).get("steps", OFFERED[name].get("steps", {})).get(action, ())
    return dict(line.split(" ")[:2] for line in lines)


@pytest.mark.parametrize("name", [n for n, _ in ROUND if OFFERED[n].get("actions")])
def test_every_action_is_taken_in_every_state_in_which_it_is_offered(
    world: World, installation: Installation, settle: Settle, name: str
) -> None:
    role = dict(ROUND)[name]
    actor = reading(name, role)
    _, made = create(world, name, role)
    settle()
    url = f"{OFFERED[name]['plural']}/{made['id']}"
    states = getattr(registry[name].machine, "states", ())
    offered = set()
    for state in states:
        put_into(installation, registry[name], made["id"], state)
        for action in world.callers[actor].get(url)["actions"]:
            put_into(installation, registry[name], made["id"], state)
            if action in BEFORE:
                act(world, name, url, BEFORE[action], actor)
            answer = act(world, name, url, action, actor)
            if refused := REFUSED.get((name, action, state)):
                assert answer.status_code == refused
                continue
            assert answer.status_code == (202 if action in OFFERED[name].get("validIn", {}) else 200), answer.text
            if (led_to := steps_of(name, action).get(state)) and action != "update":
                assert answer.json()["state"] == led_to, (state, action)
            settle()
            assert "internal error" not in (world.callers[actor].get(url)["transitioningMessage"] or "")
            offered.add(action)
    assert offered or name == "register"


@pytest.mark.parametrize("name", [n for n, _ in ROUND if OFFERED[n].get("validIn")])
def test_a_process_is_offered_in_the_states_in_which_it_was(
    world: World, installation: Installation, settle: Settle, name: str
) -> None:
    role = dict(ROUND)[name]
    _, made = create(world, name, role)
    settle()
    url = f"{OFFERED[name]['plural']}/{made['id']}"
    processes = {a: states for a, states in OFFERED[name]["validIn"].items() if a not in registry[name].unserved}
    for state in registry[name].machine.states:  # type: ignore[union-attr]
        put_into(installation, registry[name], made["id"], state)
        actions = reader_of(world, name, role).get(url)["actions"]
        assert {a for a, states in processes.items() if state in states} <= actions.keys(), state


def ids(reader: Api, name: str) -> set[str]:
    return {row["id"] for row in reader.get(OFFERED[name]["plural"], limit="1000")["data"]}


@every_type
def test_what_is_removed_is_read_for_a_while_then_purged_then_gone(
    world: World, settle: Settle, later: Later, name: str, role: str
) -> None:
    _, made = create(world, name, role)
    settle()
    remover = next(
        (
            r
            for r in (role, "project", "user", "admin", "register")
            if "DELETE" in OFFERED[name]["methods"].get(r, [[], []])[1]
        ),
        None,
    )
    reader = reader_of(world, name, role)
    url = f"{OFFERED[name]['plural']}/{made['id']}"
    if remover is None:
        assert reader.refused("DELETE", url)[0] == 405
        return
    answer = world.callers[remover].ask("DELETE", url)
    if answer.status_code == 405:
        off = world.callers[remover].ask("POST", f"{url}/", params={"action": "deactivate"})
        assert off.status_code in (200, 202), off.text
        settle()
        answer = world.callers[remover].ask("DELETE", url)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] in ("removing", "removed", "stopping", "deactivating")
    later(2)
    reader = overseer_of(world, name, role)
    shown = reader.get(url)
    assert (shown["state"], shown["transitioning"]) == ("purged" if name in AT_ONCE else "removed", "no")
    assert shown["removed"] is not None
    if name not in AT_ONCE:
        again = world.callers[remover].ask("DELETE", url)
        assert again.status_code == 404 if name == "project" else again.json()["state"] == "removed"
        assert made["id"] in ids(reader, name) or name == "project"
    later(62)
    assert made["id"] not in ids(reader, name)
    for _ in range(3):
        later(2)
    purges = "purge" in OFFERED[name].get("validIn", {})
    assert reader.get(url)["state"] == ("purged" if purges else "removed")
    later(RETENTION_S)
    assert reader.refused("GET", url)[0] == 404


@every_type
def test_what_has_no_effect_yet_says_so(world: World, settle: Settle, name: str, role: str) -> None:
    _, made = create(world, name, role)
    settle()
    shown = overseer_of(world, name, role).get(f"{OFFERED[name]['plural']}/{made['id']}")
    error = (shown["transitioning"], shown["transitioningMessage"]) == ("error", MESSAGE)
    assert error is not registry[name].served
    assert registry[name].served or shown["state"] not in ("active", "running", "backed-up")


@pytest.mark.parametrize(("name", "role"), WITHOUT_ROWS, ids=[n for n, _ in WITHOUT_ROWS])
def test_what_is_only_sent_inside_of_others_is_not_created(world: World, name: str, role: str) -> None:
    sent = body(name, role, world.prepared)
    status, *_ = world.callers[role].refused("POST", OFFERED[name]["plural"], json=sent)
    assert status == (405 if registry[name].served else 501)
    if "GET" in OFFERED[name]["methods"][role][0]:
        assert world.callers[role].get(OFFERED[name]["plural"])["data"] == []
