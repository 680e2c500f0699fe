"""A server killed between a commit and its answer: who asks again, with the same key, gets what was done."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.databases import OpenStore
from tests.serving import Installation
from trailboss.resources.credential import ApiKey
from trailboss.resources.environment import Environment
from trailboss.store.store import Store

ROOT = Path(__file__).parents[2]
KEY = {"Idempotency-Key": "first"}


@contextmanager
def server(url: str, dies: str) -> Iterator[str]:
    """Run a server until it dies or is no longer needed; yield the URL of its environment."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server_main.py")), url, dies],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip() + "/v1/projects/1a5"
    finally:
        process.kill()
        process.wait()


def a_key(store: Store) -> tuple[str, str]:
    """Return an API key whose use is not noted now: that would be the first commit of a server."""
    key = Installation(store).project_key
    now = int(time.time() * 1000)
    store.write(lambda tx: [tx.change(row, last_used=now) for row in tx.find(ApiKey)])
    return key


@pytest.mark.crash
@pytest.mark.parametrize("dies", ["before-commit", "after-commit"])
def test_a_creation_whose_answer_was_lost_in_a_crash_is_made_once(
    database_url: str, open_store: OpenStore, dies: str
) -> None:
    store = open_store()
    key = a_key(store)
    body = {"name": "shop"}
    with server(database_url, dies) as url, pytest.raises(httpx2.TransportError):
        httpx2.post(f"{url}/environments", json=body, headers=KEY, auth=key, timeout=60)
    committed = [row.id for row in store.read(lambda read: read.find(Environment))]
    assert len(committed) == (1 if dies == "after-commit" else 0)
    with server(database_url, "never") as url:
        first = httpx2.post(f"{url}/environments", json=body, headers=KEY, auth=key, timeout=60)
        again = httpx2.post(f"{url}/environments", json=body, headers=KEY, auth=key, timeout=60)
    assert first.status_code == again.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    assert ("idempotency-replayed" in first.headers) is (dies == "after-commit")
    rows = store.read(lambda read: read.find(Environment))
    assert [f"1e{row.id}" for row in rows] == [first.json()["id"]]


@pytest.mark.crash
def test_a_secret_whose_answer_was_lost_in_a_crash_stays_unknown(database_url: str, open_store: OpenStore) -> None:
    store = open_store()
    key = a_key(store)
    with server(database_url, "after-commit") as url, pytest.raises(httpx2.TransportError):
        httpx2.post(f"{url}/apikeys", json={"name": "mine"}, headers=KEY, auth=key, timeout=60)
    with server(database_url, "never") as url:
        again = httpx2.post(f"{url}/apikeys", json={"name": "mine"}, headers=KEY, auth=key, timeout=60)
    assert (again.status_code, again.json()["secretValue"]) == (201, None)
    assert again.headers["x-api-withheld"] == "secretValue"
    assert len(store.read(lambda read: read.find(ApiKey, name="mine"))) == 1
