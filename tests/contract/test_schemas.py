"""The schemas that the running API gives each role, against what the v1 API offered."""

from __future__ import annotations

import pytest

from tests.contract.check import OFFERED, differences, types_of
from tests.serving import Api
from trailboss.declare import Machine, registry

ROLES = ("project", "user", "readonly", "admin", "service", "agent", "agentRegister", "register")


@pytest.mark.parametrize("role", ROLES)
def test_every_role_is_offered_all_that_the_v1_api_offered(admin: Api, role: str) -> None:
    schemas = {schema["id"]: schema for schema in admin.get("schemas", _role=role)["data"]}
    assert types_of(role)
    assert list(differences(role, schemas)) == []


def test_the_key_of_a_project_gets_the_view_project(api: Api) -> None:
    schemas = {schema["id"]: schema for schema in api.get("schemas")["data"]}
    assert list(differences("project", schemas)) == []


def test_a_difference_is_found(api: Api) -> None:
    schemas = {schema["id"]: schema for schema in api.get("schemas")["data"]}
    del schemas["host"], schemas["port"]["resourceFields"]["publicPort"]
    schemas["service"]["resourceFields"]["name"]["maxLength"] = 63
    assert list(differences("project", schemas)) == [
        "host is missing",
        "port: field publicPort is missing",
        "service: field name.maxLength: want 255, got 63",
    ]


@pytest.mark.parametrize("name", sorted(name for name in OFFERED if OFFERED[name]["validIn"]))
def test_processes_are_valid_in_the_states_in_which_they_were(name: str) -> None:
    """Ours may be valid in more: every state has a way out."""
    machine = registry[name].machine
    assert isinstance(machine, Machine)
    for action, states in OFFERED[name]["validIn"].items():
        if action in machine.processes:
            assert set(machine.valid_in(action)) >= set(states), action
