"""A server for clients: the API with its change stream on a port, and reconcilers that need no host.

Fixtures, to be imported by a `conftest.py` (with those of `tests/serving.py`): `served` (its URL), `client` (of the
project), `wire` (what carries the client's requests, and can break).
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.serving import PROJECT, Installation, running_api
from trailboss.api.app import build_app
from trailboss.api.subscribe import Subscriptions
from trailboss.client import Client
from trailboss.engine.loop import Engine


class Wire(httpx2.HTTPTransport):
    """Carries requests. lose: how many of the next answers get lost. refuse: how many connections fail. sent: the
    requests, as they went out."""

    def __init__(self) -> None:
        super().__init__()
        self.lose = self.refuse = 0
        self.answers: list[httpx2.Response] = []
        self.sent: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request)
        if self.refuse:
            self.refuse -= 1
            raise httpx2.ConnectError("nobody listens")
        if self.answers:
            return self.answers.pop(0)
        response = super().handle_request(request)
        if self.lose:
            self.lose -= 1
            response.read()
            raise httpx2.ReadError("the connection broke")
        return response


@pytest.fixture
def served(installation: Installation) -> Iterator[str]:
    subscriptions = Subscriptions(installation.context)
    engine = Engine(installation.store, "test", jitter=lambda: 0.0)
    engine.start()
    try:
        with running_api(build_app(installation.context, subscriptions.routes())) as url:
            yield url
            subscriptions.stop()
    finally:
        engine.stop()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def client(installation: Installation, served: str, wire: Wire) -> Iterator[Client]:
    with Client(f"{served}/v1/projects/{PROJECT}", *installation.project_key, transport=wire) as client:
        client.session.sleep = lambda seconds: None
        yield client
