"""Types that an account is given at run time: what is accepted, and what becomes of resources of such a kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import a_service
from tests.databases import OpenStore
from tests.serving import Api, Installation, OpenApi, Settle
from trailboss.resources.project_member import ProjectMember

FIELDS = {"size": {"type": "int"}, "names": {"type": "array[string]"}, "options": {"type": "map[boolean]"}}
APPLIANCE = {"size": {"type": "int"}, "names": {"type": "array[string]"}}


def a_type(**fields: Any) -> dict[str, Any]:
    definition = json.dumps({"resourceFields": FIELDS})
    return {"accountId": "1a5", "name": "gluster", "parent": "service", "definition": definition, **fields}


def schemas_of(caller: Api) -> dict[str, Any]:
    return {schema["id"]: schema for schema in caller.get("schemas")["data"]}


@pytest.fixture
def appliance(operator: Api, settle: Settle) -> str:
    """The id of a type `appliance` of the project: a kind of stack."""
    definition = json.dumps({"resourceFields": APPLIANCE})
    made = operator.create("dynamicschemas", **a_type(name="appliance", parent="environment", definition=definition))
    settle()
    assert operator.get(f"dynamicschemas/{made['id']}")["state"] == "active"
    return str(made["id"])


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
        ({"parent": "registry"}, "InvalidReference", "parent"),
        ({"parent": "credential"}, "InvalidReference", "parent"),
        ({"parent": "account"}, "InvalidReference", "parent"),
        ({"definition": "{"}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": []}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"scale": {"type": "int"}}}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"a b": {"type": "int"}}}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"x": {"type": "map[json]"}}}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"x": {"type": "password"}}}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"x": {"type": "reference[host]"}}}'}, "InvalidFormat", "definition"),
        ({"definition": '{"resourceFields": {"x": {}}}'}, "InvalidFormat", "definition"),
    ],
)
def test_what_cannot_be_a_type_is_refused(operator: Api, fields: dict[str, Any], code: str, field: str) -> None:
    operator.create("dynamicschemas", **a_type())
    body = a_type(**({"name": "other"} | fields))
    assert operator.refused("POST", "dynamicschemas", json=body) == (422, code, field)
    assert len(operator.get("dynamicschemas")["data"]) == 1


def test_nobody_else_sees_the_rows(api: Api, admin: Api, appliance: str) -> None:
    for caller in (api, admin):
        assert caller.refused("GET", "dynamicschemas")[0] == 404


def test_a_type_merges_with_its_parent_in_the_schemas_of_its_account_only(
    installation: Installation, open_api: OpenApi, operator: Api, api: Api, admin: Api, appliance: str
) -> None:
    found = schemas_of(api)
    parent, schema = found["environment"], found["appliance"]
    own = schema["resourceFields"].keys() - parent["resourceFields"].keys()
    assert own == {"size", "names"}
    assert {name: schema["resourceFields"][name]["type"] for name in own} == {"size": "int", "names": "array[string]"}
    assert {n: f for n, f in schema["resourceFields"].items() if n not in own} == parent["resourceFields"]
    same = ("resourceActions", "collectionFilters", "includeableLinks", "resourceMethods", "collectionMethods")
    assert {name: schema[name] for name in same} == {name: parent[name] for name in same}
    assert schema["pluralName"] == "appliances"
    assert schema["links"]["collection"].endswith("/v1/projects/1a5/appliances")
    assert api.get("schemas/appliance") == schema
    assert "appliances" in api.get("/v1/projects/1a5")["links"]
    assert "appliance" in schemas_of(open_api(installation.project_key)), "by the key alone, too"
    assert "appliance" in schemas_of(open_api(installation.admin_key, "/v1/projects/1a5/"))
    project, key = installation.add_account("project")
    assert project.id != 5
    for other in (admin, operator, open_api(key)):
        assert "appliance" not in schemas_of(other)
        assert other.refused("GET", "appliances")[0] == 404


def test_a_resource_of_such_a_kind_is_made_shown_changed_and_removed_as_what_it_is(
    api: Api, admin: Api, appliance: str, settle: Settle
) -> None:
    made = api.create("appliances", name="box", size="3", names=["a"], description="d")
    stack = api.create("environments", name="shop", size=3)
    assert "size" not in stack
    settle()
    path = f"appliances/{made['id']}"
    kept = api.get(path)
    shown = {name: kept[name] for name in ("type", "kind", "name", "state", "size", "names")}
    assert shown == {
        "type": "appliance", "kind": "appliance", "name": "box", "state": "active", "size": 3, "names": ["a"],
    }  # fmt: skip
    assert kept["links"]["self"].endswith(f"/v1/projects/1a5/{path}")
    assert "addoutputs" in kept["actions"]
    changed = api.ask("PUT", path, json={"size": 4, "description": "e"}).json()
    assert (changed["size"], changed["names"], changed["description"]) == (4, ["a"], "e")
    assert api.refused("PUT", path, json={"size": "many"}) == (422, "InvalidFormat", "size")
    assert [row["id"] for row in api.get("appliances")["data"]] == [made["id"]]
    assert [(row["id"], row["type"]) for row in api.get("environments")["data"]] == [
        (made["id"], "appliance"),
        (stack["id"], "environment"),
    ]
    assert api.get(f"environments/{made['id']}")["size"] == 4
    assert api.refused("GET", f"appliances/{stack['id']}")[0] == 404
    assert api.get("appliances", name="shop")["data"] == []
    assert admin.get(f"environments/{made['id']}")["type"] == "environment", "who sees all accounts sees the parent"
    assert api.ask("POST", f"{path}/?action=remove").json()["type"] == "appliance"
    settle()
    assert api.get(path)["state"] in ("removed", "purged")


def test_readers_look_and_cannot_make_any(
    installation: Installation, open_api: OpenApi, api: Api, appliance: str, settle: Settle
) -> None:
    person, key = installation.add_account("user")
    member = {"account_id": 5, "project_id": 5, "external_id": str(person.id), "role": "readonly", "state": "active"}
    installation.store.write(lambda tx: tx.insert(ProjectMember, **member))
    made = api.create("appliances", name="box", size=1)
    reader = open_api(key, "/v1/projects/1a5/")
    assert reader.get(f"appliances/{made['id']}")["size"] == 1
    assert reader.refused("POST", "appliances", json={"name": "mine"})[0] == 405


def test_a_repeated_creation_is_answered_with_the_same(api: Api, appliance: str) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = (
        api.ask("POST", "appliances", json={"name": "box", "size": 2}, headers=headers).json() for _ in range(2)
    )
    assert first == again and first["size"] == 2
    assert len(api.get("appliances")["data"]) == 1


def test_what_becomes_of_the_type_shows_at_once(operator: Api, api: Api, appliance: str, settle: Settle) -> None:
    made = api.create("appliances", name="box", size=3)
    path = f"dynamicschemas/{appliance}"
    other = '{"resourceFields": {"colour": {"type": "string"}}}'
    assert operator.ask("PUT", path, json={"definition": other}).json()["definition"] == other
    assert operator.refused("PUT", path, json={"definition": "[]"}) == (422, "InvalidFormat", "definition")
    shown = api.get(f"appliances/{made['id']}")
    assert "size" not in shown and shown["colour"] is None
    operator.ask("POST", f"{path}/?action=deactivate")
    settle()
    assert "appliance" not in schemas_of(api)
    assert api.get(f"environments/{made['id']}")["type"] == "environment"
    operator.ask("POST", f"{path}/?action=activate")
    settle()
    assert api.get(f"environments/{made['id']}")["type"] == "appliance"


def test_two_accounts_have_types_of_one_name_with_different_parents(
    open_store: OpenStore, installation: Installation, open_api: OpenApi, operator: Api, api: Api, settle: Settle
) -> None:
    project, key = installation.add_account("project")
    other = open_api(key)
    operator.create("dynamicschemas", **a_type(parent="environment", definition='{"resourceFields": {}}'))
    operator.create(
        "dynamicschemas", **a_type(accountId=f"1a{project.id}", parent="volume", definition='{"resourceFields": {}}')
    )
    settle()
    assert api.create("glusters", name="one")["id"].startswith("1e")
    assert other.create("glusters", name="one", driver="local")["id"].startswith("1v")
    assert len(api.get("glusters")["data"]) == len(other.get("glusters")["data"]) == 1


def test_a_type_that_comes_back_with_another_parent_does_not_take_the_old_rows(
    operator: Api, api: Api, appliance: str, settle: Settle
) -> None:
    made = api.create("appliances", name="box", size=3)
    for action in ("deactivate", "remove"):
        operator.ask("POST", f"dynamicschemas/{appliance}/?action={action}")
        settle()
    operator.create("dynamicschemas", **a_type(name="appliance", parent="volume"))
    settle()
    assert api.create("appliances", name="disk", driver="local", size=1)["id"] == "1v1"
    assert api.get(f"environments/{made['id']}")["type"] == "environment"
    assert [row["id"] for row in api.get("appliances")["data"]] == ["1v1"]


def test_a_service_of_such_a_kind_has_no_containers(operator: Api, api: Api, settle: Settle) -> None:
    operator.create("dynamicschemas", **a_type())
    settle()
    stack = api.create("environments", name="shop")
    made = api.create("glusters", **a_service(stack["id"], size=7, scale=2))
    settle()
    assert (made["type"], made["size"]) == ("gluster", 7)
    api.ask("POST", f"glusters/{made['id']}/?action=activate")
    settle()
    assert api.get(f"glusters/{made['id']}")["state"] == "active"
    assert api.get("containers")["data"] == []
    assert [s["type"] for s in api.get(f"environments/{stack['id']}/services")["data"]] == ["gluster"]
