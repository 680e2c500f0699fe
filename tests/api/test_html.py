"""Pages for people: who gets one, that it is safe, and what is there without the built front end."""

from __future__ import annotations

import html as escaping
import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serving import Api, Installation, OpenApi
from trailboss.api import html

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
NASTY = "</script><script>alert(1)</script><!-- \" onx='y' & \\"


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the built front end: empty, whatever the clone has."""
    monkeypatch.setattr(html, "WEB", tmp_path / "web")
    return tmp_path / "web"


@pytest.fixture
def browser(open_api: OpenApi, installation: Installation) -> Api:
    """A browser with the project's key."""
    return open_api(installation.project_key, "/v1/projects/1a5/", **{"User-Agent": CHROME, "Accept": NAVIGATION})


def embedded(page: str) -> Any:
    """The document that a page carries."""
    found = re.search(r'<script id="document" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize(
    ("agent", "accept", "query", "wanted"),
    [
        (CHROME, NAVIGATION, "", HTML),
        (CHROME, "*/*", "", HTML),
        (CHROME, None, "", HTML),
        (CHROME.upper(), NAVIGATION, "", HTML),
        (CHROME, "application/json", "", JSON),
        (CHROME, NAVIGATION, "?_format=json", JSON),
        ("curl/7.88", "*/*", "", JSON),
        ("curl/7.88", None, "", JSON),
        ("curl/7.88", "application/json", "?_format=html", HTML),
        (CHROME, NAVIGATION, "?_format=yaml", HTML),
    ],
)
def test_who_gets_a_page_and_who_json(
    open_api: OpenApi, installation: Installation, agent: str, accept: str | None, query: str, wanted: str
) -> None:
    api = open_api(installation.project_key, **{"User-Agent": agent})
    if accept is None:
        del api._client.headers["Accept"]
    else:
        api._client.headers["Accept"] = accept
    for path in ("/", "/v1", "/v1/schemas", "/v1/projects/1a5/containers", "/v1/nothing", "/elsewhere"):
        assert api.ask("GET", path + query).headers["content-type"] == wanted, path


def test_a_page_shows_the_same_document_as_text_with_links_and_embedded(browser: Api) -> None:
    browser.ask("POST", "environments?_format=json", headers=csrf(browser), json={"name": "shop"})
    document = browser.ask("GET", "environments", headers={"Accept": "application/json"}).json()
    page = browser.ask("GET", "environments").text
    assert embedded(page) == document
    self_url = document["data"][0]["links"]["self"]
    assert f'&quot;self&quot;: "<a href="{self_url}">{self_url}</a>"' in page
    remove = document["data"][0]["actions"]["remove"]
    assert remove in page and f'href="{remove}"' not in page
    assert 'data-base="/v1/projects/1a5"' in page and 'data-keys="yes"' in page
    assert "not built" in page


def csrf(browser: Api) -> dict[str, str]:
    """The headers of a browser that has its token."""
    token = re.search(r"CSRF=(\w+)", browser.ask("GET", "/v1").headers["set-cookie"])
    assert token
    return {"Cookie": f"CSRF={token[1]}", "X-API-CSRF": token[1]}


def test_what_a_person_wrote_stays_text(browser: Api) -> None:
    url = "http://127.0.0.1:8080/v1/\" onmouseover='x'"
    made = browser.ask(
        "POST",
        "environments",
        headers=csrf(browser) | {"Accept": "application/json"},
        json={"name": "shop", "description": NASTY, "externalId": url},
    ).json()
    page = browser.ask("GET", f"environments/{made['id']}").text
    assert (embedded(page)["description"], embedded(page)["externalId"]) == (NASTY, url)
    elsewhere = re.sub(r'<script id="document".*?</script>', "", page, flags=re.DOTALL)
    assert "<script" not in elsewhere and "<!--" not in elsewhere
    assert escaping.escape(json.dumps(NASTY)) in page
    assert all(re.fullmatch(r"[^\s\"'<>]*", href) for href in re.findall(r'href="([^"]*)"', page))


def test_what_is_in_the_url_stays_text(browser: Api) -> None:
    for path in ('/v1/<img src=x onerror="y">', "/v1?x=</script><b>&\"'", '/v1/projects/"><i>/hosts'):
        page = browser.ask("GET", path).text
        assert not re.search(r"<(img|b|i)[ >]", page), page


def test_an_error_is_a_page_too(browser: Api, open_api: OpenApi) -> None:
    response = browser.ask("GET", "containers/1i999")
    assert (response.status_code, response.headers["content-type"]) == (404, HTML)
    assert embedded(response.text)["code"] == "Not Found"
    nobody = open_api(None, **{"User-Agent": CHROME, "Accept": NAVIGATION})
    response = nobody.ask("GET", "/v1")
    assert (response.status_code, response.headers["content-type"]) == (401, HTML)
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert 'data-keys="no"' in response.text


def test_a_page_lets_nothing_run_but_our_own_files(browser: Api) -> None:
    for path in ("/", "/v1", "/v1/nothing"):
        headers = browser.ask("GET", path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == "'self'"
        assert "unsafe" not in str(policy)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_page_has_the_headers_of_the_api_and_the_cookie(browser: Api) -> None:
    headers = browser.ask("GET", "containers").headers
    assert headers["x-api-schemas"] == "http://127.0.0.1:8080/v1/projects/1a5/schemas"
    assert headers["x-api-account-id"] == "1a5"
    assert re.fullmatch(r"CSRF=[0-9A-F]{32}; Path=/; SameSite=Strict", headers["set-cookie"])


def test_the_built_front_end_is_loaded_and_the_text_is_for_browsers_without_javascript(
    browser: Api, built: Path
) -> None:
    (built / "assets").mkdir(parents=True)
    (built / "assets" / "browser-1.js").write_text("run()")
    (built / "secret.txt").write_text("not served")
    entry = {"file": "assets/browser-1.js", "css": ["assets/browser-2.css"]}
    (built / "manifest.json").write_text(json.dumps({html.ENTRY: entry}))
    page = browser.ask("GET", "/v1").text
    assert '<script type="module" src="/assets/browser-1.js"></script>' in page
    assert '<link rel="stylesheet" href="/assets/browser-2.css">' in page
    assert '<noscript><main class="plain">' in page and "not built" not in page
    script = browser.ask("GET", "/assets/browser-1.js")
    assert script.text == "run()"
    assert "javascript" in script.headers["content-type"]
    assert "immutable" in script.headers["cache-control"]
    for path in ("/assets/other.js", "/assets/..%2Fsecret.txt", "/assets/%2E%2E", "/assets/%00"):
        assert browser.ask("GET", path).status_code == 404, path


def test_a_download_stays_a_file(browser: Api) -> None:
    made = browser.ask(
        "POST", "environments", headers=csrf(browser) | {"Accept": "application/json"}, json={"name": "shop"}
    ).json()
    response: httpx2.Response = browser.ask("GET", f"environments/{made['id']}/composeconfig")
    assert "attachment" in response.headers["content-disposition"]
    assert response.headers["content-type"] != HTML
