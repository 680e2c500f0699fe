"""The way from a compose text to containers on a real Docker Engine and back, with server and agent as processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cluster.installation import Installation, an_installation
from tests.lab import IMAGE
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

HEALS_WITHIN_S = 5.0
COMPOSE = f"""
version: "2"
services:
  web:
    image: {IMAGE}
    ports: ["8080:80"]
    links: ["backend:data"]
  backend:
    image: {IMAGE}
"""


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with an_installation(tmp_path_factory.mktemp("installation")) as installation:
        yield installation


@pytest.fixture
def stranger(it: Installation) -> Iterator[Any]:
    """A container that somebody else runs on the same engine."""
    container = it.lab.docker.containers.run(IMAGE, detach=True, name="stranger")
    yield container
    container.remove(force=True)


def is_running(it: Installation, container_id: str) -> bool:
    return container_id in {c.id for c in it.owned(running=True)}


def seconds_until(condition: Any, what: str) -> float:
    """How long a condition takes to become true."""
    began = time.monotonic()
    eventually(condition, 60, what)
    return time.monotonic() - began


def test_a_stack_from_a_compose_text_answers_by_port_and_by_name(it: Installation) -> None:
    stack = it.wait_success(it.client.create_environment(name="shop", dockerCompose=COMPOSE, startOnCreate=True))
    services = {s.name: it.wait_success(s) for s in stack.services().data}
    assert {s.state for s in services.values()} == {"active"}

    answer = eventually(lambda: get(f"http://{it.lab.address}:8080/"), what="the published port answers")
    assert answer == "hello\n"

    (web,) = services["web"].instances().data
    inside = it.lab.docker.containers.get(web.uuid)
    for name in ("data", "backend", "backend.shop.rancher.internal"):
        code, output = inside.exec_run(["nc", "-w", "5", name, "80"], stdin=False)
        lookup = inside.exec_run(["nslookup", name]).output.decode()
        assert services["backend"].instances().data[0].primaryIpAddress in lookup, (name, lookup, code, output)

    remove_stack(it, stack)


def get(url: str) -> str | None:
    try:
        answer = httpx2.get(url, timeout=5)
    except httpx2.HTTPError:
        return None
    return answer.text if answer.status_code == 200 else None


def test_killed_and_removed_containers_are_healed_within_five_seconds(it: Installation) -> None:
    service = it.a_service("heal", scale=2)
    killed, removed = it.owned(running=True)

    killed.kill()
    took = seconds_until(lambda: len(it.owned(running=True)) == 2, "a killed container runs again")
    assert took < HEALS_WITHIN_S

    removed.remove(force=True)
    took = seconds_until(
        lambda: len(it.owned(running=True)) == 2 and not is_running(it, removed.id), "a removed container is replaced"
    )
    assert took < HEALS_WITHIN_S
    it.wait_until_exact(service, 2)
    remove_stack(it, service.environment())


def remove_stack(it: Installation, stack: Any) -> None:
    """Remove a stack with what is left of it in Docker."""
    it.client._delete(stack.links.self + "?purge=true")
    eventually(lambda: not it.owned(), 120, f"nothing of {stack.name} is left in Docker")


def test_scale_is_exact_and_removal_leaves_nothing_of_ours_and_all_of_theirs(it: Installation, stranger: Any) -> None:
    networks = {n.name for n in it.lab.docker.networks.list()}
    service = it.a_service("scales", scale=3)
    it.wait_until_exact(service, 3)
    for scale in (20, 5):
        service = it.client.update(service, scale=scale)
        it.wait_until_exact(service, scale)
    names = sorted(c.name for c in it.client.reload(service).instances().data if c.state == "running")
    assert names == [f"scales_web_{n}" for n in range(1, 6)], "the surplus goes highest number first"

    remove_stack(it, service.environment())
    stranger.reload()
    assert stranger.status == "running"
    assert {n.name for n in it.lab.docker.networks.list()} == networks


def test_the_log_of_one_request_leads_from_the_server_to_the_agent(it: Installation, tmp_path: Path) -> None:
    answer = httpx2.post(
        f"{it.environment['RANCHER_URL']}/containers",
        json={"name": "traced", "imageUuid": f"docker:{IMAGE}"},
        auth=(it.environment["RANCHER_ACCESS_KEY"], it.environment["RANCHER_SECRET_KEY"]),
        headers={"X-Request-Id": "trace-me-1"},
    )
    assert answer.status_code == 201, answer.text
    container = it.wait_success(it.client.by_id_container(answer.json()["id"]))
    assert "trace-me-1" in it.server.log.read_text()
    eventually(lambda: "trace-me-1" in it.agent.log.read_text(), what="the agent's log names the request")
    it.client.delete(container)
    eventually(lambda: it.client.reload(container).state == "removed", what="the container is removed")
