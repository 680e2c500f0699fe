"""The unmodified gdapi library goes everywhere: every collection, link and action of a server that is full of things.

The server is whole, with simulated hosts; of the types that nobody can create, rows are put into its database.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import gdapi
import pytest

from tests.contract.check import OFFERED
from tests.contract.values import body
from tests.contract.world import prepare
from tests.server.serving import credentials
from tests.waiting import eventually
from trailboss.server.options import Options
from trailboss.server.process import Started, start

pytestmark = pytest.mark.slow

SUPERADMIN = ("walker", "a secret of the one who walks")
FILES = {"composeConfig", "registrationUrl"}
"""Links that lead to what is no JSON, which gdapi gets, but cannot read."""
COMPOSE = """
web:
  image: busybox
  links: [db]
  ports: ["8080:80"]
db:
  image: busybox
"""
WITHIN_S = 60
EXPECTED = {
    ("container", "logs", "stopped"): 409,
    ("certificate", "remove", "active"): 405,
    ("password", "changesecret", "active"): 400,
    ("password", "changesecret", "inactive"): 400,
}
"""Answers other than success: a container that has never run has no logs; a load
balancer uses the certificate; nobody knows the old password of a row that
was made without one."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server with the simulator."""
    folder: Path = tmp_path_factory.mktemp("walk")
    started = start(
        Options(listen="127.0.0.1:0", data=folder / "data", simulator=True, superadmin_key=":".join(SUPERADMIN))
    )
    yield started
    started.stop()


def connect(server: Started, path: str, key: tuple[str, str]) -> Any:
    return gdapi.Client(url=server.url + path, access_key=key[0], secret_key=key[1], cache=False)


def inside(server: Started) -> Any:
    """A client with the key of the environment."""
    found = credentials(server.running.data)
    return connect(server, "/v1/projects/1a5", (found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"]))


@pytest.fixture(scope="module")
def prepared(server: Started) -> dict[str, str]:
    """Fill the server: two hosts, a stack that runs, and at least one of everything. Returns ids by type."""
    operator, client = connect(server, "/v1", SUPERADMIN), inside(server)
    for _ in range(2):
        operator.create_register(key=secrets.token_hex(16), accountId="1a5", agentUriFormat="sim://%s")
    eventually(lambda: [h.agentState for h in client.list_host()] == ["active"] * 2, WITHIN_S, "the hosts are active")
    stack = client.create_environment(name="shop", dockerCompose=COMPOSE, startOnCreate=True)
    eventually(
        lambda: [c.state for c in client.list_container()] == ["running"] * 2, WITHIN_S, "the stack's containers run"
    )
    ids = prepare(server.running.store)
    ids["environment"] = stack.id
    for name, spec in OFFERED.items():
        if spec.get("validIn") and set(spec["methods"].get("project", [[]])[0]) == {"GET", "POST"}:
            made = client.create(name, **body(name, "project", ids))
            ids.setdefault(f"made {name}", made.id)
    return ids


def everything(client: Any) -> Iterator[Any]:
    """Every resource of every collection, page by page."""
    for name in sorted(name for name, schema in client.schema.types.items() if schema.listable):
        page = client.list(name, limit=3)
        assert page.type == "collection", name
        while True:
            yield from page
            if not hasattr(page, "next"):
                break
            page = page.next()


def callable_of(resource: Any, name: str, suffix: str) -> Any:
    return getattr(resource, name + suffix, None) or getattr(resource, name)


@pytest.fixture(params=["project", "admin", "superadmin"])
def client(request: pytest.FixtureRequest, server: Started, prepared: dict[str, str]) -> Any:
    """Who walks."""
    if request.param == "project":
        return inside(server)
    if request.param == "superadmin":
        return connect(server, "/v1", SUPERADMIN)
    found = credentials(server.running.data, "admin-credentials.env")
    return connect(server, "/v1", (found["RANCHER_ACCESS_KEY"], found["RANCHER_SECRET_KEY"]))


def status_of(call: Callable[[], Any]) -> int:
    """The status of a call's answer; gdapi says only what is wrong."""
    try:
        call()
    except gdapi.ApiError as error:
        return int(error.error.status)
    return 200


def test_every_link_leads_somewhere(client: Any) -> None:
    seen, problems = 0, []
    for resource in everything(client):
        for name, url in vars(resource.links).items():
            if name in FILES:
                status = status_of(lambda url=url: client._get_raw(url))
            else:
                status = status_of(callable_of(resource, name, "_link"))
            seen += 1
            if status != 200:
                problems.append((resource.type, resource.id, name, status))
    assert problems == []
    assert seen > 500


def test_everything_that_is_listed_is_found_by_its_id_and_can_be_included(client: Any) -> None:
    problems = []
    for resource in everything(client):
        schema = client.schema.types[resource.type]
        if not schema.listable or resource.type in ("schema", "token"):
            continue
        links = list(getattr(schema, "includeableLinks", []) or [])
        found = client.by_id(resource.type, resource.id, include=links)
        if found is None or found.id != resource.id:
            problems.append((resource.type, resource.id))
    assert problems == []


def act_on(client: Any, resources: Iterable[Any], prepared: dict[str, str]) -> int:
    """Take every action of every resource; return how many were taken. Actions change what is offered, so each is
    looked up anew, and what another one has made impossible is skipped."""
    taken, problems = set(), []
    for resource in resources:
        for name in sorted(vars(resource.actions)):
            now = client.by_id(resource.type, resource.id)
            if now is None or not hasattr(now.actions, name) or (resource.type, now.state, name) in taken:
                continue
            input_ = getattr(client.schema.types[resource.type].resourceActions, name).input
            sent = body(input_, "project", prepared) if input_ else {}
            status = status_of(lambda now=now, name=name, sent=sent: callable_of(now, name, "_action")(**sent))
            taken.add((resource.type, now.state, name))
            # once the walk has deactivated the host, it is not there to give the logs of what is still stopping
            is_without_host = name == "logs" and now.state == "stopping" and status == 503
            # which links a service still has while it goes depends on how far that is
            is_unlinked = name == "removeservicelink" and now.state == "removing" and status == 422
            usual = EXPECTED.get((resource.type, name, now.state), 200)
            if status != usual and not is_without_host and not is_unlinked:
                problems.append((resource.type, resource.id, now.state, name, status))
    assert problems == []
    return len(taken)


def test_every_action_inside_of_an_environment_is_answered(server: Started, prepared: dict[str, str]) -> None:
    # with a key from outside, which no action takes away
    client = connect(server, "/v1/projects/1a5", SUPERADMIN)
    assert act_on(client, list(everything(client)), prepared) > 100


def test_every_action_of_administrators_is_answered(server: Started, prepared: dict[str, str]) -> None:
    client = connect(server, "/v1", SUPERADMIN)
    for kind in ("user", "project"):
        client.create_account(kind=kind, name=f"a {kind} for trial")
    client.create_externalHandler(name="one", processConfigs=[{"name": "instance.start"}])
    kept = ("1a1", "1a3", "1a5")
    types = ("account", "project", "agent", "externalHandler", "externalHandlerProcess")
    chosen = [r for r in everything(client) if r.type in types and r.id not in kept]
    assert act_on(client, chosen, prepared) > 10
