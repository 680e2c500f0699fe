"""What keeps web pages from driving a server: CSRF, Origin, Host (01-api-wire section 10)."""

from __future__ import annotations

import re

import pytest

from tests.serving import Api, Installation, OpenApi

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}


@pytest.fixture
def browser(open_api: OpenApi, installation: Installation) -> Api:
    """A browser with the project's key."""
    return open_api(installation.project_key, "/v1/projects/1a5/", **BROWSER)


def test_a_browser_gets_a_token_once_and_others_get_none(browser: Api, api: Api) -> None:
    cookie = browser.ask("GET", "environments").headers["Set-Cookie"]
    assert re.fullmatch(r"CSRF=[0-9A-F]{32}; Path=/; SameSite=Strict", cookie)
    assert "Set-Cookie" not in browser.ask("GET", "environments", headers={"Cookie": "CSRF=" + "A" * 32}).headers
    assert "Set-Cookie" not in api.ask("GET", "environments").headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "CSRF=ABC"},
        {"X-API-CSRF": "ABC"},
        {"Cookie": "CSRF=ABC", "X-API-CSRF": "ABD"},
        {"Cookie": "CSRF=", "X-API-CSRF": ""},
    ],
)
def test_a_browser_that_changes_something_must_show_its_token(browser: Api, headers: dict[str, str]) -> None:
    for method, options in (
        ("POST", {"json": {"name": "a"}}),
        ("GET", {"params": {"_method": "POST", "name": "a"}}),
        ("POST", {"data": {"name": "a"}}),
        ("POST", {"data": {"_method": "PUT", "name": "a"}}),
    ):
        refused = browser.refused(method, "environments", headers=headers, **options)
        assert refused == (403, "InvalidCSRFToken", None), method
    assert browser.get("environments")["data"] == []


def test_a_browser_with_its_token_may_change_things(browser: Api) -> None:
    headers = {"Cookie": "CSRF=ABC", "X-API-CSRF": "ABC"}
    assert browser.ask("POST", "environments", json={"name": "a"}, headers=headers).status_code == 201
    form = {"_method": "GET"}
    assert browser.ask("POST", "environments", data=form).status_code == 200, "reading needs no token"


def test_a_browser_must_name_the_type_of_its_json(browser: Api) -> None:
    headers = {"Cookie": "CSRF=ABC", "X-API-CSRF": "ABC"}
    assert browser.refused("POST", "environments", content=b'{"name": "a"}', headers=headers)[0] == 415


@pytest.fixture
def anybody(open_api: OpenApi, installation: Installation) -> Api:
    """A caller without a key, of a server in open mode."""
    installation.set("api.security.enabled", "false")
    return open_api(None, "/v1/projects/1a5/")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_in_open_mode_a_name_that_is_not_ours_is_refused(anybody: Api, host: str) -> None:
    for method in ("GET", "POST"):
        assert anybody.refused(method, "environments", headers={"Host": host})[:2] == (403, "InvalidHost")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "192.0.2.7"])
def test_in_open_mode_addresses_and_localhost_are_ours(anybody: Api, host: str) -> None:
    assert anybody.ask("GET", "environments", headers={"Host": host}).status_code == 200


def test_in_open_mode_configured_names_are_ours(anybody: Api, installation: Installation) -> None:
    installation.context.hosts = frozenset({"boss.example"})
    installation.set("api.host", "https://other.example:8443")
    for host in ("boss.example", "Boss.Example:8080", "other.example"):
        assert anybody.ask("GET", "environments", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8080.evil.example"]
)
def test_in_open_mode_pages_of_other_origins_are_refused(anybody: Api, origin: str) -> None:
    for headers in ({"Origin": origin}, {"Origin": origin, **BROWSER}):
        assert anybody.refused("POST", "environments", json={"name": "a"}, headers=headers)[:2] == (
            403,
            "InvalidOrigin",
        )
        assert anybody.refused("GET", "environments", headers=headers)[:2] == (403, "InvalidOrigin")


def test_in_open_mode_our_own_pages_are_served(anybody: Api) -> None:
    own = {"Origin": "http://127.0.0.1:8080"}
    assert anybody.ask("POST", "environments", json={"name": "a"}, headers=own).status_code == 201
    proxied = {"Origin": "https://127.0.0.1:8443", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"}
    assert anybody.ask("GET", "environments", headers=proxied).status_code == 200


def test_with_access_control_on_the_host_does_not_matter(api: Api) -> None:
    assert api.ask("GET", "environments", headers={"Host": "boss.example", "Origin": "http://x"}).status_code == 200


def test_every_answer_protects_browsers(api: Api, open_api: OpenApi) -> None:
    for response in (
        api.ask("GET", "environments"),
        api.ask("GET", "nothing"),
        open_api(None).ask("GET", "/v1"),
        api.ask("GET", "/ping"),
    ):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Strict-Transport-Security" not in response.headers, "only over TLS"
    over_tls = api.ask("GET", "https://127.0.0.1:8080/v1/projects/1a5/environments")
    assert over_tls.headers["Strict-Transport-Security"].startswith("max-age=")


def test_a_browsers_token_stays_on_tls(browser: Api) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "boss.example"}
    assert browser.ask("GET", "environments", headers=forwarded).headers["Set-Cookie"].endswith("; Secure")
