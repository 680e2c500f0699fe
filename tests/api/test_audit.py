"""The audit log: every change, refusal and look at a secret is in it, with who and from where, and no secret is."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
from concurrent.futures import Future
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.builders import a_container
from tests.certificates import issue
from tests.serving import Api, Installation, OpenApi, Settle
from tests.waiting import eventually
from trailboss.api import write
from trailboss.errors import Lost, Unreachable
from trailboss.resources.audit_log import AuditLog, prune
from trailboss.store import journal


def entries(api: Api, **filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("auditlogs", **filters)["data"]
    return found


def test_a_change_says_who_did_what_to_what_from_where_and_with_what_result(api: Api, settle: Settle) -> None:
    made = api.ask("POST", "environments", json={"name": "shop", "description": "ours", "unknown": "x"})
    [entry] = entries(api)
    assert entry["eventType"] == "api.environment.create"
    assert (entry["resourceType"], entry["resourceId"]) == ("environment", made.json()["id"])
    assert (entry["accountId"], entry["authenticatedAsAccountId"], entry["authType"]) == ("1a5", "1a5", "BasicAuth")
    assert entry["authenticatedAsIdentityId"] is None, "the key of an environment is nobody's"
    assert (entry["clientIp"], entry["responseCode"]) == ("127.0.0.1", 201)
    assert entry["requestObject"] == {"name": "shop", "description": "ours"}
    assert entry["responseObject"]["state"] == "activating"
    assert entry["requestId"] == made.headers["X-Request-Id"]
    assert entry["description"] == "POST /v1/projects/1a5/environments"
    assert entry["created"] and entry["id"].startswith("1al")


def test_every_kind_of_change_has_its_name(api: Api, admin: Api, settle: Settle) -> None:
    stack = api.create("environments", name="shop")
    settle()
    api.ask("PUT", f"environments/{stack['id']}", json={"name": "store"})
    api.ask("POST", f"environments/{stack['id']}/?action=exportconfig")
    api.ask("POST", f"environments/{stack['id']}", params={"_method": "PUT", "name": "again"})
    api.ask("DELETE", f"environments/{stack['id']}")
    names = [e["eventType"].removeprefix("api.environment.") for e in entries(api)]
    assert names == ["create", "update", "exportconfig", "update", "delete"]
    assert {e["resourceId"] for e in entries(api) if "export" not in e["eventType"]} == {stack["id"]}
    admin.ask("PUT", "settings/api.host", json={"value": "boss"})
    last = entries(admin)[-1]
    assert (last["eventType"], last["requestObject"]) == ("api.setting.update", {"value": "boss"})
    assert last["authenticatedAsIdentityId"] == "rancher_id:1a1"


def test_what_is_refused_is_there_with_the_reason_and_reads_are_not(api: Api) -> None:
    api.ask("POST", "containers", json={"name": "x", "imageUuid": "nonsense"})
    api.ask("DELETE", "environments/1e99")
    api.get("environments")
    api.refused("GET", "environments/1e99")
    found = [(e["eventType"], e["responseCode"], e["responseObject"]["code"]) for e in entries(api)]
    assert found == [
        ("api.container.create", 422, "InvalidReference"),
        ("api.environment.delete", 404, "Not Found"),
    ]
    assert entries(api)[0]["requestObject"]["imageUuid"] == "nonsense"


def test_a_change_that_is_undone_leaves_no_trace_of_having_been_made(api: Api, installation: Installation) -> None:
    api.ask("POST", "environments", json={"name": "x" * 300})
    [entry] = entries(api)
    assert (entry["responseCode"], entry["resourceId"]) == (422, None)
    assert api.get("environments")["data"] == []


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (RuntimeError("a mistake of ours"), 500, "Internal Server Error"),
        (Unreachable("the database does not answer"), 503, "Service Unavailable"),
        (Lost("another change came between"), 409, "Conflict"),
    ],
)
def test_a_change_that_failed_here_is_there_with_its_result(
    api: Api, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int, code: str
) -> None:
    def fail(*_: Any) -> None:
        raise problem

    with monkeypatch.context() as broken:
        broken.setattr(write, "create", fail)
        answer = api.ask("POST", "environments", json={"name": "shop"})
    assert answer.status_code == status
    [entry] = eventually(lambda: entries(api), what="the failure is noted")
    assert (entry["eventType"], entry["responseCode"]) == ("api.environment.create", status)
    assert (entry["responseObject"]["code"], entry["requestObject"]) == (code, {"name": "shop"})
    assert "mistake" not in str(entry), "what broke inside is in the server's log only"


def test_a_failure_that_cannot_be_noted_is_answered_all_the_same(
    api: Api, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Future[None]:
        future: Future[None] = Future()
        future.set_exception(Unreachable("the database does not answer"))
        return future

    with monkeypatch.context() as broken, capture_logs() as logs:
        broken.setattr(installation.store, "submit", away)
        assert api.refused("POST", "environments", json={"name": "shop"})[0] == 503
    assert "a failure is not in the audit log" in [line["event"] for line in logs]
    assert entries(api) == []


def test_a_repeated_request_is_there_once(api: Api) -> None:
    for _ in range(2):
        api.ask("POST", "environments", json={"name": "shop"}, headers={"Idempotency-Key": "k1"})
    assert len(entries(api)) == 1


def test_a_failed_login_is_shown_to_whose_key_was_tried(
    api: Api, admin: Api, open_api: OpenApi, installation: Installation
) -> None:
    access, _ = installation.project_key
    for key in ((access, "wrong-secret-1"), ("password-in-the-wrong-place", "wrong-secret-2")):
        assert open_api(key).ask("GET", "/v1").status_code == 401
    assert open_api(None).ask("GET", "/v1").status_code == 401
    mine = entries(api)
    assert [(e["eventType"], e["responseCode"], e["requestObject"]) for e in mine] == [
        ("api.login", 401, {"publicValue": access})
    ]
    everybody = entries(admin)
    assert [e["requestObject"] for e in everybody] == [{"publicValue": access}, {}]
    kept = str(installation.store.read(lambda read: [row.values for row in read.find(AuditLog)]))
    assert "wrong-secret" not in kept and "wrong-place" not in kept


def test_a_login_says_who_has_come_or_gone_and_whose_name_was_tried(admin: Api, open_api: OpenApi) -> None:
    admin.create("localauthconfigs", username="ann", password="a-password", enabled=True)
    visitor = open_api(None)
    login = visitor.create("token", code="ann:a-password")
    visitor.ask("DELETE", "token/current", headers={"Authorization": f"Bearer {login['jwt']}"})
    for code in ("ann:wrong-secret-1", "nobody:wrong-secret-2"):
        assert visitor.refused("POST", "token", json={"code": code})[0] == 401
    _, come, gone, wrong, unknown = entries(admin)
    ann = login["accountId"]
    for entry, event in ((come, "api.token.create"), (gone, "api.token.delete")):
        assert (entry["eventType"], entry["accountId"], entry["authenticatedAsAccountId"]) == (event, ann, ann)
        assert entry["authenticatedAsIdentityId"] == f"rancher_id:{ann}"
        assert (entry["responseObject"]["user"], entry["requestObject"].get("code", "***")) == ("ann", "***")
    assert (wrong["eventType"], wrong["accountId"], wrong["requestObject"]) == (
        "api.login",
        ann,
        {"publicValue": "ann"},
    )
    assert (unknown["accountId"], unknown["requestObject"]) == (None, {})
    assert {entry["authenticatedAsAccountId"] for entry in (wrong, unknown)} == {None}
    assert "wrong-secret" not in str(entries(admin))


def test_guesses_beyond_the_limit_do_not_fill_the_log(admin: Api, open_api: OpenApi) -> None:
    guesser = open_api(("GUESSED", "x"))
    for _ in range(30):
        guesser.ask("GET", "/v1")
    assert len(entries(admin)) == 10


@pytest.mark.parametrize("header", ["Bearer the same", "Basic !!!", "nonsense"])
def test_nothing_that_a_stranger_sends_fills_the_log(admin: Api, open_api: OpenApi, header: str) -> None:
    stranger = open_api(None)
    for _ in range(50):
        assert stranger.ask("GET", "/v1", headers={"Authorization": header}).status_code == 401
        stranger.ask("POST", "/v1/token", json={"code": "no colon"})
    assert len(entries(admin)) == 20
    admin.refused("DELETE", "accounts/1a99")
    assert len(entries(admin)) == 21, "who is known is noted as before"


def test_a_look_at_a_secret_is_there(api: Api, settle: Settle, open_api: OpenApi) -> None:
    made = api.create("registrationtokens")
    settle()
    token = api.get(f"registrationtokens/{made['id']}")["token"]
    assert token
    assert [e["eventType"] for e in entries(api)] == ["api.registrationToken.create", "api.registrationToken.read"]
    assert set(entries(api)[-1]["responseObject"]["shown"]) == {"token", "command", "registrationUrl"}
    host = open_api(("registrationToken", token))
    host.create("register", key="k" * 32)
    settle()
    assert host.get("register", key="k" * 32)["data"][0]["secretKey"]
    host.get("register")
    found = [(e["eventType"], e["authType"]) for e in entries(api)[2:]]
    assert found == [("api.register.create", "RegistrationToken"), ("api.register.read", "RegistrationToken")]
    assert "k" * 32 not in json.dumps(entries(api))
    assert token not in json.dumps(entries(api))


def test_no_secret_that_is_sent_is_kept(api: Api, admin: Api, installation: Installation) -> None:
    registry = api.create("registries", serverAddress="r.example.com")
    login = {"registryId": registry["id"], "email": "a@b", "publicValue": "u", "secretValue": "clear-1"}
    made = api.create("registrycredentials", **login)
    api.ask("PUT", f"registrycredentials/{made['id']}", json={"secretValue": "clear-2"})
    api.create("certificates", name="c", cert=issue().cert, key=issue().key)
    api.ask("POST", "certificates", json={"name": "d", "cert": issue().cert, "key": "clear-3"})
    api.create("machines", name="m", digitaloceanConfig={"accessToken": "clear-4"})
    admin.create("settings", name="api.auth.github.client.secret", value="clear-5")
    admin.ask("PUT", "settings/api.auth.github.client.secret", json={"value": "clear-6"})
    admin.ask("PUT", "settings/1as999", json={"value": "clear-7"})
    admin.create("apikeys", publicValue="P", secretValue="clear-8")
    kept = str(installation.store.read(lambda read: [row.values for row in read.find(AuditLog)]))
    assert "clear-" not in kept
    assert "PRIVATE KEY" not in kept
    assert entries(api)[1]["requestObject"] == {
        "registryId": registry["id"], "email": "a@b", "publicValue": "u", "secretValue": "***",
    }  # fmt: skip


def test_values_that_are_long_are_kept_by_their_size(api: Api) -> None:
    api.create("containers", **a_container(environment={"A": "x" * 5000}, startOnCreate=False))
    assert entries(api)[-1]["requestObject"]["environment"] == "(5008 characters)"


def test_who_sees_what(api: Api, admin: Api, open_api: OpenApi, installation: Installation, settle: Settle) -> None:
    api.create("environments", name="shop")
    project = admin.create("projects", name="other")
    settle()
    inside = open_api(installation.admin_key, f"/v1/projects/{project['id']}/")
    inside.create("environments", name="theirs")
    assert [e["eventType"] for e in entries(api)] == ["api.environment.create"]
    assert [e["requestObject"]["name"] for e in entries(inside)] == ["theirs"]
    assert [e["eventType"] for e in entries(admin)] == [
        "api.environment.create", "api.project.create", "api.environment.create",
    ]  # fmt: skip
    foreign = entries(inside)[0]["id"]
    assert api.refused("GET", f"auditlogs/{foreign}")[0] == 404
    for method, path in (("POST", "auditlogs"), ("PUT", f"auditlogs/{foreign}"), ("DELETE", f"auditlogs/{foreign}")):
        for role in ("", "?_role=superadmin"):
            assert admin.refused(method, path + role, json={"clientIp": "x"})[0] == 405
    superadmin = open_api(installation.add_account("superadmin")[1])
    assert superadmin.refused("DELETE", f"auditlogs/{foreign}")[0] == 405


def test_entries_are_filtered_and_paged(api: Api) -> None:
    stacks = [api.create("environments", name=f"s{number}") for number in range(3)]
    api.ask("DELETE", "environments/1e99")
    assert len(entries(api, eventType="api.environment.create")) == 3
    assert len(entries(api, resourceId=stacks[1]["id"])) == 1
    assert len(entries(api, responseCode_gte="400")) == 1
    assert len(entries(api, clientIp_prefix="127.")) == 4
    assert entries(api, created_gt="2100-01-01T00:00:00Z") == []
    page = api.get("auditlogs", limit="3", sort="created", order="desc")
    assert len(page["data"]) == 3
    assert len(api.get(page["pagination"]["next"])["data"]) == 1


def test_a_page_is_exported_as_lines(api: Api) -> None:
    api.create("environments", name="one", description="=cmd()")
    api.create("environments", name="two", description='with "quotes", commas\nand lines')
    lines = api.ask("GET", "auditlogs?_format=jsonl&limit=1")
    assert lines.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line)["requestObject"]["name"] for line in lines.text.splitlines()] == ["one"]
    following = lines.headers["Link"].partition(">")[0].removeprefix("<")
    rest = api.ask("GET", following)
    assert json.loads(rest.text)["requestObject"]["name"] == "two"
    assert "Link" not in rest.headers
    table = list(csv.DictReader(io.StringIO(api.ask("GET", "auditlogs?_format=csv").text)))
    assert [json.loads(row["requestObject"])["name"] for row in table] == ["one", "two"]
    stacks = list(csv.DictReader(io.StringIO(api.ask("GET", "environments?_format=csv").text)))
    assert stacks[0]["description"] == "'=cmd()", "no formula for a spreadsheet"
    assert api.refused("GET", "auditlogs?_format=xml")[0] == 406


def test_an_address_is_believed_only_from_a_trusted_proxy(api: Api, installation: Installation) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9"}
    api.ask("POST", "environments", json={"name": "a"}, headers=forged)
    installation.context.proxies = (ipaddress.ip_network("127.0.0.1"),)
    api.ask("POST", "environments", json={"name": "b"}, headers=forged)
    assert [e["clientIp"] for e in entries(api)] == ["127.0.0.1", "203.0.113.9"]


@pytest.mark.parametrize(("setting", "value", "left"), [("audit_log.max.rows", "3", 3), (None, "", 5)])
def test_it_is_bounded_by_number(
    api: Api, installation: Installation, setting: str | None, value: str, left: int
) -> None:
    if setting:
        installation.set(setting, value)
    for number in range(5):
        api.create("environments", name=f"s{number}")
    while installation.store.write(prune):
        pass
    assert len(entries(api)) == left


def test_it_is_bounded_by_age(api: Api, installation: Installation) -> None:
    api.create("environments", name="old")
    installation.set("audit_log.purge.after.seconds", "60")
    clock = installation.store.clock
    installation.store.clock = lambda: clock() + 61_000
    api.create("environments", name="young")
    assert installation.store.write(prune) == 1
    assert [e["requestObject"]["name"] for e in entries(api)] == ["young"]


def test_it_is_no_part_of_the_journal(api: Api, installation: Installation) -> None:
    api.create("environments", name="shop")
    assert AuditLog.type not in {e["type"] for e in installation.store.read(lambda read: journal.after(read, 0))}
