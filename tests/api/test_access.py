"""Who asks, and what they may see (02-access sections 2, 3, 5)."""

from __future__ import annotations

import base64

import pytest

from tests.serving import PROJECT, Api, Installation, OpenApi
from trailboss.api.access import identify
from trailboss.resources.account import Account, Project
from trailboss.resources.credential import ApiKey
from trailboss.resources.project_member import ProjectMember
from trailboss.store.transaction import Tx

CHALLENGE = 'Basic realm="Enter API access key and secret key as username and password"'


def test_without_credentials_there_is_a_challenge(open_api: OpenApi) -> None:
    response = open_api(None).ask("GET", "schemas")
    assert (response.status_code, response.json()["code"]) == (401, "Unauthorized")
    assert response.headers["WWW-Authenticate"] == CHALLENGE
    assert "X-API-Account-Id" not in response.headers
    assert "X-API-Schemas" in response.headers


@pytest.mark.parametrize("headers", [{"X-API-No-Challenge": "true"}, {"Connection": "upgrade"}])
def test_a_client_that_cannot_show_a_prompt_gets_no_challenge(open_api: OpenApi, headers: dict[str, str]) -> None:
    response = open_api(None).ask("GET", "schemas", headers=headers)
    assert response.status_code == 401
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff:x").decode(),
        "Bearer x",
        "Basic Og==",
        "Basic AAAA",
        "x",
    ],
)
def test_credentials_that_are_none_are_not_authenticated(open_api: OpenApi, header: str) -> None:
    assert open_api(None).refused("GET", "/v1", headers={"Authorization": header})[:2] == (401, "Unauthorized")


def test_a_key_must_match_and_be_active_and_so_must_its_account(
    installation: Installation, open_api: OpenApi, api: Api
) -> None:
    access, secret = installation.project_key
    assert open_api((access, secret + "x")).refused("GET", "/v1")[0] == 401
    assert open_api((access, "")).refused("GET", "/v1")[0] == 401
    key = installation.store.read(lambda r: r.find(ApiKey, public_value=access)[0])
    key = installation.store.write(lambda tx: tx.change(key, state="inactive"))
    assert api.refused("GET", "/v1")[0] == 401
    installation.store.write(lambda tx: tx.change(key, state="active"))
    assert api.get("/v1")
    project = installation.store.read(lambda r: r.require(Project, 5))
    installation.store.write(lambda tx: tx.change(project, state="deactivating"))
    assert api.refused("GET", "/v1")[0] == 401


def test_a_key_that_is_there_twice_is_a_conflict(installation: Installation, api: Api) -> None:
    access, _ = installation.project_key

    def double(tx: Tx) -> None:
        key = tx.find(ApiKey, public_value=access)[0]
        tx.insert(ApiKey, account_id=1, public_value=access, secret_value=key.secret_value, state="active")

    installation.store.write(double)
    assert api.refused("GET", "/v1")[:2] == (409, "MultipleKeys")


def test_a_setting_says_which_kinds_of_credentials_are_keys(
    installation: Installation, api: Api, admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.ask("PUT", "settings/account.by.key.credential.types", json={"value": "apiKey, somethingElse"})
    assert api.get("/v1")
    admin.ask("PUT", "settings/account.by.key.credential.types", json={"value": "agentApiKey"})
    assert api.refused("GET", "/v1")[0] == admin.refused("GET", "/v1")[0] == 401
    monkeypatch.setenv("CATTLE_ACCOUNT_BY_KEY_CREDENTIAL_TYPES", "apiKey")
    assert admin.get("/v1"), "the way back, for who may set variables of the server"


@pytest.mark.parametrize("key", [None, ("None", "None"), ("registrationToken", "junk")])
def test_with_access_control_off_everybody_is_the_administrator(
    installation: Installation, open_api: OpenApi, key: tuple[str, str] | None
) -> None:
    installation.set("api.security.enabled", "false")
    response = open_api(key).ask("GET", "/v1/projects/1a5/environments")
    assert (response.status_code, response.headers["X-API-Account-Id"]) == (200, "1a5")
    assert open_api(key).ask("GET", "/v1").headers["X-API-Account-Id"] == "1a1"


def test_with_access_control_off_good_keys_keep_their_account_and_a_client_can_insist(
    installation: Installation, open_api: OpenApi
) -> None:
    installation.set("api.security.enabled", "false")
    assert open_api(installation.project_key).ask("GET", "/v1").headers["X-API-Account-Id"] == "1a5"
    strict = open_api(None).ask("GET", "/v1", headers={"X-ENFORCE-AUTHENTICATION": "true"})
    assert strict.status_code == 401
    assert "WWW-Authenticate" not in strict.headers


@pytest.mark.parametrize("value", ["", "no", "0", "FALSE"])
def test_only_an_explicit_false_turns_access_control_off(
    installation: Installation, open_api: OpenApi, value: str
) -> None:
    installation.set("api.security.enabled", value)
    assert open_api(None).refused("GET", "/v1")[0] == 401


@pytest.mark.parametrize("how", [{"headers": {"X-API-Project-Id": "1a5"}}, {"params": {"projectId": "1a5"}}])
def test_a_header_or_parameter_selects_the_project_without_changing_urls(
    admin: Api, how: dict[str, dict[str, str]]
) -> None:
    response = admin.ask("POST", "environments", json={"name": "a"}, **how)
    assert response.status_code == 201, response.text
    assert response.json()["accountId"] == "1a5"
    assert response.json()["links"]["self"].endswith("/v1/environments/1e1")
    assert response.headers["X-API-Account-Id"] == "1a5"


@pytest.mark.parametrize("project", ["1a1", "1a2", "1a99", "nonsense", "1a", "1a99999999999999999999"])
def test_what_is_no_project_of_the_caller_is_forbidden(admin: Api, api: Api, project: str) -> None:
    for caller in (admin, api):
        assert caller.refused("GET", f"/v1/projects/{project}/environments") == (403, "Forbidden", None)
        assert caller.refused("GET", "/v1/environments", headers={"X-API-Project-Id": project})[0] == 403


def test_a_project_that_is_not_active_cannot_be_entered_by_anybody(installation: Installation, admin: Api) -> None:
    project = installation.store.read(lambda r: r.require(Project, 5))
    installation.store.write(lambda tx: tx.change(project, state="inactive"))
    assert admin.refused("GET", "/v1/projects/1a5/environments")[0] == 403


def _join(installation: Installation, account: Account, role: str, state: str = "active") -> ProjectMember:
    return installation.store.write(
        lambda tx: tx.insert(
            ProjectMember, account_id=5, project_id=5, external_id=str(account.id), role=role, state=state
        )
    )


def test_members_see_the_project_by_their_strongest_role_and_strangers_do_not(
    installation: Installation, open_api: OpenApi, api: Api
) -> None:
    stack = api.create("environments", name="a")["id"]
    person, key = installation.add_account("user")
    caller = open_api(key, f"/v1/projects/{PROJECT}/")
    assert caller.refused("GET", "environments")[0] == 403
    assert caller.refused("GET", "/v1/projects/1a5")[0] == 404
    _join(installation, person, "owner", state="removed")
    assert caller.refused("GET", "environments")[0] == 403
    reader = _join(installation, person, "readonly")
    assert [e["id"] for e in caller.get("environments")["data"]] == [stack]
    assert caller.refused("POST", "environments", json={"name": "b"})[0] == 405
    assert caller.get(f"environments/{stack}")["actions"] == {}
    _join(installation, person, "member")
    assert caller.create("environments", name="b")["accountId"] == "1a5"
    installation.store.write(lambda tx: tx.change(reader, state="removed"))
    assert caller.create("environments", name="c")


def test_a_restricted_member_may_not_touch_hosts_nor_registration(
    installation: Installation, open_api: OpenApi
) -> None:
    person, key = installation.add_account("user")
    _join(installation, person, "restricted")
    caller = open_api(key, f"/v1/projects/{PROJECT}/")
    host = caller.get("schemas/host")
    assert (host["resourceMethods"], host["collectionMethods"], host["resourceActions"]) == (["GET"], ["GET"], {})
    assert caller.refused("GET", "registrationtokens")[0] == 404
    assert caller.create("environments", name="b")


def test_rows_of_other_accounts_are_not_found(installation: Installation, open_api: OpenApi, api: Api) -> None:
    stack = api.create("environments", name="a")["id"]

    def other_project(tx: Tx) -> int:
        return tx.insert(Project, kind="project", name="other", state="active").id

    other = installation.store.write(other_project)
    admin_there = open_api(installation.admin_key, f"/v1/projects/1a{other}/")
    assert admin_there.get("environments")["data"] == []
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/services"), ("POST", "?action=remove")):
        assert admin_there.refused(method, f"environments/{stack}{path}")[0] == 404, method
    body = {"name": "web", "environmentId": stack, "launchConfig": {"imageUuid": "docker:x"}}
    assert admin_there.refused("POST", "services", json=body) == (422, "InvalidReference", "environmentId")


def test_an_administrator_sees_every_account_but_does_not_write_in_projects(admin: Api, api: Api) -> None:
    stack = api.create("environments", name="a")["id"]
    assert [e["id"] for e in admin.get("environments")["data"]] == [stack]
    assert admin.refused("POST", "environments", json={"name": "b"})[0] == 405
    assert "data" in admin.get(f"environments/{stack}")
    assert "data" not in api.get(f"environments/{stack}")


def test_an_administrator_can_ask_for_another_view_and_others_cannot(admin: Api, api: Api) -> None:
    assert "subscribe" in {s["id"] for s in admin.get("schemas", _role="project")["data"]}
    assert "agent" not in {s["id"] for s in api.get("schemas", _role="admin")["data"]}
    assert admin.get("schemas", _role="owner")["data"]
    assert "agent" in {s["id"] for s in admin.get("schemas", _role="nonsense")["data"]}


def test_raw_ids_for_who_may_have_them(admin: Api, api: Api) -> None:
    stack = api.create("environments", name="a")["id"]
    raw = stack.removeprefix("1e")
    shown = admin.get(f"environments/{raw}", _plainId="true")
    assert (shown["id"], shown["accountId"]) == (raw, "5")
    assert admin.get("environments", _plainId="true", id=raw)["data"][0]["id"] == raw
    assert api.get(f"environments/{stack}", _plainId="true")["id"] == stack


def test_raw_ids_of_accounts_whatever_they_are_shown_as(admin: Api, api: Api) -> None:
    project = admin.get("projects/5", _plainId="true")
    assert (project["id"], project["type"]) == ("5", "project")
    assert project["links"]["self"].endswith("/v1/projects/5")
    (own,) = admin.get("identities", _plainId="true")["data"]
    assert (own["id"], own["externalId"]) == ("rancher_id:1", "1")
    assert admin.get(f"identities/{own['id']}", _plainId="true")["externalId"] == "1"
    (member,) = admin.get("projects/5/projectmembers", _plainId="true")["data"]
    assert (member["id"], member["externalId"], member["projectId"]) == ("rancher_id:1", "1", "5")
    assert member["links"]["self"].endswith("/identities/rancher_id:1")
    inside = admin.ask("GET", "projects/5/environments", params={"_plainId": "true"})
    assert (inside.status_code, inside.headers["X-API-Account-Id"]) == (200, "5")
    assert inside.headers["X-API-Schemas"].endswith("/v1/projects/5/schemas")
    for caller, query in ((admin, {}), (api, {"_plainId": "true"})):
        assert caller.ask("GET", "/v1/projects/5/environments", params=query).status_code == 403


def test_an_account_of_a_kind_without_a_view_sees_no_type(installation: Installation, open_api: OpenApi) -> None:
    _, key = installation.add_account("somethingElse")
    assert open_api(key).refused("GET", "schemas")[0] == 401


def test_a_user_sees_only_its_own_account(installation: Installation, open_api: OpenApi) -> None:
    person, key = installation.add_account("user")
    caller = open_api(key)
    assert [a["id"] for a in caller.get("accounts")["data"]] == [f"1a{person.id}"]
    assert caller.refused("GET", "accounts/1a1")[0] == 404


def test_identify_serves_connections_of_any_kind(installation: Installation) -> None:
    from starlette.requests import HTTPConnection

    user, secret = installation.project_key
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/v1/projects/1a5/subscribe",
        "query_string": b"eventNames=resource.change",
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"authorization", b"Basic " + base64.b64encode(f"{user}:{secret}".encode())),
        ],
        "app": installation.app,
    }
    caller = installation.store.read(lambda r: identify(r, HTTPConnection(scope)))
    assert (caller.role, caller.account_id, caller.authenticated_id) == ("project", 5, 5)


def test_the_raw_document_of_a_row_holds_no_secret(admin: Api, api: Api) -> None:
    config = {"accessToken": "very-secret", "region": "ams3"}
    machine = api.create("machines", name="m", digitaloceanConfig=config, authKey="very-secret")
    join = api.create("register", key="a very-secret key to join with")
    for path in (f"machines/{machine['id']}", f"register/{join['id']}"):
        answer = admin.ask("GET", path)
        assert "fields" in answer.json()["data"]
        assert "very-secret" not in answer.text
        assert not {"accessKey", "secretKey"} & answer.json()["data"]["fields"].keys()


def test_who_may_read_everything_changes_nothing_in_any_project(installation: Installation, open_api: OpenApi) -> None:
    reader = open_api(installation.add_account("readAdmin")[1])
    for path in ("/v1", f"/v1/projects/{PROJECT}"):
        assert reader.ask("GET", f"{path}/containers").status_code == 200
        assert reader.refused("POST", f"{path}/environments", json={"name": "shop"})[0] == 405
        # with such a token hosts join
        assert reader.refused("GET", f"{path}/registrationtokens")[0] == 404
