"""Whatever is sent: a typed answer, never a 5xx, and no change after a refusal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contents import assert_unchanged, contents
from tests.databases import Postgres
from tests.serving import Api, Installation
from trailboss.api.schemas import role_view
from trailboss.store.store import Store

pytestmark = pytest.mark.slow

PROJECT = role_view("project")
VIEWS = PROJECT.types.values()
TYPES = sorted(PROJECT.types)
CREATABLE = sorted(v.type.plural for v in VIEWS if "POST" in v.collection_methods)
FIELDS = sorted({wire for v in VIEWS for wire in v.fields})
MODIFIERS = ("", "_gt", "_like", "_prefix", "_null", "_ne")
FILTERS = sorted({wire + modifier for v in VIEWS for wire in v.filters for modifier in MODIFIERS})
ACTIONS = sorted({name for v in VIEWS for name in v.actions})
LINKS = sorted({name for v in VIEWS for name in v.relations})
PARAMETERS = ("sort", "order", "limit", "marker", "include", "_method", "_role", "_plainId", "action", "projectId")
HEADERS = (
    "Authorization", "Content-Type", "Cookie", "Host", "Origin", "X-API-CSRF", "X-API-Project-Id", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Request-Id",
)  # fmt: skip
LIKELY = ("docker:busybox", "1e1", "1a5", "1i1", "80:80", "true", "0", "\0", "%", "\\")

texts = st.text(max_size=20) | st.sampled_from(LIKELY)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
keys = st.sampled_from(FIELDS) | texts


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)


values = st.recursive(scalars, nested, max_leaves=8)
bodies = st.dictionaries(keys, values, max_size=8)
ids = st.sampled_from(["1e1", "1s1", "1i1", "1a5", "1c1", "api.host", "1as!x", "1h1", "1p1"]) | texts
queries = st.dictionaries(
    st.sampled_from([*FILTERS, *PARAMETERS]) | texts, texts | st.sampled_from([*FILTERS, *LINKS]), max_size=4
)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
headers = st.dictionaries(
    st.sampled_from(HEADERS), printable | st.sampled_from(["https", "application/json", "1a5"]), max_size=3
)

FUZZ = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def fuzzed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, Api]]:
    """An installation with a stack, a service and a container, and the caller with the project's key."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("fuzz") / "test.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        url = f"sqlite:///{path}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.url(server.create(request.getfixturevalue("migrated_postgres")))
    store = Store(url)
    store.start()
    installation = Installation(store)
    api = Api(installation.app, installation.project_key, "/v1/projects/1a5/")
    api.create("environments", name="shop")
    api.create("services", name="web", environmentId="1e1", launchConfig={"imageUuid": "docker:busybox"})
    api.create("containers", imageUuid="docker:busybox", ports=["80:80"])
    yield installation, api
    api.close()
    store.close()


def check(fuzzed: tuple[Installation, Api], method: str, path: str, **options: Any) -> None:
    """Send a request; the answer must be no 5xx, JSON of the API, and a refusal must have changed nothing."""
    installation, api = fuzzed
    before = contents(installation.store)
    response = api.ask(method, path, **options)
    assert response.status_code < 500, response.text
    assert not any("\n" in value or "\r" in value for value in response.headers.values())
    if response.headers["content-type"].startswith("application/json"):
        document = response.json()
        assert document["type"]
        if response.status_code >= 400:
            assert (document["type"], document["status"]) == ("error", response.status_code)
    if response.status_code >= 400:
        assert_unchanged(before, contents(installation.store))


def quoted(text: str) -> str:
    """Return a text as one segment of a path."""
    return quote(text, safe="") or "%20"


@FUZZ
@given(plural=st.sampled_from(CREATABLE), body=bodies)
def test_any_body_of_a_creation(fuzzed: tuple[Installation, Api], plural: str, body: dict[str, Any]) -> None:
    check(fuzzed, "POST", plural, json=body)


@FUZZ
@given(
    type_=st.sampled_from(TYPES),
    id_=ids,
    body=bodies,
    method=st.sampled_from(["PUT", "DELETE", "POST", "GET", "PATCH"]),
)
def test_any_body_for_any_id(
    fuzzed: tuple[Installation, Api], type_: str, id_: str, body: dict[str, Any], method: str
) -> None:
    options = {"json": body} if method in ("PUT", "POST") else {}
    check(fuzzed, method, f"{type_}/{quoted(id_)}", **options)


@FUZZ
@given(type_=st.sampled_from(TYPES), query=queries)
def test_any_query_of_a_collection(fuzzed: tuple[Installation, Api], type_: str, query: dict[str, str]) -> None:
    check(fuzzed, "GET", type_, params=query)


@FUZZ
@given(type_=st.sampled_from(TYPES), id_=ids, link=st.sampled_from(LINKS) | texts, query=queries)
def test_any_link(fuzzed: tuple[Installation, Api], type_: str, id_: str, link: str, query: dict[str, str]) -> None:
    check(fuzzed, "GET", f"{type_}/{quoted(id_)}/{quoted(link)}", params=query)


@FUZZ
@given(type_=st.sampled_from(TYPES), id_=ids, action=st.sampled_from(ACTIONS) | texts, body=bodies)
def test_any_action(fuzzed: tuple[Installation, Api], type_: str, id_: str, action: str, body: dict[str, Any]) -> None:
    check(fuzzed, "POST", f"{type_}/{quoted(id_)}/", params={"action": action}, json=body)


@FUZZ
@given(content=st.binary(max_size=200), sent=headers, method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
def test_any_bytes_under_any_headers(
    fuzzed: tuple[Installation, Api], content: bytes, sent: dict[str, str], method: str
) -> None:
    check(fuzzed, method, "environments/1e1", content=content, headers=sent)


@FUZZ
@given(path=st.text(max_size=40))
def test_any_path(fuzzed: tuple[Installation, Api], path: str) -> None:
    check(fuzzed, "GET", "/v1/" + "/".join(quoted(part) for part in path.split("/")))
