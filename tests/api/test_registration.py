"""How a host joins: token, script, register, keys (03-administration section 4, 10-hosts section 4)."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.serving import Api, Installation, Later, OpenApi, Settle
from trailboss.resources.credential import HOUR_MS
from trailboss.store.database import Database
from trailboss.store.tables import complete

KEY = "k" * 32


@pytest.fixture
def token(api: Api, settle: Settle) -> dict[str, Any]:
    """An active registration token."""
    made = api.create("registrationtokens")
    settle()
    found: dict[str, Any] = api.get(made["links"]["self"])
    return found


def test_a_token_says_how_to_join(token: dict[str, Any], admin: Api, api: Api) -> None:
    public, hour, signature = token["token"].split(":")
    assert len(public) == 20 and int(hour) % HOUR_MS == 0 and not set("/=+") & set(signature)
    url = f"http://127.0.0.1:8080/v1/projects/1a5/scripts/{token['token']}"
    assert token["registrationUrl"] == token["links"]["registrationUrl"] == url
    assert token["command"].endswith(url)
    assert token["image"]
    admin.ask("PUT", "settings/api.host", json={"value": "boss.example:8080"})
    renewed = api.get(token["links"]["self"])
    assert renewed["registrationUrl"] == f"http://boss.example:8080/v1/scripts/{token['token']}"


def test_the_script_needs_no_login_and_exports_how_to_register(token: dict[str, Any], open_api: OpenApi) -> None:
    anybody = open_api(None)
    response = anybody.ask("GET", token["registrationUrl"], headers={"X-Forwarded-For": "198.51.100.4"})
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.text.startswith("#!/bin/sh\n")
    shown = subprocess.run(
        ["sh", "-c", response.text + "\nenv"], capture_output=True, text=True, check=True, env={}
    ).stdout  # fmt: skip
    assert set(shown.splitlines()) >= {
        "CATTLE_REGISTRATION_ACCESS_KEY=registrationToken",
        f"CATTLE_REGISTRATION_SECRET_KEY={token['token']}",
        "CATTLE_URL=http://127.0.0.1:8080/v1",
        "DETECTED_CATTLE_AGENT_IP=198.51.100.4",
    }
    assert anybody.ask("POST", f"/v1/scripts/{token['token']}").text == response.text.replace(
        "198.51.100.4", "127.0.0.1"
    )


def test_values_in_a_script_are_never_commands(token: dict[str, Any], admin: Api, open_api: OpenApi) -> None:
    admin.ask("PUT", "settings/api.host", json={"value": 'http://x"; touch /tmp/owned; $(touch x) `touch x` \\'})
    script = open_api(None).ask("GET", f"/v1/scripts/{token['token']}").text
    shown = subprocess.run(["sh", "-c", script + "\nenv"], capture_output=True, text=True, check=True, env={}).stdout
    assert 'CATTLE_URL=http://x"; touch /tmp/owned; $(touch x) `touch x` \\' in shown


@pytest.mark.parametrize("name", ["nonsense", "a:b:c", "bootstrap", "", "%00"])
def test_other_scripts_are_not_found(open_api: OpenApi, name: str) -> None:
    assert open_api(None).ask("GET", f"/v1/scripts/{name}").status_code == 404


def test_a_token_that_was_changed_or_switched_off_is_no_good(
    token: dict[str, Any], api: Api, open_api: OpenApi, settle: Settle
) -> None:
    public, hour, signature = token["token"].split(":")
    for bad in (
        f"{public}:{int(hour) + 1}:{signature}",
        f"{public}:{hour}:x",
        f"{public}:{hour}",
        f"{public}:9{hour}:x",
    ):
        assert open_api(("registrationToken", bad)).refused("GET", "/v1/register")[0] == 401
    caller = open_api(("registrationToken", token["token"]))
    assert caller.get("register")["data"] == []
    api.ask("POST", token["actions"]["deactivate"])
    settle()
    assert caller.refused("GET", "register")[0] == 401
    assert open_api(None).ask("GET", f"/v1/scripts/{token['token']}").status_code == 404


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/projects/1a5/", {}),
        ("/v1/", {"X-API-Project-Id": "1a5"}),
        ("/v1/", {}),
    ],
)
def test_a_token_opens_nothing_but_registration_wherever_it_is_sent(
    token: dict[str, Any], open_api: OpenApi, path: str, headers: dict[str, str]
) -> None:
    caller = open_api(("registrationToken", token["token"]))
    query = "" if headers or "projects" in path else "?projectId=1a5"
    seen = caller.ask("GET", f"{path}schemas{query}", headers=headers).json()["data"]
    assert {schema["id"] for schema in seen} == {"register", "schema"}
    for method, sent in (("GET", None), ("POST", {"name": "shop"})):
        url = f"{path}environments{query}"
        assert caller.refused(method, url, headers=headers, json=sent)[0] == 404


def test_the_keys_of_a_registered_host_are_shown_for_its_key_only(
    token: dict[str, Any], open_api: OpenApi, settle: Settle, api: Api, admin: Api
) -> None:
    caller = open_api(("registrationToken", token["token"]))
    assert {s["id"] for s in caller.get("schemas")["data"]} == {"register", "schema"}
    made = caller.create("register", key=KEY)
    hidden = {"accessKey", "secretKey", "key"}
    assert not hidden & made.keys()
    assert not hidden & caller.get("register", key=KEY)["data"][0].keys(), "not active yet"
    settle()
    shown = caller.get("register", key=KEY)["data"]
    assert [(row["id"], row["state"], row["key"]) for row in shown] == [(made["id"], "active", KEY)]
    assert len(shown[0]["accessKey"]) == 20
    for everybody in (caller, api, admin):
        assert not hidden & everybody.get(f"/v1/register/{made['id']}").keys()
        assert not hidden & everybody.get("/v1/register")["data"][0].keys()
        assert not hidden & everybody.get(f"/v1/register/{made['id']}", key=KEY + "x").keys()
    agent = open_api((shown[0]["accessKey"], shown[0]["secretKey"]))
    assert {s["id"] for s in agent.get("schemas")["data"]} >= {"agent", "subscribe", "schema"}
    assert len(agent.get("agents")["data"]) == 1
    assert caller.refused("POST", "register", json={}) == (422, "MissingRequired", "key")


def test_a_host_may_ask_again_for_its_keys_which_are_nowhere_stored(
    token: dict[str, Any], open_api: OpenApi, settle: Settle, installation: Installation
) -> None:
    caller = open_api(("registrationToken", token["token"]))
    caller.create("register", key=KEY)
    settle()
    (first,) = caller.get("register", key=KEY)["data"]
    (again,) = caller.get("register", key=KEY)["data"]
    assert (again["accessKey"], again["secretKey"]) == (first["accessKey"], first["secretKey"])
    stored = everything(installation.store.database)
    assert first["accessKey"] in stored
    assert first["secretKey"] not in stored


def test_who_registers_again_gets_new_keys_for_the_same_agent(
    token: dict[str, Any], open_api: OpenApi, settle: Settle
) -> None:
    caller = open_api(("registrationToken", token["token"]))
    caller.create("register", key=KEY)
    settle()
    (first,) = caller.get("register", key=KEY)["data"]
    agents = open_api((first["accessKey"], first["secretKey"])).get("agents")["data"]
    made = caller.create("register", key=KEY)
    settle()
    (second,) = [row for row in caller.get("register", key=KEY)["data"] if "secretKey" in row]
    assert second["id"] == made["id"], "the first one's keys are no good any more, and not shown"
    assert open_api((first["accessKey"], first["secretKey"])).refused("GET", "agents")[0] == 401
    renewed = open_api((second["accessKey"], second["secretKey"])).get("agents")["data"]
    assert [a["id"] for a in renewed] == [a["id"] for a in agents]


def test_an_expired_token_registers_nothing_and_who_has_registered_goes_on(
    token: dict[str, Any], open_api: OpenApi, settle: Settle, later: Later, admin: Api, api: Api
) -> None:
    caller = open_api(("registrationToken", token["token"]))
    caller.create("register", key=KEY)
    settle()
    (joined,) = caller.get("register", key=KEY)["data"]
    admin.ask("PUT", "settings/registration.token.period.millis", json={"value": str(2 * HOUR_MS)})
    later(3 * 3600)
    for key in (KEY, "n" * 32):
        assert caller.refused("POST", "register", json={"key": key}) == (401, "Unauthorized", None)
        assert caller.refused("GET", f"register?key={key}") == (401, "Unauthorized", None)
    assert open_api(None).ask("GET", f"/v1/scripts/{token['token']}").status_code == 404
    assert [row["id"] for row in api.get("/v1/register")["data"]] == [joined["id"]]
    assert len(open_api((joined["accessKey"], joined["secretKey"])).get("agents")["data"]) == 1
    renewed = open_api(("registrationToken", api.get(token["links"]["self"])["token"]))
    (again,) = renewed.get("register", key=KEY)["data"]
    assert again["secretKey"] == joined["secretKey"]


def everything(database: Database) -> str:
    """Return all rows of all tables, as text."""
    engine = create_engine(database.alembic_url)
    with engine.connect() as connection:
        found = [connection.execute(table.select()).fetchall() for table in complete().sorted_tables]
    engine.dispose()
    return str(found)
