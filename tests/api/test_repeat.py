"""Requests that are sent twice: with a key they are done once; with `If-Match` never over what somebody else did."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import httpx2
import msgspec
import pytest
from sqlalchemy import select

from tests.builders import a_service
from tests.serving import Api, Installation, OpenApi, Settle
from trailboss.resources.credential import ApiKey
from trailboss.resources.environment import Environment
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.store.tables import answer

KEY = {"Idempotency-Key": "0d3c7b1e-1"}


def names(installation: Installation) -> list[str]:
    return [row.name for row in installation.store.read(lambda read: read.find(Environment))]


def send(api: Api, method: str, path: str, key: str = "a-key", **options: Any) -> httpx2.Response:
    return api.ask(method, path, headers={"Idempotency-Key": key, **options.pop("headers", {})}, **options)


def test_a_creation_that_is_repeated_gives_the_same_answer_and_one_row(api: Api, installation: Installation) -> None:
    first = send(api, "POST", "environments", json={"name": "shop"})
    again = send(api, "POST", "environments", json={"name": "shop"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert names(installation) == ["shop"]


def test_what_is_kept_of_a_request_lets_nobody_try_what_it_was(api: Api, installation: Installation) -> None:
    sent: dict[str, str] = {"name": "shop"}
    send(api, "POST", "environments", json=sent)
    ((kept,),) = installation.store.read(lambda read: read.run(select(answer.c.request)))
    asked = ("POST", "/v1/projects/1a5/environments", 5, "project", sent)
    content = msgspec.json.encode(asked, order="deterministic")
    assert installation.store.database.vault.is_digest(kept, content), "this is what is digested"
    assert hashlib.sha256(content).hexdigest() not in kept


def test_without_a_key_every_request_is_done(api: Api, installation: Installation) -> None:
    for _ in range(2):
        api.create("apikeys", name="mine")
    assert len(installation.store.read(lambda read: read.find(ApiKey, name="mine"))) == 2


def test_an_action_that_is_repeated_is_done_once(api: Api, settle: Settle) -> None:
    stack = api.create("environments", name="shop")
    service = api.create("services", **a_service(stack["id"], name="web"))
    settle()
    service = api.get(service["links"]["self"])
    first = send(api, "POST", service["actions"]["activate"])
    again = send(api, "POST", service["actions"]["activate"])
    assert first.status_code == again.status_code == 202
    assert again.json() == first.json()
    refused = send(api, "POST", service["actions"]["activate"], key="another")
    assert (refused.status_code, refused.json()["code"]) == (422, "ActionNotAvailable")


def test_a_repeated_update_does_not_undo_what_came_after_it(api: Api) -> None:
    stack = api.create("environments", name="shop")
    url = stack["links"]["self"]
    first = send(api, "PUT", url, json={"description": "mine"})
    api.ask("PUT", url, json={"description": "of somebody else"})
    again = send(api, "PUT", url, json={"description": "mine"})
    assert again.content == first.content
    assert api.get(url)["description"] == "of somebody else"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "environments", {"name": "another"}),
        ("POST", "environments?_plainId=true", {"name": "shop"}),
        ("POST", "apikeys", {"name": "shop"}),
        ("PUT", "environments/1e1", {"name": "shop"}),
    ],
)
def test_a_key_belongs_to_one_request(api: Api, method: str, path: str, body: dict[str, str]) -> None:
    send(api, "POST", "environments", json={"name": "shop"})
    refused = send(api, method, path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "IdempotencyKeyReused")


def test_the_order_of_fields_makes_no_other_request(api: Api) -> None:
    first = send(api, "POST", "environments", content=b'{"name": "shop", "description": "d"}')
    again = send(api, "POST", "environments", content=b'{"description":"d","name":"shop"}')
    assert first.status_code == 201
    assert again.content == first.content


def test_callers_do_not_see_one_anothers_keys(api: Api, open_api: OpenApi, installation: Installation) -> None:
    send(api, "POST", "environments", json={"name": "shop"})
    other, key = installation.add_account("project")
    theirs = open_api(key, f"/v1/projects/1a{other.id}/")
    answer = send(theirs, "POST", "environments", json={"name": "shop"})
    assert answer.status_code == 201
    assert answer.json()["accountId"] == f"1a{other.id}"
    assert "idempotency-replayed" not in answer.headers


def test_one_caller_in_two_projects_asks_for_two_things(admin: Api, installation: Installation) -> None:
    other, _ = installation.add_account("project")
    for project, status in ((5, 201), (other.id, 422)):
        answer = send(
            admin, "POST", "environments", json={"name": "shop"}, headers={"X-API-Project-Id": f"1a{project}"}
        )  # fmt: skip
        assert answer.status_code == status


def test_a_refusal_is_not_kept(api: Api, installation: Installation) -> None:
    refused = send(api, "POST", "environments", json={})
    assert refused.status_code == 422
    assert send(api, "POST", "environments", json={"name": "shop"}).status_code == 201
    assert names(installation) == ["shop"]


@pytest.mark.parametrize("key", ["", " ", "a b", "é".encode(), "x" * 256])
def test_what_is_no_key_is_refused(api: Api, installation: Installation, key: Any) -> None:
    refused = api.ask("POST", "environments", headers={"Idempotency-Key": key}, json={"name": "shop"})
    assert (refused.status_code, refused.json()["code"]) == (400, "InvalidIdempotencyKey")
    assert names(installation) == []


def test_a_secret_is_not_shown_again_and_the_answer_says_so(api: Api, installation: Installation) -> None:
    first = send(api, "POST", "apikeys", json={"name": "mine"})
    again = send(api, "POST", "apikeys", json={"name": "mine"})
    secret = first.json()["secretValue"]
    assert len(secret) == 40
    assert "x-api-withheld" not in first.headers
    assert again.json() == {**first.json(), "secretValue": None}
    assert again.headers["x-api-withheld"] == "secretValue"
    stored = installation.store.read(lambda read: read.run("SELECT body, headers, request FROM answer"))
    assert stored
    assert secret not in str(stored)


def test_a_live_stream_is_opened_anew(installation: Installation, open_api: OpenApi) -> None:
    installation.context.open_stream = lambda wanted, caller: {"url": "/v1/logs/", "token": f"t{wanted.host_id}"}
    api = open_api(installation.project_key, "/v1/projects/1a5/")

    def run(tx: Any) -> Container:
        host = tx.insert(Host, account_id=5, name="h", state="active")
        return tx.insert(Container, account_id=5, host_id=host.id, state="running", slot="s", image_uuid="docker:b")

    row = installation.store.write(run)
    for _ in range(2):
        answer = send(api, "POST", f"containers/1i{row.id}/?action=logs", json={})
        assert answer.status_code == 200
        assert answer.json()["token"]
        assert "idempotency-replayed" not in answer.headers
    assert installation.store.read(lambda read: read.run("SELECT count(*) FROM answer")) == [(0,)]


def test_a_request_whose_twin_is_being_done_is_told_to_ask_again(installation: Installation) -> None:
    async def ask() -> tuple[list[int], list[str]]:
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=installation.app),
            auth=installation.project_key,
            base_url="http://127.0.0.1:8080",
        )
        async with client:
            twins = [client.post("/v1/environments", json={"name": "shop"}, headers=KEY) for _ in range(2)]
            answers = await asyncio.gather(*twins)
            later = await client.post("/v1/environments", json={"name": "shop"}, headers=KEY)
        return sorted(a.status_code for a in [*answers, later]), [a.json().get("code") for a in answers]

    statuses, codes = asyncio.run(ask())
    assert statuses == [201, 201, 409]
    assert "RequestInProgress" in codes
    assert names(installation) == ["shop"]


# --- If-Match ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def stack(api: Api, settle: Settle) -> str:
    """The URL of a stack at rest."""
    made = api.create("environments", name="shop")
    settle()
    return str(made["links"]["self"])


def tag(api: Api, url: str) -> str:
    return api.ask("GET", url).headers["etag"]


def change(api: Api, method: str, url: str, if_match: str) -> httpx2.Response:
    body = {"json": {"description": "new"}} if method == "PUT" else {}
    return api.ask(method, url, headers={"If-Match": if_match}, **body)


def test_every_answer_with_a_stored_resource_carries_its_tag(api: Api, stack: str) -> None:
    before = tag(api, stack)
    changed = api.ask("PUT", stack, json={"description": "d"})
    assert changed.headers["etag"] == tag(api, stack) != before
    assert api.ask("POST", "environments", json={"name": "b"}).headers["etag"] == '"1"'
    assert "etag" not in api.ask("GET", "environments").headers
    assert "etag" not in api.ask("GET", "schemas/environment").headers


def test_what_is_only_observed_changes_no_tag(api: Api, installation: Installation, stack: str) -> None:
    before = tag(api, stack)

    def observe(tx: Any) -> None:
        tx.change(tx.find(Environment)[0], message="it is busy")

    installation.store.write(observe)
    assert tag(api, stack) == before


@pytest.mark.parametrize("if_match", ["{tag}", "*", '"77", {tag}', "W/{tag}"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_change_of_what_was_read_is_made(api: Api, stack: str, method: str, if_match: str) -> None:
    assert change(api, method, stack, if_match.format(tag=tag(api, stack))).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_change_of_what_somebody_else_has_changed_is_refused(api: Api, stack: str, method: str) -> None:
    read = tag(api, stack)
    api.ask("PUT", stack, json={"description": "of somebody else"})
    refused = change(api, method, stack, read)
    assert (refused.status_code, refused.json()["code"]) == (412, "ResourceChanged")
    assert tag(api, stack) in refused.json()["message"]
    assert api.get(stack)["description"] == "of somebody else"
    assert api.get(stack)["state"] == "active"


def test_an_action_on_what_somebody_else_has_changed_is_refused(api: Api, stack: str, settle: Settle) -> None:
    service = api.create("services", **a_service(stack.rpartition("/")[2], name="web"))
    settle()
    url = service["links"]["self"]
    read = tag(api, url)
    api.ask("PUT", url, json={"scale": 2})
    settle()
    activate = api.get(url)["actions"]["activate"]
    refused = api.ask("POST", activate, headers={"If-Match": read})
    assert (refused.status_code, refused.json()["code"]) == (412, "ResourceChanged")
    assert api.ask("POST", activate, headers={"If-Match": tag(api, url)}).status_code == 202


def test_of_what_has_no_tag_nothing_matches(admin: Api) -> None:
    refused = admin.ask("PUT", "activesettings/1as!api.host", json={"value": "h"}, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (412, "ResourceChanged")


@pytest.mark.parametrize("if_match", ["3", '"', "", '"1" "2"'])
def test_what_is_no_tag_is_refused(api: Api, stack: str, if_match: str) -> None:
    refused = change(api, "PUT", stack, if_match)
    assert (refused.status_code, refused.json()["code"]) == (400, "InvalidIfMatch")


def test_a_repeated_update_is_answered_although_its_condition_is_no_longer_true(api: Api, stack: str) -> None:
    headers = {"If-Match": tag(api, stack)}
    first = send(api, "PUT", stack, json={"description": "mine"}, headers=headers)
    again = send(api, "PUT", stack, json={"description": "mine"}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
