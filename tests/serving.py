"""The API in tests: an installation with its first keys, asked in process or served on a real port.

`Installation` is a seeded store with the app on it. `Api` asks the app without sockets, in an event loop of its own, so
that tests are plain functions. `running_api` serves it by uvicorn in a thread, for clients that need a URL.
Fixtures, to be imported by a `conftest.py` (with `migrated_sqlite` of `tests/databases.py`): `plain_logs`,
`installation`, `open_api`, `api`, `admin`, `settle`, `later`.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
import uvicorn
from starlette.applications import Starlette

import trailboss.resources  # noqa: F401  (declares the types)
from tests.waiting import eventually
from trailboss.api.app import build_app
from trailboss.api.context import Context
from trailboss.engine.loop import Engine
from trailboss.resources.account import Account
from trailboss.resources.seed import add_key, seed
from trailboss.resources.setting import Setting
from trailboss.server.http_limits import BoundedHttp
from trailboss.store.store import Store
from trailboss.store.transaction import Tx

Key = tuple[str, str]
PROJECT = "1a5"


class Installation:
    """A store with the first accounts, and the app. keys: of the project `1a5` and of the administrator `1a1`."""

    def __init__(self, store: Store, **context: Any) -> None:
        self.store = store
        first = store.write(seed)
        assert first is not None, "the database was seeded before"
        self.project_key: Key = (first["project_access"], first["project_secret"])
        self.admin_key: Key = (first["admin_access"], first["admin_secret"])
        self.context = Context(store, **context)
        self.app: Starlette = build_app(self.context)

    def set(self, name: str, value: str) -> None:
        """Store the value of a setting."""
        self.store.write(lambda tx: tx.insert(Setting, name=name, value=value))

    def add_account(self, kind: str, name: str = "someone") -> tuple[Account, Key]:
        """Make an active account with a key."""

        def make(tx: Tx) -> tuple[Account, Key]:
            account = tx.insert(Account, kind=kind, name=name, state="active")
            return account, add_key(tx, account.id, "a key")

        return self.store.write(make)


class Api:
    """Asks the app in process as one caller. Answers are httpx2 responses; `get` and so on return their documents.

    prefix: put before paths that do not begin with `/`.
    """

    def __init__(self, app: Starlette, key: Key | None, prefix: str = "/v1/", **headers: str) -> None:
        self.prefix = prefix
        self._loop = asyncio.new_event_loop()
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            auth=key,
            base_url="http://127.0.0.1:8080",
            headers={"Accept": "application/json", "User-Agent": "tests", **headers},
        )

    def close(self) -> None:
        """End its event loop."""
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request and return the answer, whatever it is."""
        url = path if path.startswith(("/", "http:", "https:")) else self.prefix + path
        return self._loop.run_until_complete(self._client.request(method, url, **options))

    def get(self, path: str, **params: Any) -> Any:
        """Read a document."""
        return self._document(self.ask("GET", path, params=params or None), 200)

    def create(self, path: str, **body: Any) -> Any:
        """Create a resource; return its document."""
        return self._document(self.ask("POST", path, json=body), 201)

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str, str | None]:
        """Send a request that is refused; return status, code and fieldName of the error document."""
        response = self.ask(method, path, **options)
        error = response.json()
        assert error["type"] == "error", error
        assert error["status"] == response.status_code, error
        assert {"id", "links", "actions", "code", "message", "detail"} <= error.keys(), error
        return error["status"], error["code"], error.get("fieldName")

    def _document(self, response: httpx2.Response, status: int) -> Any:
        assert response.status_code == status, response.text
        return response.json()


@contextmanager
def running_api(app: Starlette, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve an app on a free port, in a thread; yield its URL."""
    config = uvicorn.Config(app, http=BoundedHttp, host=host, port=0, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="uvicorn", daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started, what="uvicorn has started")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log without the values of local variables, which take seconds to print."""
    render = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, render])


@pytest.fixture
def installation(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Installation]:
    """A new installation on SQLite."""
    shutil.copy(migrated_sqlite, tmp_path / "test.db")
    store = Store(f"sqlite:///{tmp_path}/test.db")
    store.start()
    try:
        yield Installation(store)
    finally:
        store.close()


OpenApi = Callable[..., Api]


@pytest.fixture
def open_api(installation: Installation) -> Iterator[OpenApi]:
    """Return a function that makes callers: `open_api(key, prefix)`."""
    opened: list[Api] = []

    def open_(key: Key | None, prefix: str = "/v1/", **headers: str) -> Api:
        opened.append(Api(installation.app, key, prefix, **headers))
        return opened[-1]

    yield open_
    for api in opened:
        api.close()


@pytest.fixture
def api(open_api: OpenApi, installation: Installation) -> Api:
    """The caller with the project's key, whose paths are below the project."""
    return open_api(installation.project_key, f"/v1/projects/{PROJECT}/")


@pytest.fixture
def admin(open_api: OpenApi, installation: Installation) -> Api:
    """The administrator, whose paths are below `/v1`."""
    return open_api(installation.admin_key)


Settle = Callable[[], None]


@pytest.fixture
def settle(installation: Installation) -> Settle:
    """Return a function that lets every reconciler come to rest that needs no host."""
    engine = Engine(installation.store, "test", jitter=lambda: 0.0)

    def run() -> None:
        for _ in range(20):
            if engine.run_batch() == 0:
                return

    return run


Later = Callable[[float], None]


@pytest.fixture
def later(installation: Installation, settle: Settle) -> Later:
    """Return a function that moves the clock of the store on by some seconds and lets everything come to rest."""
    store, began = installation.store, installation.store.clock
    ahead = 0

    def run(seconds: float) -> None:
        nonlocal ahead
        ahead += int(seconds * 1000)
        store.clock = lambda: began() + ahead
        settle()

    return run
