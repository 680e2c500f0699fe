"""Create, update, delete, actions; which error for which body (01-api-wire section 7)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_container, a_service
from tests.serving import Api, Installation, OpenApi, Settle
from trailboss.api.body import MAX_FORM, MAX_JSON
from trailboss.resources.agent import Agent
from trailboss.resources.environment import Environment
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.instance.actions import StreamRequest


@pytest.fixture
def stack(api: Api) -> dict[str, Any]:
    """A stack."""
    created: dict[str, Any] = api.create("environments", name="shop")
    return created


@pytest.fixture
def host(installation: Installation) -> str:
    """The id of an active host with labels."""

    def make(tx: Any) -> Host:
        return tx.insert(Host, account_id=5, kind="docker", name="h", labels={"a": "1"}, state="active")

    return f"1h{installation.store.write(make).id}"


def test_a_new_resource_is_answered_in_its_first_transitional_state(api: Api) -> None:
    made = api.create("environments", name="shop")
    assert (made["state"], made["transitioning"], made["transitioningMessage"]) == (
        "activating",
        "yes",
        "Waiting for its turn",
    )
    assert (made["accountId"], made["kind"], made["type"]) == ("1a5", "environment", "environment")
    assert made["uuid"] and made["createdTS"]
    assert api.get(made["links"]["self"]) == made


def test_defaults_apply_even_to_fields_that_the_role_cannot_set(api: Api) -> None:
    made = api.create("containers", **a_container(allocationState="active", privileged=None, state="running", id="7"))
    assert (made["networkMode"], made["privileged"], made["version"]) == ("managed", False, "0")
    assert (made["state"], made["id"]) == ("creating", "1i1")


def test_values_are_converted_where_that_is_clear(api: Api, stack: dict[str, Any]) -> None:
    made = api.create("services", **a_service(stack["id"], scale="2", metadata={"deep": {"a": [1, None]}}))
    assert (made["scale"], made["metadata"]) == (2, {"deep": {"a": [1, None]}})
    one = api.create(
        "containers", **a_container(privileged="true", ports="80", memory=5.0, environment={"A": 1, "B": True})
    )
    assert (one["privileged"], one["ports"], one["memory"]) == (True, ["80"], 5)
    assert one["environment"] == {"A": "1", "B": "true"}


def test_embedded_objects_are_a_create_of_their_type(api: Api, stack: dict[str, Any]) -> None:
    made = api.create(
        "services", **a_service(stack["id"], launchConfig={"name": "x", "ports": ["80"], "nonsense": 1, "tty": "true"})
    )
    config = made["launchConfig"]
    assert (config["networkMode"], config["ports"], config["tty"]) == ("managed", ["80"], True)
    assert not {"name", "nonsense", "labels", "restartPolicy"} & config.keys()


def test_references_inside_embedded_objects_go_in_and_out_as_ids(api: Api, stack: dict[str, Any]) -> None:
    one = api.create("containers", **a_container())
    config = {"dataVolumesFrom": [one["id"]], "networkMode": "container", "networkContainerId": one["id"]}
    made = api.create("services", **a_service(stack["id"], launchConfig=config))
    assert made["launchConfig"]["dataVolumesFrom"] == [one["id"]]
    assert made["launchConfig"]["networkContainerId"] == one["id"]


@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        ("environments", {}, "MissingRequired", "name"),
        ("environments", {"name": None}, "MissingRequired", "name"),
        ("environments", {"name": ""}, "MinLengthExceeded", "name"),
        ("environments", {"name": "x" * 256}, "MaxLengthExceeded", "name"),
        ("environments", {"name": "a_b"}, "InvalidCharacters", "name"),
        ("environments", {"name": "-a"}, "InvalidCharacters", "name"),
        ("environments", {"name": "SHOP"}, "NotUnique", "name"),
        ("environments", {"name": {"a": 1}}, "InvalidFormat", "name"),
        ("environments", {"name": "a", "description": "x" * 1025}, "MaxLengthExceeded", "description"),
        ("environments", {"name": "a", "description": "a\0b"}, "InvalidCharacters", "description"),
        ("environments", {"name": "a", "environment": "A=1"}, "InvalidFormat", "environment"),
        ("environments", {"name": "a", "environment": None}, "NotNullable", "environment"),
        ("environments", {"name": "a", "startOnCreate": "maybe"}, "InvalidFormat", "startOnCreate"),
        ("containers", {}, "MissingRequired", "imageUuid"),
        ("containers", {"imageUuid": "docker:a:b:c"}, "InvalidReference", "imageUuid"),
        ("containers", {"imageUuid": "docker:a", "networkMode": "weird"}, "InvalidOption", "networkMode"),
        ("containers", {"imageUuid": "docker:a", "capAdd": ["ALL", "NONE"]}, "InvalidOption", "capAdd"),
        ("containers", {"imageUuid": "docker:a", "command": ["a", None]}, "NotNullable", "command"),
        ("containers", {"imageUuid": "docker:a", "command": [["a"]]}, "InvalidFormat", "command"),
        ("containers", {"imageUuid": "docker:a", "labels": {"a": None}}, "NotNullable", "labels"),
        ("containers", {"imageUuid": "docker:a", "environment": {"a": None}}, "NotNullable", "environment"),
        ("containers", {"imageUuid": "docker:a", "memory": "much"}, "InvalidFormat", "memory"),
        ("containers", {"imageUuid": "docker:a", "memory": 1.5}, "InvalidFormat", "memory"),
        ("containers", {"imageUuid": "docker:a", "memory": True}, "InvalidFormat", "memory"),
        ("containers", {"imageUuid": "docker:a", "memory": 2**63}, "MaxLimitExceeded", "memory"),
        ("containers", {"imageUuid": "docker:a", "memory": "-9999999999999999999"}, "MinLimitExceeded", "memory"),
        ("containers", {"imageUuid": "docker:a", "requestedHostId": "1h99"}, "InvalidReference", "requestedHostId"),
        ("containers", {"imageUuid": "docker:a", "requestedHostId": "7"}, "InvalidReference", "requestedHostId"),
        ("containers", {"imageUuid": "docker:a", "requestedHostId": ["1h1"]}, "InvalidReference", "requestedHostId"),
        ("containers", {"imageUuid": "docker:a", "networkIds": ["1n1"]}, "InvalidReference", "networkIds"),
        ("containers", {"imageUuid": "docker:a", "healthCheck": {"port": 0}}, "MinLimitExceeded", "port"),
        ("containers", {"imageUuid": "docker:a", "healthCheck": {"port": 65536}}, "MaxLimitExceeded", "port"),
        ("containers", {"imageUuid": "docker:a", "healthCheck": {}}, "MissingRequired", "port"),
        ("containers", {"imageUuid": "docker:a", "healthCheck": 5}, "InvalidFormat", "healthCheck"),
        ("services", {"name": "a", "environmentId": "1e1", "scale": None}, "InvalidOption", "imageUuid"),
        ("services", {"name": "a", "environmentId": "1e1", "scale": -1}, "MinLimitExceeded", "scale"),
        ("services", {"name": "a", "environmentId": None}, "NotNullable", "environmentId"),
        ("services", {"name": "a", "environmentId": "1e77"}, "InvalidReference", "environmentId"),
        (
            "services",
            {"name": "a", "environmentId": "1e1", "secondaryLaunchConfigs": [{"imageUuid": "docker:a"}]},
            "MissingRequired",
            "name",
        ),
    ],
)
def test_a_body_that_is_not_right_gets_the_code_of_the_rule(
    api: Api, stack: dict[str, Any], path: str, body: dict[str, Any], code: str, field: str
) -> None:
    before = api.get(path)["data"]
    assert api.refused("POST", path, json=body) == (422, code, field)
    assert api.get(path)["data"] == before


@pytest.mark.parametrize(
    "content", [b"{", b"nonsense", b'"text"', b"5", b"\xff", b'{"a":' * 60 + b"1" + b"}" * 60, b"[" * 9999]
)
def test_a_body_that_is_no_json_is_refused(api: Api, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert api.refused("POST", "environments", content=content, headers=headers) == (400, "InvalidBodyContent", None)


def test_a_body_without_a_content_type_is_json_and_an_array_has_no_fields(api: Api) -> None:
    assert api.ask("POST", "environments", content=b'{"name": "plain"}').status_code == 201
    assert api.refused("POST", "environments", content=b'[{"name": "a"}]') == (422, "MissingRequired", "name")
    assert api.refused("POST", "environments", content=b" ") == (422, "MissingRequired", "name")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_json_under_another_content_type_is_refused(api: Api, kind: str) -> None:
    refused = api.refused("POST", "environments", content=b'{"name": "a"}', headers={"Content-Type": kind})
    assert refused == (415, "Unsupported Media Type", None)


def test_bodies_are_bounded(api: Api) -> None:
    assert api.refused("POST", "environments", data={"description": "x" * MAX_FORM})[:2] == (
        413,
        "Request Entity Too Long",
    )
    assert api.refused("POST", "environments", json={"description": "x" * MAX_JSON})[0] == 413


def test_types_that_are_only_embedded_have_no_rows(api: Api) -> None:
    assert api.refused("POST", "launchconfigs", json={"imageUuid": "docker:a"})[0] == 405
    assert api.refused("POST", "dockerbuilds", json={})[0] == 405
    assert api.get("dockerbuilds")["data"] == []
    assert api.refused("GET", "dockerbuilds/1db1")[0] == 404


def test_an_update_changes_what_was_sent_and_may_be_changed(api: Api, stack: dict[str, Any]) -> None:
    url = stack["links"]["self"]
    changed = api.ask(
        "PUT", url, json={"description": "new", "nonsense": 1, "id": "1e9", "uuid": "x", "dockerCompose": "y"}
    )
    assert changed.status_code == 200
    assert changed.json() == {**stack, "description": "new"}
    assert api.ask("PUT", url, json={}).json()["description"] == "new"
    assert api.ask("PUT", url, json={"outputs": {"a": "1"}}).json()["outputs"] == {"a": "1"}
    assert api.ask("PUT", url, json={"outputs": {"b": "2"}}).json()["outputs"] == {"b": "2"}
    assert api.ask("PUT", url, json={"description": None}).json()["description"] is None


def test_an_update_is_checked_like_a_creation_but_requires_nothing(api: Api, stack: dict[str, Any]) -> None:
    url = stack["links"]["self"]
    assert api.refused("PUT", url, json={"name": "a b"}) == (422, "InvalidCharacters", "name")
    assert api.refused("PUT", "environments/1e99", json={"name": "a b"})[0] == 422
    assert api.refused("PUT", "environments/1e99", json={"name": "ab"})[0] == 404


def test_labels_of_a_host_are_a_process_and_its_name_is_not(api: Api, host: str) -> None:
    assert api.ask("PUT", f"hosts/{host}", json={"name": "new", "labels": {"a": "1"}}).json()["state"] == "active"
    assert api.ask("PUT", f"hosts/{host}", json={"labels": {"a": "2"}}).json()["state"] == "updating-active"


def test_a_removal_is_answered_with_the_resource(api: Api, stack: dict[str, Any], settle: Settle) -> None:
    url = stack["links"]["self"]
    settle()
    removing = api.ask("DELETE", url)
    assert (removing.status_code, removing.json()["state"]) == (200, "removing")
    settle()
    gone = api.get(url)
    assert (gone["state"], gone["transitioning"]) == ("removed", "no")
    assert gone["removedTS"]
    assert api.ask("DELETE", url).json()["state"] == "removed"
    assert api.refused("PUT", url, json={"description": "x"})[0] == 405


def test_what_cannot_be_removed_in_its_state_is_not_allowed(api: Api, host: str) -> None:
    assert api.refused("DELETE", f"hosts/{host}")[:2] == (405, "Method not allowed")
    assert api.ask("POST", f"hosts/{host}?action=deactivate").status_code == 202


def test_purged_rows_are_not_removed_again(api: Api, stack: dict[str, Any], installation: Installation) -> None:
    def purge(tx: Any) -> None:
        tx.change(tx.require(Environment, 1), state="purged", removed=tx.now, remove_time=tx.now)

    installation.store.write(purge)
    assert api.refused("DELETE", stack["links"]["self"])[0] == 405


def test_a_process_answers_202_and_another_action_200(api: Api, stack: dict[str, Any], settle: Settle) -> None:
    made = api.create("services", **a_service(stack["id"], scale=0))
    settle()
    activate = api.ask("POST", api.get(made["links"]["self"])["actions"]["activate"])
    assert (activate.status_code, activate.json()["state"]) == (202, "activating")
    link = {"serviceLink": {"serviceId": made["id"]}}
    assert api.ask("POST", f"services/{made['id']}/?action=addservicelink", json=link).status_code == 200
    outputs = api.ask("POST", stack["actions"]["addoutputs"], json={"outputs": {"a": "1"}})
    assert (outputs.status_code, outputs.json()["outputs"]) == (200, {"a": "1"})


def test_actions_are_refused_in_the_order_of_the_rules(api: Api, stack: dict[str, Any]) -> None:
    url = f"environments/{stack['id']}/?action="
    assert api.refused("POST", url + "nonsense") == (422, "InvalidAction", "action")
    assert api.refused("POST", "environments/1e99?action=remove")[0] == 404
    assert api.refused("POST", url + "rollback") == (422, "ActionNotAvailable", "action")
    assert api.refused("POST", url + "update") == (422, "ActionNotAvailable", "action")
    assert api.refused("POST", url + "addoutputs", json={}) == (422, "MissingRequired", "outputs")
    assert api.refused("POST", url + "addoutputs", json={"outputs": 5}) == (422, "InvalidFormat", "outputs")
    assert api.refused("POST", f"environments/{stack['id']}")[0] == 405


def test_actions_that_are_not_served_are_in_the_schema_but_never_offered(api: Api, installation: Installation) -> None:
    made = api.create("containers", **a_container())
    assert "execute" in api.get("schemas/container")["resourceActions"]
    row = installation.store.read(lambda r: r.require(Container, 1))
    installation.store.write(lambda tx: tx.change(row, state="running"))
    assert "execute" not in api.get(made["links"]["self"])["actions"]
    response = api.ask("POST", f"containers/{made['id']}?action=execute", json={"command": ["sh"]})
    assert response.json()["code"] == "ActionNotAvailable"
    assert response.json()["message"] == "this version does not serve execute of a container"


@pytest.mark.parametrize("plural", ["environments", "services"])
def test_what_is_required_cannot_be_taken_away(api: Api, stack: dict[str, Any], plural: str, settle: Settle) -> None:
    row = stack if plural == "environments" else api.create("services", **a_service(stack["id"], name="web"))
    for _ in ("on its way", "at rest"):
        assert api.refused("PUT", row["links"]["self"], json={"name": None}) == (422, "NotNullable", "name")
        settle()


def test_the_update_action_does_what_put_does(api: Api, host: str) -> None:
    updated = api.ask("POST", f"hosts/{host}?action=update", json={"labels": {"a": "3"}})
    assert (updated.status_code, updated.json()["labels"]) == (202, {"a": "3"})


def test_a_live_stream_is_opened_after_the_commit(api: Api, installation: Installation) -> None:
    asked: list[tuple[StreamRequest, int]] = []
    installation.context.open_stream = lambda wanted, caller: (
        asked.append((wanted, caller.account_id)) or {"url": "/v1/logs/", "token": "t0"}
    )
    made = api.create("containers", **a_container())
    row = installation.store.read(lambda r: r.require(Container, 1))
    installation.store.write(lambda tx: tx.change(row, state="running", host_id=7))
    offered = api.get(made["links"]["self"])["actions"]["logs"]
    access = api.ask("POST", offered, json={"lines": 5, "follow": False})
    assert access.status_code == 200
    assert access.json()["type"] == "hostAccess"
    assert (access.json()["url"], access.json()["token"]) == ("ws://127.0.0.1:8080/v1/logs/", "t0")
    wanted, account = asked[0]
    assert (wanted.kind, wanted.host_id, account) == ("logs", 7, 5)
    assert wanted.options == {"lines": 5, "follow": False}
    assert api.refused("POST", offered, json={"lines": -1}) == (422, "MinLimitExceeded", "lines")


def test_a_reader_may_see_logs_and_nothing_else(admin: Api, api: Api, installation: Installation) -> None:
    made = api.create("containers", **a_container())
    row = installation.store.read(lambda r: r.require(Container, 1))
    installation.store.write(lambda tx: tx.change(row, state="running", host_id=7))
    seen = admin.get(made["links"]["self"], _role="readonly")
    assert list(seen["actions"]) == ["logs"]
    installation.context.open_stream = lambda wanted, caller: {
        "url": "/v1/logs/",
        "token": str(wanted.options["lines"]),
    }
    opened = admin.ask("POST", seen["actions"]["logs"] + "&_role=readonly", json={"lines": 7})
    assert opened.json()["token"] == "7"


def test_a_stack_is_exported_as_compose_texts(api: Api, stack: dict[str, Any]) -> None:
    web = api.create("services", **a_service(stack["id"], scale=3, launchConfig={"ports": ["8080:80"]}))
    database = api.create("services", **a_service(stack["id"], name="db"))
    link = {"serviceLink": {"serviceId": database["id"], "name": "data"}}
    api.ask("POST", f"services/{web['id']}?action=addservicelink", json=link)
    config = api.ask("POST", stack["actions"]["exportconfig"], json={}).json()
    assert config["type"] == "composeConfig"
    assert "web:" in config["dockerComposeConfig"] and "db:data" in config["dockerComposeConfig"]
    assert "scale: 3" in config["rancherComposeConfig"]
    one = api.ask("POST", stack["actions"]["exportconfig"], json={"serviceIds": [database["id"]]}).json()
    assert "web:" not in one["dockerComposeConfig"]
    archive = api.ask("GET", stack["links"]["composeConfig"])
    assert archive.headers["Content-Type"] == "application/zip"
    assert archive.content.startswith(b"PK")


def test_an_api_key_shows_its_secret_once(api: Api, admin: Api, open_api: OpenApi, settle: Settle) -> None:
    made = api.create("apikeys", name="ci", publicValue="ABC", secretValue="x")
    assert len(made["publicValue"]) == 20 and len(made["secretValue"]) == 40
    for caller in (api, admin):
        assert caller.get(f"/v1/apikeys/{made['id']}")["secretValue"] is None
        assert caller.get(f"/v1/credentials/{made['id']}")["secretValue"] is None
    key = (made["publicValue"], made["secretValue"])
    assert open_api(key).refused("GET", "/v1")[0] == 401, "not active yet"
    settle()
    assert open_api(key).get("/v1")
    assert api.ask("POST", f"apikeys/{made['id']}?action=deactivate").json()["secretValue"] is None
    assert open_api(key).refused("GET", "/v1")[0] == 401


def test_an_administrator_makes_keys_for_any_account_and_public_values_are_unique(admin: Api) -> None:
    made = admin.create("apikeys", accountId="1a5", publicValue="MyKey", secretValue="my secret")
    assert (made["accountId"], made["publicValue"], made["secretValue"]) == ("1a5", "MyKey", "my secret")
    assert admin.refused("POST", "apikeys", json={"publicValue": "mykey"}) == (422, "NotUnique", "publicValue")
    assert admin.refused("POST", "apikeys", json={"accountId": "1a77"}) == (422, "InvalidReference", "accountId")


def test_secrets_never_leave_by_other_ways(api: Api, admin: Api, installation: Installation) -> None:
    made = api.create("apikeys", name="ci")
    token = api.create("registrationtokens")
    assert not {"publicValue", "secretValue"} & token.keys()
    everything = str([c.get("credentials") for c in (api, admin)])
    assert made["secretValue"] not in everything
    journal = installation.store.read(lambda r: r.run("SELECT change FROM journal"))
    assert made["secretValue"] not in str(journal)


def test_unique_fields_are_compared_with_what_the_caller_sees(admin: Api, installation: Installation) -> None:
    def make(tx: Any) -> None:
        tx.insert(Agent, account_id=1, uri="event://1", state="active")

    installation.store.write(make)
    body = {"uri": "event://1", "user": "x"}
    as_agent = {"_role": "agentRegister"}
    assert admin.refused("POST", "agents", json=body, params=as_agent) == (422, "NotUnique", "uri")
    assert admin.ask("POST", "agents", json={**body, "uri": "event://2"}, params=as_agent).status_code == 201


def test_flags_of_a_removal_reach_the_type(api: Api, installation: Installation) -> None:
    made = api.create("containers", **a_container())
    api.ask("DELETE", made["links"]["self"], params={"purge": "true"})
    assert installation.store.read(lambda r: r.require(Container, 1)).purge_at_once is True
    other = api.create("containers", **a_container())
    api.ask("DELETE", other["links"]["self"], params={"purge": "false"})
    assert not installation.store.read(lambda r: r.require(Container, 2)).purge_at_once
