"""The schemas that the running API gives each role, against what the v1 API offered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.check import OFFERED, ROLES, SEED, additions, differences, types_of
from tests.serving import Api, Installation, OpenApi
from trailboss.declare import Machine, id_prefix, registry

ENDPOINTS = {
    "publicEndpoint",
    *(f"{name}.publicEndpoints" for name in ("cluster", "host", "loadBalancerService", "service")),
}
"""What versions after the described one had on top (docs/compatibility.md)."""
AUDITED = ("project", "user", "admin", "service")
"""Views that have the audit log, which is an addition of ours."""
OURS = {"apiKey.expires", "apiKey.lastUsed", "container.exitCode", "container.quickExits"}
LOGINS = {"openidconfig", "ldapconfig.caCertificate", "ldapconfig.startTls"}
OF_ADMINISTRATORS = {"admin": LOGINS, "service": LOGINS, "readAdmin": LOGINS}
"""What we have on top of any version (docs/compatibility.md)."""
NARROW = ("agent", "agentRegister", "register", "token")
"""Views of machines and of people who are not logged in yet: they get nothing on top."""


@pytest.fixture
def superadmin(installation: Installation, open_api: OpenApi) -> Api:
    """Who may see with everybody's eyes."""
    return open_api(installation.add_account("superadmin")[1])


def schemas_of(superadmin: Api, role: str) -> dict[str, Any]:
    return {schema["id"]: schema for schema in superadmin.get("schemas", _role=role)["data"]}


@pytest.mark.parametrize("role", ROLES)
def test_every_role_is_offered_all_that_the_v1_api_offered(superadmin: Api, role: str) -> None:
    assert types_of(role)
    assert list(differences(role, schemas_of(superadmin, role))) == []


@pytest.mark.parametrize("role", ROLES)
def test_no_role_is_offered_more_but_what_later_versions_had(superadmin: Api, role: str) -> None:
    assert set(additions(role, schemas_of(superadmin, role))) == _on_top(role)


def _on_top(role: str) -> set[str]:
    if role == "token":
        return {"token.authorizationUrl"}
    if role in NARROW:
        return set()
    audited = {"auditLog"} if role in AUDITED else set()
    return ENDPOINTS | OURS | audited | OF_ADMINISTRATORS.get(role, set())


def test_the_key_of_a_project_gets_the_view_project(api: Api) -> None:
    schemas = {schema["id"]: schema for schema in api.get("schemas")["data"]}
    assert list(differences("project", schemas)) == []


def test_the_types_that_were_asked_for_by_name_are_all_there(api: Api, admin: Api) -> None:
    seen = {schema["id"] for caller in (api, admin) for schema in caller.get("schemas")["data"]}
    assert len(SEED) == 61
    assert set(SEED) - seen == set()


def test_a_difference_is_found(api: Api) -> None:
    schemas = {schema["id"]: schema for schema in api.get("schemas")["data"]}
    del schemas["host"], schemas["port"]["resourceFields"]["publicPort"]
    schemas["service"]["resourceFields"]["name"]["maxLength"] = 63
    schemas["service"]["resourceActions"]["explode"] = {"input": None, "output": None}
    assert list(differences("project", schemas)) == [
        "host is missing",
        "port: field publicPort is missing",
        "service: field name.maxLength: want 255, got 63",
    ]
    assert "service.explode()" in additions("project", schemas)


@pytest.mark.parametrize("name", sorted(name for name in OFFERED if "validIn" in OFFERED[name]))
def test_processes_are_valid_in_the_states_in_which_they_were(name: str) -> None:
    """Ours may be valid in more: every state has a way out."""
    machine = registry[name].machine
    assert isinstance(machine, Machine)
    for action, states in OFFERED[name]["validIn"].items():
        if action in machine.processes:
            assert set(machine.valid_in(action)) >= set(states), action


@pytest.mark.parametrize("name", sorted(name for name in OFFERED if "steps" in OFFERED[name]))
def test_processes_lead_through_the_states_through_which_they_led(name: str) -> None:
    machine = registry[name].machine
    assert isinstance(machine, Machine)
    ours = {(a.process, f"{source} {a.via} {a.to}") for a in machine.arrows for source in a.sources}
    theirs = {(process, line) for process, lines in OFFERED[name]["steps"].items() for line in lines}
    assert theirs - ours == set()


@pytest.mark.parametrize("name", sorted(name for name in OFFERED if "idPrefix" in OFFERED[name]))
def test_ids_begin_as_they_did(name: str) -> None:
    assert registry[name].plain_id or id_prefix(registry[name]) == OFFERED[name]["idPrefix"]
