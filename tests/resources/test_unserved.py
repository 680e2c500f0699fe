"""What is created of a type whose effect is not built is stored, says so, is never in force, and can be removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving import Api, Installation, OpenApi, Settle
from trailboss import states
from trailboss.declare import ResourceType, format_id, machine, registry
from trailboss.engine import apply
from trailboss.resources.unserved import MESSAGE, attach, with_error
from trailboss.store import journal

pytestmark = pytest.mark.slow

STORED = [t for t in registry.values() if t.stored and not t.served]
NEEDED: dict[str, dict[str, Any]] = {"machine": {"virtualbox_config": {"memory": "1024"}}}
"""What some types refuse to be created without."""


@pytest.fixture(params=STORED, ids=lambda type_: type_.type)
def type_(request: pytest.FixtureRequest) -> ResourceType:
    found: ResourceType = request.param
    return found


def make(installation: Installation, type_: ResourceType) -> int:
    values = {"kind": type_.type, "name": "one", **NEEDED.get(type_.type, {})}
    if "account_id" in type_.fields:
        values["account_id"] = 5
    row = installation.store.write(lambda tx: apply.create(tx, type_, values, apply.Platform()))
    number: int = row.values["id"]
    return number


def test_it_comes_to_rest_with_an_error_and_never_in_force(
    installation: Installation, settle: Settle, type_: ResourceType
) -> None:
    number = make(installation, type_)
    settle()
    row = installation.store.read(lambda read: read.require(type_, number))
    assert row.values["state"] != "active"
    assert states.transitioning(row) == ("error", MESSAGE, None)


def test_no_process_of_a_client_brings_it_into_force(
    installation: Installation, settle: Settle, type_: ResourceType
) -> None:
    assert type_.machine is not None
    for process in type_.machine.processes:
        number = make(installation, type_)
        settle()

        def begin(tx: Any, process: str = process, number: int = number) -> None:
            row = tx.require(type_, number)
            if states.may(row, process) and process not in type_.unserved:
                states.begin(tx, row, process)

        installation.store.write(begin)
        settle()
        row = installation.store.read(lambda read, number=number: read.require(type_, number))
        assert not states.is_moving(row), process
        assert row.values["state"] not in ("active", "backed-up"), process


def test_it_can_be_removed(installation: Installation, settle: Settle, type_: ResourceType) -> None:
    number = make(installation, type_)
    settle()
    installation.store.write(lambda tx: states.begin(tx, tx.require(type_, number), "remove"))
    settle()
    row = installation.store.read(lambda read: read.require(type_, number))
    assert row.values["state"] == "removed"
    assert states.transitioning(row) == ("no", None, None)


def test_its_journal_never_says_active(installation: Installation, settle: Settle, type_: ResourceType) -> None:
    number = make(installation, type_)
    settle()
    entries = installation.store.read(lambda read: journal.after(read, 0))
    went_through = [e["change"]["state"][1] for e in entries if e["type"] == type_.type and "state" in e["change"]]
    assert went_through, number
    assert "active" not in went_through


def test_a_type_with_a_reconciler_of_its_own_is_served() -> None:
    with pytest.raises(TypeError, match="service has a reconciler"):
        attach([type("Other", (), {"served": False, "type": "service", "behaviour": registry["service"].behaviour})])


def test_a_machine_gets_an_error_state_only_where_active_were_the_only_place_to_rest() -> None:
    only_active = machine("x", "create: requested -> activating -> active\nremove: active -> removing -> removed")
    changed = with_error(only_active)
    assert set(changed.states) - set(only_active.states) == {"error", "erroring"}
    assert changed.processes == only_active.processes
    assert changed.arrow("remove", "error") is not None
    rests = machine("x", "create: requested -> creating -> created\nremove: created -> removing -> removed")
    assert with_error(rests) is rests
    deactivates = machine("x", "create: requested -> activating -> active\ndeactivate: activating -> a -> inactive")
    assert with_error(deactivates) is deactivates


def test_clients_read_the_error_and_remove_the_row(api: Api, settle: Settle) -> None:
    made = api.create("loadbalancerlisteners", name="front", sourceProtocol="tcp", sourcePort=80)
    settle()
    path = f"loadbalancerlisteners/{made['id']}"
    shown = api.get(path)
    assert (shown["state"], shown["transitioning"], shown["transitioningMessage"]) == ("error", "error", MESSAGE)
    assert set(shown["actions"]) == {"remove"}
    assert api.ask("DELETE", path).status_code == 200
    settle()
    assert api.get(path)["state"] == "removed"


def test_what_is_created_is_checked_as_declared(api: Api) -> None:
    assert api.refused("POST", "loadbalancerlisteners", json={"sourcePort": 80}) == (
        422,
        "MissingRequired",
        "sourceProtocol",
    )
    wrong = {"sourceProtocol": "gopher", "sourcePort": 80}
    assert api.refused("POST", "loadbalancerlisteners", json=wrong) == (422, "InvalidOption", "sourceProtocol")
    beyond = {"sourceProtocol": "tcp", "sourcePort": 65536}
    assert api.refused("POST", "loadbalancerlisteners", json=beyond) == (422, "MaxLimitExceeded", "sourcePort")


def test_a_machine_has_the_configuration_of_exactly_one_driver(api: Api) -> None:
    code = (422, "DriverConfigExactlyOneRequired", None)
    assert api.refused("POST", "machines", json={"name": "m"}) == code
    two = {"name": "m", "virtualboxConfig": {}, "digitaloceanConfig": {"accessToken": "t"}}
    assert api.refused("POST", "machines", json=two) == code
    assert api.create("machines", name="m", virtualboxConfig={"memory": "1024"})["driver"] == "virtualbox"


def test_a_secret_inside_of_a_configuration_is_neither_shown_nor_journaled(
    api: Api, installation: Installation
) -> None:
    config = {"accessToken": "very-secret", "region": "ams3"}
    made = api.create("machines", name="m", digitaloceanConfig=config)
    assert made["digitaloceanConfig"]["region"] == "ams3"
    assert made["digitaloceanConfig"]["accessToken"] is None
    assert "very-secret" not in api.ask("GET", f"machines/{made['id']}").text
    entries = installation.store.read(lambda read: journal.after(read, 0))
    assert "very-secret" not in str(entries)
    assert any(e["change"].get("digitaloceanConfig") == ["changed"] for e in entries)


def test_a_type_without_rows_is_empty_and_refuses_creation(admin: Api, open_api: OpenApi) -> None:
    assert admin.get("processinstances")["data"] == []
    assert admin.get("tasks")["data"] == []
    assert admin.refused("POST", "publish", json={"name": "reply.x"}) == (501, "Not Implemented", None)


def test_preferences_have_no_effect_to_wait_for(admin: Api, settle: Settle) -> None:
    made = admin.create("userpreferences", name="theme", value="dark")
    settle()
    shown = admin.get(f"userpreferences/{made['id']}")
    assert (shown["state"], shown["value"], shown["id"]) == ("active", "dark", format_id(registry["userPreference"], 1))
