"""Rules of the wire format that no other test is about; `docs/wire-rules.md` says which test is about which rule."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.builders import a_container, a_service
from tests.contract.check import OFFERED
from tests.contract.world import World
from tests.serving import Api, Installation, OpenApi, Settle, running_api
from tests.waiting import eventually
from trailboss.api.paging import MAX_FILTERS
from trailboss.errors import REASONS
from trailboss.resources.agent import Agent
from trailboss.resources.credential import AgentApiKey
from trailboss.resources.host import Host
from trailboss.resources.load_balancer import LoadBalancer
from trailboss.resources.load_balancer.maps import LoadBalancerHostMap
from trailboss.server.http_limits import MAX_HEADERS, MAX_URL
from trailboss.store.transaction import Tx

BASE = "http://127.0.0.1:8080"
PROXY = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "boss.example", "X-Forwarded-For": "203.0.113.9"}


def texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


# --- URLs and headers -------------------------------------------------------------------------------------------


def test_behind_a_proxy_no_link_of_any_answer_names_the_inner_address(
    world: World, installation: Installation, open_api: OpenApi
) -> None:
    installation.context.open_stream = lambda wanted, caller: {"url": "/v1/logs/", "token": "t"}
    container = world.callers["project"].create("containers", **a_container())
    row = int(container["id"].removeprefix("1i"))
    installation.store.write(lambda tx: tx.change(tx.require(type_of("container"), row), state="running", host_id=1))
    operator = installation.add_account("superadmin")[1]
    for role, key in (("project", installation.project_key), ("admin", installation.admin_key), ("operator", operator)):
        prefix = "/v1/projects/1a5/" if role == "project" else "/v1/"
        caller = open_api(key, prefix, **PROXY)
        schemas = caller.get(prefix + "schemas")
        answers = [caller.get("/"), caller.get("/v1"), schemas]
        listed = [schema for schema in schemas["data"] if "collection" in schema["links"]]
        answers += [caller.get(schema["links"]["collection"], sort="id", limit="1") for schema in listed]
        if role == "project":
            answers.append(caller.ask("POST", f"containers/{container['id']}/?action=logs", json={}).json())
            assert answers[-1]["url"] == "wss://boss.example/v1/logs/"
            token = caller.get(f"registrationtokens/{world.prepared['registrationToken']}")
            assert token["registrationUrl"].startswith("https://boss.example/v1/projects/1a5/scripts/")
            assert token["registrationUrl"] in token["command"]
            script = open_api(None, **PROXY).ask("GET", urlsplit(token["registrationUrl"]).path).text
            assert 'CATTLE_URL="https://boss.example/v1"' in script
            assert 'DETECTED_CATTLE_AGENT_IP="203.0.113.9"' in script
        found = list(texts(answers))
        assert len(found) > 2000
        assert [text for text in found if "http:" in text or "127.0.0.1:" in text] == []
        refused = caller.ask("GET", "nonsense")
        assert refused.headers["X-API-Schemas"] == f"https://boss.example{prefix}schemas"


def type_of(name: str) -> Any:
    from trailboss.declare import registry

    return registry[name]


def test_a_trusted_proxy_may_name_the_whole_address(api: Api, admin: Api) -> None:
    headers = {"X-API-request-url": "https://other.example:8443/v1/containers"}
    assert api.ask("GET", "/v1", headers=headers).json()["links"]["self"] == f"{BASE}/v1"
    admin.create("settings", name="api.allow.client.override", value="true")
    answer = api.ask("GET", "/v1", headers=headers)
    assert answer.json()["links"]["self"] == "https://other.example:8443/v1"
    assert answer.headers["X-API-Schemas"] == "https://other.example:8443/v1/schemas"
    nonsense = api.ask("GET", "/v1", headers={"X-API-request-url": 'javascript://"<'})
    assert nonsense.json()["links"]["self"] == f"{BASE}/v1"


def test_answers_are_neither_compressed_nor_opened_to_other_origins(api: Api) -> None:
    answer = api.ask("GET", "schemas", headers={"Accept-Encoding": "gzip, br", "Origin": "https://evil.example"})
    assert "Content-Encoding" not in answer.headers
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_names_of_links_and_actions_have_no_case_in_urls(api: Api, settle: Settle) -> None:
    stack = api.create("environments", name="shop")
    settle()
    assert api.get(f"environments/{stack['id']}/Services")["resourceType"] == "service"
    assert api.ask("POST", f"ENVIRONMENTS/{stack['id']}?action=AddOutputs", json={"outputs": {}}).status_code == 200
    assert api.ask("POST", f"environments/{stack['id']}?action=addoutputs", json={"outputs": {}}).status_code == 200
    assert api.get("environments", NAME="other")["data"], "but names of fields have: this one is no filter"


def test_a_get_may_ask_for_another_method(api: Api) -> None:
    stack = api.create("environments", name="shop")
    assert api.ask("GET", f"environments/{stack['id']}", params={"_method": "delete"}).json()["state"] == "removing"
    assert api.refused("GET", "environments", params={"_method": "PATCH"})[0] == 405


def raw_request(url: str, target: str, *headers: str) -> tuple[str, dict[str, Any]]:
    """Send a request as it is; return the status line and the document of the answer."""
    address = urlsplit(url)
    lines = [f"GET {target} HTTP/1.1", f"Host: {address.netloc}", "Connection: close", *headers, "", ""]
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, content = answer.partition(b"\r\n\r\n")
    return head.decode().splitlines()[0], json.loads(content)


def test_what_is_too_long_to_be_meant_is_a_typed_error(installation: Installation) -> None:
    with running_api(installation.app) as url:
        for size in (15 * 1024, MAX_URL - 100):
            line, found = raw_request(url, f"/v1/environments?name={'x' * size}", f"X-Long: {'x' * (size - 500)}")
            assert found["code"] == "Unauthorized", (size, line)
        for target, header, status, code in (
            (f"/v1/environments?name={'x' * MAX_URL}", "X-Short: x", 414, "Request URI Too Long"),
            (f"/v1/environments?name={'x' * 1_000_000}", "X-Short: x", 414, "Request URI Too Long"),
            ("/v1/environments", f"X-Long: {'x' * MAX_HEADERS}", 413, "Request Entity Too Long"),
            ("/v1/environments", "no header", 400, "Bad Request"),
        ):
            line, found = raw_request(url, target, header)
            assert (found["type"], found["status"], found["code"]) == ("error", status, code)
            assert line.startswith(f"HTTP/1.1 {status} ")


def test_a_collection_takes_a_bounded_number_of_filters_and_an_include_counts_once(api: Api) -> None:
    api.create("environments", name="shop")
    assert api.get("environments", name=["shop"] * MAX_FILTERS)["data"]
    refused = api.refused("GET", "environments", params={"name": ["shop"] * (MAX_FILTERS + 1)})
    assert refused == (414, "Request URI Too Long", None)
    assert api.get("environments", include=["services", "SERVICES"] * 500)["data"][0]["services"] == []


# --- schemas ----------------------------------------------------------------------------------------------------

ALWAYS = {"type", "create", "update", "readOnCreateOnly"}
WHERE_SET = {
    "nullable", "required", "unique", "default", "options", "min", "max", "minLength", "maxLength", "validChars",
    "invalidChars", "transform",
}  # fmt: skip


def test_a_schema_says_of_a_field_what_applies_and_nothing_else(api: Api) -> None:
    schemas = api.get("schemas")["data"]
    for schema in schemas:
        assert list(schema)[:4] == ["id", "type", "links", "actions"]
        assert schema["links"].keys() == {"self"} | ({"collection"} if "GET" in schema["collectionMethods"] else set())
        for name, field in schema["resourceFields"].items():
            assert ALWAYS <= field.keys() <= ALWAYS | WHERE_SET, (schema["id"], name)
            unset = [rule for rule in WHERE_SET - {"default"} if rule in field and field[rule] in (None, "", [])]
            assert not unset, (schema["id"], name)
    named = {s["id"] for s in schemas}
    inputs = {a["input"] for s in schemas for a in s["resourceActions"].values() if a["input"]}
    assert inputs <= named


def test_a_field_goes_with_the_type_of_what_it_holds(open_api: OpenApi, installation: Installation) -> None:
    agent = open_api(installation.add_account("agent")[1])
    seen = {s["id"]: s["resourceFields"] for s in agent.get("schemas")["data"]}
    primitive = {"string", "password", "float", "int", "date", "blob", "boolean", "enum", "json"}
    for name, fields in seen.items():
        for field in fields.values():
            inner = field["type"].rpartition("[")[2].rstrip("]")
            assert "reference[" in field["type"] or inner in primitive | seen.keys(), (name, field)


# --- ids, roles, scopes -----------------------------------------------------------------------------------------


def test_raw_ids_go_in_and_out_of_the_whole_request(admin: Api, api: Api) -> None:
    stack = api.create("environments", name="shop")
    service = api.create("services", **a_service(stack["id"]))
    raw, number = service["id"].removeprefix("1s"), stack["id"].removeprefix("1e")
    plain = {"_plainId": "true"}
    shown = admin.ask("GET", f"services/{raw}", params={**plain, "include": "environment"})
    document = shown.json()
    assert (document["id"], document["environmentId"], document["environment"]["id"]) == (raw, number, number)
    assert document["links"]["self"] == f"{BASE}/v1/services/{raw}"
    assert document["actions"]["remove"] == f"{BASE}/v1/services/{raw}/?action=remove"
    assert shown.headers["X-API-Account-Id"] == "1"
    assert [s["id"] for s in admin.get("services", environmentId=number, **plain)["data"]] == [raw]
    assert admin.get(f"environments/{number}/services", **plain)["links"]["self"].endswith(f"/{number}/services")
    made = admin.ask("POST", "apikeys", params=plain, json={"accountId": "5"}).json()
    assert made["accountId"] == "5"
    inside = admin.ask("GET", "/v1/projects/1a5/services", params=plain).json()["data"]
    assert [s["id"] for s in inside] == [raw]


def test_another_role_can_only_narrow(world: World, admin: Api, api: Api, installation: Installation) -> None:
    def sees(caller: Api, path: str = "schemas", **query: str) -> set[str]:
        return {s["id"] for s in caller.get(path, **query)["data"]}

    own, inside = sees(admin), sees(admin, "/v1/projects/1a5/schemas")
    for above in ("superadmin", "service"):
        assert sees(admin, _role=above) == own, "no administrator makes himself more than that"
        assert len(sees(world.callers["superadmin"], _role=above)) >= len(own)
    assert len(admin.get("accounts", _role="user")["data"]) == 1 < len(admin.get("accounts")["data"])
    for outside in ("admin", "service", "superadmin", "readAdmin"):
        assert sees(admin, "/v1/projects/1a5/schemas", _role=outside) == inside, "inside, powers are left outside"
    assert sees(admin, "/v1/projects/1a5/schemas", _role="readonly") < inside
    for caller in (api, world.callers["user"], world.callers["service"], world.callers["agent"]):
        assert sees(caller, _role="token") == sees(caller), "nobody else is asked"
    installation.set("api.security.enabled", "false")
    assert "agentApiKey" in sees(admin, _role="superadmin")


def test_through_the_scope_or_by_the_projects_key_resources_are_the_same_but_for_the_prefix(
    world: World, open_api: OpenApi, installation: Installation
) -> None:
    plain = open_api(installation.project_key)
    # noted once and behind the answers: not between the two reads that are compared
    eventually(lambda: plain.get("apikeys/1c1")["lastUsed"], what="the use of the key is noted")
    for name, spec in OFFERED.items():
        if "GET" not in spec["methods"].get("project", [[]])[0] or name in ("schema", "register", "projectMember"):
            continue
        scoped = json.dumps(world.callers["project"].get(spec["plural"]))
        assert json.loads(scoped.replace("/v1/projects/1a5/", "/v1/")) == json.loads(
            json.dumps(plain.get(spec["plural"])).replace("/v1/projects/1a5/", "/v1/")
        ), name


def test_a_project_path_inside_of_a_project_path_works(api: Api, admin: Api) -> None:
    for caller in (api, admin):
        assert caller.get("/v1/projects/1a5/projects/1a5/environments")["resourceType"] == "environment"
        assert caller.get("/v1/projects/1a5/projects/1a5")["id"] == "1a5"


# --- collections ------------------------------------------------------------------------------------------------


def test_an_item_whose_type_is_not_seen_is_shown_as_its_base_type_or_left_out(
    installation: Installation, admin: Api, open_api: OpenApi
) -> None:
    agent, key = installation.add_account("agent")
    installation.store.write(
        lambda tx: tx.insert(AgentApiKey, account_id=agent.id, public_value="p", secret_value="s", state="active")
    )
    shown = [c for c in admin.get("credentials")["data"] if c["accountId"] == f"1a{agent.id}"]
    assert sorted((c["type"], c["secretValue"]) for c in shown) == [("apiKey", None), ("credential", None)]
    credential = next(c for c in shown if c["type"] == "credential")
    assert credential["links"]["self"].endswith(f"/credentials/{credential['id']}")
    installation.store.write(lambda tx: tx.insert(type_of("registry"), account_id=agent.id, state="active"))
    pools = open_api(key).get("storagepools")["data"]
    assert [pool["type"] for pool in pools] == ["storagePool"]


def test_many_to_many_follows_rows_that_are_not_removed_to_whatever_they_lead_to(
    api: Api, installation: Installation
) -> None:
    def make(tx: Tx) -> list[int]:
        balancer = tx.insert(LoadBalancer, account_id=5, state="active")
        hosts = [tx.insert(Host, account_id=5, name=f"h{n}", state="active") for n in range(3)]
        maps = [
            tx.insert(LoadBalancerHostMap, account_id=5, host_id=h.id, load_balancer_id=balancer.id, state="active")
            for h in hosts
        ]
        tx.change(hosts[1], state="removed", removed=tx.now)
        tx.change(maps[2], state="removed", removed=tx.now)
        return [h.id for h in hosts]

    first, removed, _ = installation.store.write(make)
    found = api.get("loadbalancers/1lb1/hosts")["data"]
    assert [h["id"] for h in found] == [f"1h{first}", f"1h{removed}"]
    assert [h["id"] for h in api.get("loadbalancers/1lb1", include="hosts")["hosts"]] == [h["id"] for h in found]


def test_what_a_child_is_created_with_wins_over_its_owner(api: Api) -> None:
    stack, other = (api.create("environments", name=name) for name in ("shop", "other"))
    body = a_service("", name="web")
    del body["environmentId"]
    url = f"{stack['links']['services']}?environmentId={other['id']}"
    assert api.create(url, **body)["environmentId"] == other["id"]


def test_fields_that_a_role_cannot_read_are_no_filters_for_it(api: Api, admin: Api) -> None:
    api.create("environments", name="shop")
    for name in ("removeTime_notnull", "purgeAtOnce", "data"):
        found = api.get("environments", **{name: "1"})
        assert len(found["data"]) == 1
        assert name.partition("_")[0] not in found["filters"]
    assert admin.get("environments", removeTime_notnull="")["data"] == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"created_gt": "2015-11-24T09:00:00Z"}, 1),
        ({"created_lt": "2015-11-24T09:00:00Z"}, 0),
        ({"created_gte": "1448355600000"}, 1),
        ({"created": "yesterday"}, 0),
        ({"removed_null": ""}, 1),
        ({"removed_null": "false"}, 1),
        ({"name_null": "x", "name_unknown": "x"}, 0),
        ({"description_name": "x"}, 1),
    ],
)
def test_filters_take_moments_in_either_form_and_modifiers_after_the_last_underscore(
    api: Api, query: dict[str, str], shown: int
) -> None:
    api.create("environments", name="shop")
    assert len(api.get("environments", **query)["data"]) == shown


def test_a_base_type_says_which_of_its_kinds_can_be_created(api: Api) -> None:
    types = api.get("services")["createTypes"]
    kinds = ("service", "dnsService", "externalService", "loadBalancerService")
    assert types == {kind: f"{BASE}/v1/projects/1a5/{OFFERED[kind]['plural'].lower()}" for kind in kinds}
    assert api.get("dnsservices")["createTypes"] == {}


# --- writes and errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("PUT", "nonsense/x!", {}, (404, "Not Found", None)),
        ("DELETE", "images/9!", None, (404, "Not Found", None)),
        ("DELETE", "images/1i99", None, (405, "Method not allowed", None)),
        ("POST", "images/1i99?action=nonsense", {}, (422, "InvalidAction", "action")),
        ("POST", "images/1i99?action=purge", {}, (404, "Not Found", None)),
        ("PUT", "images/1i99", {"name": 5}, (405, "Method not allowed", None)),
        ("PUT", "services/1s99", {"scale": "x"}, (422, "InvalidFormat", "scale")),
        ("PUT", "services/1s99", {"scale": 1}, (404, "Not Found", None)),
        ("POST", "services/1s99?action=setservicelinks", {"serviceLinks": 5}, (404, "Not Found", None)),
    ],
)
def test_of_several_errors_the_first_rule_decides(
    api: Api, open_api: OpenApi, method: str, path: str, body: Any, expected: tuple[int, str, str | None]
) -> None:
    options = {} if body is None else {"json": body}
    assert api.refused(method, path, **options) == expected
    assert open_api(None, "/v1/projects/1a5/").refused(method, path, **options)[0] == 401


def test_an_error_without_a_code_of_its_own_has_the_phrase_of_its_status(api: Api, open_api: OpenApi) -> None:
    asked: list[Callable[[], Any]] = [
        lambda: api.ask("GET", "nonsense"),
        lambda: api.ask("PATCH", "environments"),
        lambda: open_api(None).ask("GET", "/v1"),
        lambda: api.ask("GET", "/v1/projects/1a1/hosts"),
        lambda: api.ask("POST", "environments", content=b"x", headers={"Content-Type": "text/plain"}),
        lambda: api.ask("POST", "environments", data={"name": "x" * 200_000}),
    ]
    for ask in asked:
        answer = ask()
        error = answer.json()
        assert (error["type"], error["status"], error["code"]) == (
            "error",
            answer.status_code,
            REASONS[answer.status_code],
        )
        assert list(error) == ["id", "type", "links", "actions", "status", "code", "message", "detail"]


def test_a_restricted_member_sees_what_a_member_sees_but_for_hosts_and_how_they_join(world: World) -> None:
    member, restricted = (
        {s["id"]: s for s in world.callers[role].get("schemas")["data"]} for role in ("member", "restricted")
    )
    assert member.keys() - restricted.keys() == {"registrationToken"}
    kept = ("cluster", "host", "machine", "physicalHost")
    for name, schema in restricted.items():
        if name in kept:
            assert schema["collectionMethods"] == schema["resourceMethods"] == ["GET"]
            assert schema["resourceActions"] == {}
        elif name != "register":
            assert schema == member[name]
    assert restricted["register"]["collectionMethods"] == ["GET"]
    host = world.prepared["host"]
    caller = world.callers["restricted"]
    assert caller.get(f"hosts/{host}")["actions"] == {}
    assert caller.refused("PUT", f"hosts/{host}", json={"name": "mine"})[0] == 405
    assert caller.refused("POST", f"hosts/{host}?action=deactivate")[0] == 422
    assert caller.refused("POST", "register", json={"key": "a key that nobody guesses"})[0] == 405
    token = world.prepared["registrationToken"]
    assert caller.refused("POST", f"credentials/{token}/?action=deactivate")[1] == "ActionNotAvailable"
    assert caller.create("environments", name="shop")["state"] == "activating"


def test_the_superadmin_sees_and_does_everything(world: World, installation: Installation) -> None:
    caller = world.callers["superadmin"]
    seen = {s["id"]: s for s in caller.get("schemas")["data"]}
    assert OFFERED.keys() - seen.keys() == set()
    for name, schema in seen.items():
        if type_of(name).stored and type_of(name).roles.get("superadmin") == "r":
            assert (schema["resourceMethods"], schema["collectionMethods"]) == (["GET"], ["GET"]), name
        elif type_of(name).stored and not type_of(name).appended:
            assert {"GET", "PUT", "DELETE"} <= set(schema["resourceMethods"]), name
            assert {"GET", "POST"} <= set(schema["collectionMethods"]), name
    made = caller.create("environments", name="shop", accountId="1a5")
    assert made["accountId"] == "1a5"
    assert "data" in made
    assert caller.get("agents", _plainId="true")["data"][0]["id"].isdigit()
    installation.store.write(lambda tx: tx.insert(Agent, account_id=1, uri="event://z", state="active"))
    assert len(caller.get("agents")["data"]) >= 2
