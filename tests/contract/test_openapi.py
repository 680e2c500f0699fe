"""The OpenAPI document: valid, true for every role, and held by the API whatever a tool makes of it.

Requests are made of each operation of the document, and the answers checked against it. Besides: no 5xx, and a refusal
has changed nothing (`operations.py`). Requests that the document does not allow are in `tests/api/test_fuzz.py`.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.builders import a_container, a_service
from tests.contract.operations import Described, Population, is_link
from tests.serving import Api, Installation, OpenApi
from trailboss.api import openapi
from trailboss.api.schemas import role_view
from trailboss.declare import ROLES, format_id, registry
from trailboss.store.store import Store
from trailboss.store.transaction import Tx

SERVER = "http://127.0.0.1:8080/v1/projects/1a5"


def document(role: str, address: str = SERVER) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi.document(role, address))
    return found


# --- the document -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["superadmin", "register"])
def test_the_document_is_valid(role: str) -> None:
    assert list(OpenAPIV31SpecValidator(document(role)).iter_errors()) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_told_of_all_that_it_may_ask_for_and_of_nothing_else(role: str) -> None:
    found = document(role)
    asked = {
        (method, path)
        for path, item in found["paths"].items()
        for method in item
        if path.count("/") < 3 and method != "parameters"
    }
    expected = set()
    for view in role_view(role).types.values():
        path = f"/{view.type.plural.lower()}"
        if not (view.type.stored or view.type.type == "schema" or (view.type.served and view.type.behaviour.listed)):
            continue
        expected |= {(method.lower(), path) for method in view.collection_methods}
        expected |= {(method.lower(), f"{path}/{{id}}") for method in view.resource_methods}
        expected |= {("post", f"{path}/{{id}}")} if view.actions else set()
    assert asked == expected
    assert expected


def test_every_declared_rule_stands_in_what_may_be_sent() -> None:
    schemas = document("project")["components"]["schemas"]
    create, update = schemas["serviceCreate"], schemas["serviceUpdate"]
    name = registry["service"].by_wire["name"]
    assert create["properties"]["name"]["maxLength"] == name.max_length == 255
    assert create["properties"]["scale"]["type"] == "integer"
    assert create["properties"]["description"]["type"] == ["string", "null"]
    assert set(create["required"]) == {"name", "environmentId"}
    assert "environmentId" not in update["properties"]
    assert create["properties"]["launchConfig"]["anyOf"][0] == {"$ref": "#/components/schemas/launchConfigCreate"}
    launch = schemas["launchConfigCreate"]["properties"]
    assert launch["networkMode"]["enum"][-1] is None
    assert launch["networkMode"]["default"] == "managed"
    assert schemas["service"]["properties"]["state"]["readOnly"] is True
    assert schemas["service"]["properties"]["state"]["enum"][:2] == ["activating", "active"]


def test_characters_that_a_field_may_hold_are_a_pattern() -> None:
    schemas = document("project")["components"]["schemas"]
    pattern = schemas["environmentCreate"]["properties"]["name"]["pattern"]
    assert re.search(pattern, "web-1")
    assert not re.search(pattern, "web_1")


def test_everybody_gets_the_document_of_his_role_and_scope(api: Api, admin: Api, open_api: OpenApi) -> None:
    mine, theirs = api.get("openapi.json"), admin.get("openapi.json")
    assert mine["openapi"] == "3.1.0"
    assert mine["servers"] == [{"url": SERVER}]
    assert theirs["servers"] == [{"url": "http://127.0.0.1:8080/v1"}]
    assert mine == document("project")
    assert set(theirs["paths"]) > set(mine["paths"]) - {"/subscribe"}
    assert open_api(None).refused("GET", "openapi.json")[:2] == (401, "Unauthorized")


# --- the API against it -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def populated(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Population]:
    """An installation with a row of every type, as the project's caller sees it."""
    path = tmp_path_factory.mktemp("openapi") / "test.db"
    shutil.copy(migrated_sqlite, path)
    store = Store(f"sqlite:///{path}")
    store.start()
    installation = Installation(store)
    api = Api(installation.app, installation.project_key, "/v1/projects/1a5/")
    stack = api.create("environments", name="shop")
    api.create("services", **a_service(stack["id"], name="web"))
    api.create("containers", **a_container(ports=["80:80"]))
    api.create("registrationtokens")
    yield Population(installation, api, Described(document("project")), store.write(_one_of_each))
    api.close()
    store.close()


MADE = ("account", "project", "registrationToken")
"""Types whose rows hold what only their creation gives them; there are some already."""


def _one_of_each(tx: Tx) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = {}
    for view in role_view("project").types.values():
        type_ = view.type
        if not type_.stored:
            continue
        if type_.type not in MADE:
            at_rest = [a.to for a in type_.machine.arrows] if type_.machine else [None]
            for state in dict.fromkeys(at_rest):
                tx.insert(type_, account_id=5, name=f"a-{type_.type}", state=state)
        ids[type_.plural.lower()] = [format_id(type_, row.values["id"]) for row in tx.find(type_, live=False)]
    return ids


METHODS = ("GET", "POST", "PUT", "DELETE")
FEW = {"GET": 2, "POST": 6, "PUT": 6, "DELETE": 6}
MANY = {"GET": 60, "POST": 100, "PUT": 100, "DELETE": 40}
"""Requests of an operation."""
OF_A_LINK = 8
"""Of many links one is like another."""


@pytest.mark.parametrize("method", METHODS)
def test_what_the_document_allows_is_answered_as_it_says(populated: Population, method: str) -> None:
    chosen = [o for o in populated.described.operations if o.method.upper() == method and not is_link(o.path)]
    assert chosen
    for operation in chosen:
        populated.check(operation, FEW[method], always_the_same=True)


def test_every_link_is_answered_as_the_document_says(populated: Population) -> None:
    links = [path for path in populated.described.document["paths"] if is_link(path)]
    answered = set()
    for path in links:
        plural = path.split("/")[1]
        for id_ in populated.ids.get(plural, ["1"])[-2:]:
            answer = populated.api.ask("GET", path.removeprefix("/").replace("{id}", id_))
            populated.described.assert_conforms(path, "GET", answer)
            answered.add(answer.status_code)
    assert len(links) > 200
    assert answered == {200, 404}


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", METHODS)
def test_a_lot_of_what_the_document_allows_is_answered_as_it_says(populated: Population, method: str) -> None:
    chosen = [o for o in populated.described.operations if o.method.upper() == method]
    asked, wrong = 0, {}
    for operation in chosen:
        examples = OF_A_LINK if is_link(operation.path) else MANY[method]
        try:
            asked += populated.check(operation, examples, always_the_same=False)
        except Exception as error:  # one finding must not hide those of the operations after it
            wrong[operation.label] = f"{type(error).__name__}: {error}"
    print(f"{method}: {len(chosen)} operations, {asked} requests, {len(wrong)} findings")
    assert wrong == {}


# --- what links bring in ----------------------------------------------------------------------------------------------


def _tied(tx: Tx) -> None:
    """Let every row refer to rows of the types that it may refer to, whatever their kinds."""
    for view in role_view("project").types.values():
        if not view.type.stored:
            continue
        for row in tx.find(view.type, live=False):
            values = {}
            for field in type(row).fields.values():
                target = registry.get(field.target or "")
                if target is None or not target.stored or not field.column or field.name == "account_id":
                    continue
                others = tx.find(target, live=False)
                if others and row.values[field.name] is None:
                    values[field.name] = others[row.values["id"] % len(others)].values["id"]
            tx.change(row, **values)


def test_what_is_included_is_as_the_document_says(populated: Population) -> None:
    api, ids = populated.api, populated.ids
    populated.installation.store.write(_tied)
    described = populated.described.document
    schemas, wrong, seen = described["components"]["schemas"], [], 0
    for view in role_view("project").types.values():
        plural = view.type.plural.lower()
        names = [link.name for link in view.relations.values()]
        for id_ in ids.get(plural, ()) if "GET" in view.resource_methods else ():
            answer = api.ask("GET", f"{plural}/{id_}", params={"include": names})
            operation = described["paths"][f"/{plural}/{{id}}"]["get"]["responses"]["200"]
            schema = {**operation["content"]["application/json"]["schema"], "components": {"schemas": schemas}}
            if answer.status_code == 404:
                continue  # of another account
            assert answer.status_code == 200, (plural, id_, answer.text)
            seen += sum(1 for name in names if answer.json().get(name))
            errors = list(Draft202012Validator(schema).iter_errors(answer.json()))
            wrong += [(plural, id_, list(e.absolute_path)[:3], e.message[:200]) for e in errors]
    assert wrong == []
    assert seen > 300
