"""A real Chromium, and servers with a simulated host, for tests as a person would do them.

`person` opens pages of a server without access control, `open_as` with keys. In the end of each test nothing may have
stood on the console, and nothing may have been asked of another server.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.waiting import eventually
from trailboss.api import html
from trailboss.server.options import Options
from trailboss.server.process import Started, start

BROWSERS = ("chromium", "google-chrome", "chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000
SUPERADMIN = ("superadmin", "a-secret-for-tests")
PROJECT = "/v1/projects/1a5"


class Server:
    """A running server. api: a client that may do everything."""

    def __init__(self, started: Started) -> None:
        self.started, self.url = started, started.url
        self.api = httpx2.Client(base_url=started.url, auth=SUPERADMIN, timeout=30)

    @property
    def keys(self) -> dict[str, str]:
        """The variables of the first credentials."""
        lines = self.started.running.first_credentials.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def create(self, collection: str, **fields: Any) -> Any:
        """Create a resource of the first project."""
        answer = self.api.post(f"{PROJECT}/{collection}", json=fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        """Read a document of the first project."""
        return self.api.get(f"{PROJECT}/{path}").json()

    def add_host(self) -> None:
        """Add a simulated host, and wait until it is active."""
        body = {"key": secrets.token_hex(20), "accountId": "1a5", "agentUriFormat": "sim://%s"}
        assert self.api.post("/v1/register", json=body).status_code == 201
        eventually(lambda: [h for h in self.get("hosts")["data"] if h["state"] == "active"], what="a host is active")


@contextmanager
def a_server(folder: Path, access_control: str) -> Iterator[Server]:
    """Run a server with one simulated host."""
    key = ":".join(SUPERADMIN)
    options = Options(
        listen="127.0.0.1:0", data=folder, simulator=True, access_control=access_control, superadmin_key=key
    )
    started = start(options)
    try:
        server = Server(started)
        server.add_host()
        yield server
        server.api.close()
    finally:
        started.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without access control."""
    with a_server(tmp_path_factory.mktemp("open") / "data", "off") as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with access control."""
    with a_server(tmp_path_factory.mktemp("guarded") / "data", "on") as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser without a screen."""
    assert (html.WEB / "manifest.json").is_file(), "the front end is not built; run scripts/build_ui.py"
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "there is no Chromium on this machine"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Person:
    """One browser window. refusals: statuses that the test provokes, which Chromium writes on its console."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.refusals: set[int] = set()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if not any(f"the server responded with a status of {status} " in message.text for status in self.refusals):
            self.complaints.append(message.text)

    def _note(self, request: Request) -> None:
        if urlsplit(request.url).scheme != "data":
            self.asked.append(request.url)

    def open(self, path: str) -> Page:
        """Go to a path of the server."""
        self.page.goto(self.url + path)
        return self.page

    def check(self) -> None:
        """Fail if anything stood on the console or went elsewhere."""
        assert self.complaints == []
        assert [url for url in self.asked if not url.startswith(self.url + "/")] == []


OpenAs = Callable[..., Person]


@pytest.fixture
def open_as(chromium: Browser) -> Iterator[OpenAs]:
    """Return a function that opens a window on a server: `open_as(server, user, password)`."""
    people: list[Person] = []

    def open_(server: Server, user: str | None = None, password: str = "", **options: Any) -> Person:
        credentials = {"username": user, "password": password} if user else None
        context = chromium.new_context(http_credentials=credentials, **options)  # type: ignore[arg-type]
        people.append(Person(context.new_page(), server.url))
        return people[-1]

    yield open_
    for person in people:
        person.page.context.close()
    for person in people:
        person.check()


@pytest.fixture
def person(open_as: OpenAs, server: Server) -> Person:
    """A window on the server without access control."""
    return open_as(server, permissions=["clipboard-read", "clipboard-write"])
