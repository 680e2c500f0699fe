"""Which URLs mean what, and the headers that every answer has (01-api-wire sections 2, 3, 9)."""

from __future__ import annotations

import pytest

from tests.serving import Api, Installation, OpenApi

BASE = "http://127.0.0.1:8080"


@pytest.fixture
def stack(api: Api) -> str:
    """The id of a stack."""
    created: str = api.create("environments", name="shop")["id"]
    return created


@pytest.mark.parametrize("name", ["environments", "environment", "ENVIRONMENTS", "Environment"])
def test_a_type_is_found_in_any_case_singular_and_plural(api: Api, stack: str, name: str) -> None:
    assert [e["id"] for e in api.get(name)["data"]] == [stack]
    assert api.get(f"{name}/{stack}")["name"] == "shop"


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:8080//v1//projects//1a5/environments/", "/v1/projects/1a5/environments//"]
)
def test_repeated_and_trailing_slashes_do_not_count(api: Api, stack: str, path: str) -> None:
    assert len(api.get(path)["data"]) == 1


def test_produced_urls_are_lower_case_plurals_in_the_scope_of_the_request(admin: Api, api: Api, stack: str) -> None:
    scoped = api.get(f"ENVIRONMENT/{stack}")
    assert scoped["links"]["self"] == f"{BASE}/v1/projects/1a5/environments/{stack}"
    assert scoped["links"]["composeConfig"].endswith(f"/environments/{stack}/composeconfig")
    assert scoped["actions"]["addoutputs"] == f"{BASE}/v1/projects/1a5/environments/{stack}/?action=addoutputs"
    assert admin.get(f"environments/{stack}")["links"]["self"] == f"{BASE}/v1/environments/{stack}"


@pytest.mark.parametrize("id_", ["1e1", "1zz1", "1e!1"])
def test_the_letters_of_an_id_are_not_compared_with_the_type(api: Api, stack: str, id_: str) -> None:
    assert api.get(f"environments/{id_}")["id"] == stack


@pytest.mark.parametrize(
    "id_", ["1", "e1", "1e", "1e0", "1ex", "1e99999999999999999999999", "1e-1", "%00", "1e²", "..."]
)
def test_what_is_no_id_is_not_found(api: Api, stack: str, id_: str) -> None:
    assert api.refused("GET", f"environments/{id_}") == (404, "Not Found", None)


@pytest.mark.parametrize(
    "path", ["nonsense", "nonsense/1x1", "environments/1e1/nonsense", "environments/1e1/services/1s1"]
)
def test_unknown_types_and_links_are_not_found(api: Api, stack: str, path: str) -> None:
    assert api.refused("GET", path)[:2] == (404, "Not Found")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_not_allowed(api: Api, stack: str, method: str) -> None:
    assert api.ask(method, "environments").status_code == 405


def test_a_verb_that_the_role_lacks_is_not_allowed_even_where_nothing_is(api: Api) -> None:
    assert api.refused("DELETE", "images/1i999") == (405, "Method not allowed", None)
    assert api.refused("POST", "images", json={}) == (405, "Method not allowed", None)


def test_a_parameter_overrides_the_method(api: Api, stack: str) -> None:
    assert api.ask("POST", f"environments/{stack}", params={"_method": "DELETE"}).json()["state"] == "removing"
    other = api.create("environments", name="other")
    changed = api.ask("POST", f"environments/{other['id']}", data={"_method": "PUT", "description": "by form"})
    assert changed.json()["description"] == "by form"
    assert api.ask("POST", f"environments/{other['id']}", data={"_method": "GET"}).json()["name"] == "other"


def test_a_form_and_the_query_are_fields_and_json_wins(api: Api) -> None:
    assert api.ask("POST", "environments", data={"name": "form"}).json()["name"] == "form"
    assert api.ask("POST", "environments", files={"name": (None, "parts")}).json()["name"] == "parts"
    both = api.ask("POST", "environments", params={"name": "query", "description": "q"}, json={"name": "body"}).json()
    assert (both["name"], both["description"]) == ("body", "q")


@pytest.mark.parametrize("path", ["/v1", "/v1/schemas", "/v1/projects/1a5/containers", "/v1/nonsense"])
def test_every_answer_names_the_schemas_of_its_scope_the_account_and_the_client(admin: Api, path: str) -> None:
    headers = admin.ask("GET", path, headers={"X-Forwarded-For": "203.0.113.9, 10.0.0.1"}).headers
    scope = "/projects/1a5" if "projects" in path else ""
    assert headers["X-API-Schemas"] == f"{BASE}/v1{scope}/schemas"
    assert headers["X-API-Account-Id"] == ("1a5" if scope else "1a1")
    assert headers["X-API-Client-IP"] == "203.0.113.9"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Location" not in headers


def test_a_client_that_is_pointed_at_a_project_finds_the_schemas_inside_it(admin: Api) -> None:
    assert admin.ask("GET", "projects/1a5").headers["X-API-Schemas"] == f"{BASE}/v1/projects/1a5/schemas"


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"X-Forwarded-Proto": "https"}, "https://127.0.0.1:8080"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "boss.example"}, "https://boss.example"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example:1, b", "X-Forwarded-Port": "8443"}, "https://a.example:8443"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "[::1]:80", "X-Forwarded-Port": "443"}, "https://[::1]"),
        ({"X-Forwarded-Host": "ignored.example"}, BASE),
        ({"Host": "boss.example:80"}, "http://boss.example"),
    ],
)  # fmt: skip
def test_links_begin_with_the_address_that_the_client_used(api: Api, headers: dict[str, str], base: str) -> None:
    assert api.ask("GET", "/v1", headers=headers).json()["links"]["self"] == f"{base}/v1"


@pytest.mark.parametrize("host", ["a b", 'evil"><', "x/../y", ""])
def test_a_host_that_cannot_be_is_refused(api: Api, host: str) -> None:
    assert api.refused("GET", "/v1", headers={"X-Forwarded-Proto": "http", "X-Forwarded-Host": host or "/"})[0] == 400


def test_no_text_of_a_path_becomes_a_header(admin: Api) -> None:
    headers = admin.ask("GET", "projects/%0D%0ASet-Cookie:x/hosts").headers
    assert headers["X-API-Schemas"] == f"{BASE}/v1/projects/%0D%0ASet-Cookie%3Ax/schemas"
    assert "Set-Cookie" not in headers


def test_the_root_names_the_versions(open_api: OpenApi) -> None:
    root = open_api(None).get("/")
    assert root["resourceType"] == "apiVersion"
    assert root["links"] == {"self": f"{BASE}/", "latest": f"{BASE}/v1"}
    assert root["data"][0]["links"]["self"] == f"{BASE}/v1"


def test_the_version_links_to_what_can_be_listed(api: Api) -> None:
    version = api.get("/v1")
    assert (version["id"], version["type"]) == ("v1", "apiVersion")
    assert version["links"]["apiKeys"] == f"{BASE}/v1/apikeys"
    assert "launchConfigs" not in version["links"]


@pytest.mark.parametrize("path", ["/ping", "/healthcheck"])
def test_liveness_needs_no_login(open_api: OpenApi, path: str) -> None:
    assert open_api(None).ask("GET", path).text == "pong"


def test_a_schema_is_found_by_any_form_of_its_name(api: Api) -> None:
    for name in ("apiKey", "apikeys", "APIKEY"):
        schema = api.get(f"schemas/{name}")
        assert schema["id"] == "apiKey"
        assert schema["links"]["collection"].endswith("/v1/projects/1a5/apikeys")
    assert api.refused("GET", "schemas/nonsense")[0] == 404


def test_schemas_are_one_page_without_filters(api: Api) -> None:
    schemas = api.get("schemas")
    assert (schemas["resourceType"], schemas["pagination"], schemas["sort"]) == ("schema", None, None)
    assert schemas["filters"] == schemas["sortLinks"] == schemas["createTypes"] == schemas["createDefaults"] == {}
    assert len({schema["id"] for schema in schemas["data"]}) == len(schemas["data"]) > 30


def test_a_request_id_is_made_or_kept_if_it_is_harmless_and_is_the_cause_of_changes(
    api: Api, installation: Installation
) -> None:
    given = api.ask("POST", "environments", json={"name": "a"}, headers={"X-Request-Id": "abc-1.2_3"})
    assert given.headers["X-Request-Id"] == "abc-1.2_3"
    made = api.ask("GET", "environments", headers={"X-Request-Id": b"a b\xe9"}).headers["X-Request-Id"]
    assert made.isalnum()
    causes = installation.store.read(lambda r: r.run("SELECT DISTINCT cause FROM journal WHERE type = 'environment'"))
    assert causes == [("abc-1.2_3",)]


def test_an_unexpected_error_is_an_error_document_with_the_request_id(api: Api, installation: Installation) -> None:
    installation.context.store = None  # type: ignore[assignment]
    response = api.ask("GET", "environments")
    assert (response.status_code, response.json()["code"]) == (500, "Internal Server Error")
    assert response.headers["X-Request-Id"]


def test_a_filter_of_16_kib_is_accepted(api: Api) -> None:
    assert api.get("environments", name="x" * 15_800)["data"] == []
