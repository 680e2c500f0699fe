"""Types that an account is given at run time: what is accepted of them, and that they have no effect yet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.serving import Api, Installation, OpenApi, Settle
from trailboss.resources.unserved import MESSAGE

FIELDS = {"size": {"type": "int"}, "names": {"type": "array[string]"}, "options": {"type": "map[boolean]"}}


@pytest.fixture
def operator(installation: Installation, open_api: OpenApi) -> Api:
    return open_api(installation.add_account("superadmin")[1])


def a_type(**fields: Any) -> dict[str, Any]:
    definition = json.dumps({"resourceFields": FIELDS})
    return {"accountId": "1a5", "name": "gluster", "parent": "service", "definition": definition, **fields}


def test_a_type_of_an_account_is_stored_and_says_that_it_has_no_effect_yet(
    operator: Api, api: Api, settle: Settle
) -> None:
    made = operator.create("dynamicschemas", **a_type())
    settle()
    kept = operator.get(f"dynamicschemas/{made['id']}")
    assert (kept["name"], kept["parent"], kept["accountId"]) == ("gluster", "service", "1a5")
    assert json.loads(kept["definition"]) == {"resourceFields": FIELDS}
    assert (kept["state"], kept["transitioning"], kept["transitioningMessage"]) == ("inactive", "error", MESSAGE)
    assert [row["id"] for row in operator.get("dynamicschemas", name="gluster")["data"]] == [made["id"]]
    assert "gluster" not in {schema["id"] for schema in api.get("schemas")["data"]}
    assert operator.ask("DELETE", f"dynamicschemas/{made['id']}").json()["state"] == "removing"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"name": None}, "MissingRequired", "name"),
        ({"name": "a-b"}, "InvalidCharacters", "name"),
        ({"name": "Hosts"}, "NotUnique", "name"),
        ({"name": "Gluster"}, "NotUnique", "name"),
        ({"parent": None}, "MissingRequired", "parent"),
        ({"parent": "nonsense"}, "InvalidReference", "parent"),
        ({"parent": "launchConfig"}, "InvalidReference", "parent"),
        ({"parent": "nic"}, "InvalidReference", "parent"),
        ({"definition": "{"}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": []}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"scale": {"type": "int"}}}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"x": {"type": "map[json]"}}}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"x": {"type": "reference[host]"}}}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"x": {}}}'}, "InvalidFormat", "definition"),
    ],
)
def test_what_cannot_be_a_type_is_refused(operator: Api, fields: dict[str, Any], code: str, field: str) -> None:
    operator.create("dynamicschemas", **a_type())
    body = a_type(**({"name": "other"} | fields))
    assert operator.refused("POST", "dynamicschemas", json=body) == (422, code, field)
    assert len(operator.get("dynamicschemas")["data"]) == 1


def test_its_definition_can_be_changed_to_one_that_is_right(operator: Api, settle: Settle) -> None:
    made = operator.create("dynamicschemas", **a_type())
    settle()
    path = f"dynamicschemas/{made['id']}"
    other = '{"resourceFields": {"size": {"type": "string"}}}'
    assert operator.ask("PUT", path, json={"definition": other}).json()["definition"] == other
    assert operator.refused("PUT", path, json={"definition": "[]"}) == (422, "InvalidFormat", "definition")
    assert operator.get(path)["definition"] == other


def test_another_account_may_have_a_type_of_the_same_name(operator: Api) -> None:
    for account in ("1a5", "1a1"):
        operator.create("dynamicschemas", **a_type(accountId=account))


def test_nobody_else_sees_them(api: Api, admin: Api) -> None:
    for caller in (api, admin):
        assert caller.refused("GET", "dynamicschemas")[0] == 404
