"""The command line as people run it, against a real server with simulated hosts: processes, files, keys and all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from tests.waiting import eventually
from trailboss.cli.app import app
from trailboss.client import Client
from trailboss.client.types import Register

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COMPOSE = """\
version: "2"
services:
  web:
    image: sim:hello
    labels: {tier: front}
    links: [backend]
  backend:
    image: sim:hello
"""
RANCHER = "version: '2'\nservices:\n  web: {scale: 3}\n  backend: {scale: 2}\n"
TIMEOUT_S = 120


class Shop:
    """A running server and a folder with the texts of the stack `shop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.superadmin = (secrets.token_hex(10), secrets.token_hex(20))
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("RANCHER_", "CATTLE_", "TRAILBOSS_"))}
        self.environment = ours | {"PYTHONPATH": str(ROOT)}
        self.log = (folder / "server.log").open("w+")
        self.server = self.start_server()
        (folder / "docker-compose.yml").write_text(COMPOSE)
        (folder / "rancher-compose.yml").write_text(RANCHER)

    def start_server(self) -> subprocess.Popen[str]:
        options = ["--listen", f"127.0.0.1:{self.port}", "--data", str(self.folder / "data"), "--simulator"]
        keys = {"TRAILBOSS_SUPERADMIN_KEY": ":".join(self.superadmin)}
        command = [sys.executable, "-m", "trailboss", "server", *options]
        return subprocess.Popen(command, env=self.environment | keys, stdout=self.log, stderr=self.log, text=True)

    def ready(self) -> bool:
        if self.server.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"the server ended: {self.log.read()[-3000:]}")
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    def add_host(self) -> None:
        with Client(f"http://127.0.0.1:{self.port}", *self.superadmin) as client:
            given = {"key": secrets.token_hex(20), "accountId": "1a5", "agentUriFormat": "sim://%s"}
            client.collection("register", Register).create(given)

    def use_first_credentials(self) -> None:
        lines = (self.folder / "data" / "first-credentials.env").read_text().splitlines()
        self.environment |= dict(line.split("=", 1) for line in lines)

    def run(self, *arguments: str, code: int = 0) -> Result:
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(app, arguments, env=self.environment, catch_exceptions=False)
        assert done.exit_code == code, f"{arguments}: {done.exit_code}\n{done.output}"
        return done

    def containers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("ps", "-p", "shop", "--json").stdout)
        return found

    def close(self) -> None:
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(30)
        finally:
            self.server.kill()
            self.log.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    try:
        eventually(shop.ready, within=TIMEOUT_S, what="the server is ready")
        shop.use_first_credentials()
        shop.add_host()
        shop.run("host", "wait", "--timeout", "60")
        yield shop
    finally:
        shop.close()


@pytest.fixture
def shop(running: Shop) -> Iterator[Shop]:
    yield running
    running.run("down", "-p", "shop", "--yes")


def test_up_deploys_the_texts_and_ps_shows_where_they_run(shop: Shop) -> None:
    done = shop.run("up", "-d", "-p", "shop")
    assert "service web: active" in done.stdout
    rows = shop.containers()
    names = [f"shop_backend_{n}" for n in (1, 2)] + [f"shop_web_{n}" for n in (1, 2, 3)]
    assert sorted(r["name"] for r in rows) == names
    assert {r["state"] for r in rows} == {"running"}
    assert {r["service"] for r in rows} == {"web", "backend"}
    (host,) = json.loads(shop.run("host", "ls", "--json").stdout)
    assert {r["host"] for r in rows} == {host["name"]}
    assert host["state"] == "active"


def test_up_again_changes_nothing_and_says_so(shop: Shop) -> None:
    shop.run("up", "-d", "-p", "shop")
    before = shop.containers()
    done = shop.run("up", "-d", "-p", "shop")
    assert "nothing to do" in done.stderr
    assert shop.containers() == before


def test_up_with_a_changed_text_changes_nothing_and_fails(shop: Shop) -> None:
    shop.run("up", "-d", "-p", "shop")
    before = shop.containers()
    changed = shop.folder / "changed.yml"
    changed.write_text(COMPOSE.replace("tier: front", "tier: back"))
    done = shop.run("up", "-d", "-p", "shop", "-f", "changed.yml", code=4)
    assert "the texts of web have changed: needs upgrade" in done.stderr
    assert shop.containers() == before


def test_up_makes_a_service_that_was_removed(shop: Shop) -> None:
    shop.run("up", "-d", "-p", "shop")
    shop.run("rm", "-p", "shop", "--yes", "web")
    assert {r["service"] for r in shop.containers()} == {"backend"}
    shop.run("up", "-d", "-p", "shop")
    assert sorted(r["name"] for r in shop.containers() if r["service"] == "web") == [f"shop_web_{n}" for n in (1, 2, 3)]
    assert "nothing to do" in shop.run("up", "-d", "-p", "shop").stderr


def test_scale_is_exact_up_and_down(shop: Shop) -> None:
    shop.run("up", "-d", "-p", "shop")
    for web, backend in ((8, 3), (1, 1)):
        shop.run("scale", "-p", "shop", f"web={web}", f"backend={backend}")
        rows = shop.containers()
        assert [sum(r["service"] == s for r in rows) for s in ("web", "backend")] == [web, backend]
        assert {r["state"] for r in rows} == {"running"}


def test_stop_keeps_the_containers_and_up_starts_them(shop: Shop) -> None:
    shop.run("up", "-d", "-p", "shop")
    before = {r["id"] for r in shop.containers()}
    shop.run("stop", "-p", "shop")
    assert {r["state"] for r in shop.containers()} == {"stopped"}
    shop.run("up", "-d", "-p", "shop")
    rows = shop.containers()
    assert {r["id"] for r in rows} == before
    assert {r["state"] for r in rows} == {"running"}


def test_down_leaves_nothing(shop: Shop) -> None:
    shop.run("up", "-d", "-p", "shop")
    done = shop.run("down", "-p", "shop", "--json")
    assert json.loads(done.stdout)["state"] == "removed"
    assert "there is no stack shop" in shop.run("ps", "-p", "shop", code=1).stderr
    assert json.loads(shop.run("ps", "--json").stdout) == []


def test_a_refusal_of_the_server_is_one_line(shop: Shop) -> None:
    shop.environment = shop.environment | {"RANCHER_SECRET_KEY": "wrong"}
    try:
        done = shop.run("ps", code=1)
    finally:
        shop.use_first_credentials()
    assert done.stderr.startswith("error: Unauthorized: ")
    assert done.stderr.count("\n") == 1


def test_a_service_without_a_place_is_waited_for_with_the_reason(shop: Shop) -> None:
    text = "web:\n  image: sim:hello\n  labels:\n    io.rancher.scheduler.affinity:host_label: disk=ssd\n"
    (shop.folder / "picky.yml").write_text(text)
    done = shop.run("up", "-d", "-p", "shop", "-f", "picky.yml", "--timeout", "3", code=3)
    assert done.stderr.splitlines()[-1].startswith("error: not done after 3 s: ")
    assert "disk=ssd" in done.stderr


def test_events_tell_of_a_deployment_as_it_happens(shop: Shop) -> None:
    command = [sys.executable, "-m", "trailboss", "events", "--json"]
    process = subprocess.Popen(command, env=shop.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True)
    try:
        assert "listening to changes" in process.stderr.readline()
        reader.start()
        shop.run("up", "-d", "-p", "shop")

        def running_containers() -> set[str]:
            resources = [json.loads(line)["data"]["resource"] for line in list(lines)]
            return {r["name"] for r in resources if r["type"] == "container" and r["state"] == "running"}

        eventually(lambda: len(running_containers()) == 5, within=60, what="five containers run")
    finally:
        process.terminate()
        process.wait(30)
        reader.join(30)


def test_a_token_is_printed_alone(shop: Shop) -> None:
    done = shop.run("host", "token")
    assert len(done.stdout.split()) == 1
    assert done.stderr == ""


def test_a_restart_of_the_server_in_the_middle_of_up_is_lived_through(shop: Shop) -> None:
    command = [sys.executable, "-m", "trailboss", "up", "-d", "-p", "shop"]
    process = subprocess.Popen(
        command, cwd=shop.folder, env=shop.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first.startswith("stack shop: ")
        shop.server.kill()
        shop.server.wait()
        shop.server = shop.start_server()
        rest = process.stdout.read()
        assert process.wait(TIMEOUT_S) == 0, first + rest
    finally:
        process.kill()
        process.wait()
    assert len(shop.containers()) == 5
