"""Simulated hosts by command, against a real server, and what a two-service stack does on them (14 §9.1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_api import FakeApi
from tests.cli.test_real_server import TIMEOUT_S, Shop
from tests.waiting import eventually

pytestmark = pytest.mark.slow

TEXT = "web: {image: 'sim:web', links: [db]}\ndb: {image: 'sim:db'}\n"
SCALES = "web: {scale: 6}\ndb: {scale: 6}\n"


class Trial(Shop):
    """A fresh server with the simulator on and a key for the operator; no host yet."""

    def simulate(self, *arguments: str, code: int = 0) -> str:
        """Run `trailboss simulate` with the operator's keys; return what it prints, or its error."""
        ours, (access, secret) = self.environment, self.superadmin
        self.environment = ours | {"RANCHER_ACCESS_KEY": access, "RANCHER_SECRET_KEY": secret}
        try:
            done = self.run("simulate", *arguments, code=code)
        finally:
            self.environment = ours
        return done.stderr if code else done.stdout

    def hosts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.simulate("list", "--json"))
        return found

    def is_so(self, id_: str, state: str) -> Callable[[], bool]:
        return lambda: {h["id"]: h["state"] for h in self.hosts()}.get(id_) == state

    def on(self) -> dict[str, int]:
        """Count the running containers of the stack by their host."""
        counted: dict[str, int] = {}
        for row in self.containers():
            if row["state"] == "running":
                counted[row["host"]] = counted.get(row["host"], 0) + 1
        return counted


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    made = Trial(tmp_path_factory.mktemp("trial"))
    try:
        eventually(made.ready, within=TIMEOUT_S, what="the server is ready")
        made.use_first_credentials()
        yield made
    finally:
        made.close()


def test_three_hosts_carry_a_stack_lose_one_and_get_it_back(trial: Trial) -> None:
    options = ("--name-prefix", "node-", "--label", "zone=a", "--cpus", "4", "--memory", "2048", "--latency", "20")
    ids = trial.simulate("hosts", "--count", "3", "--project", "Default", *options).split()
    assert [h["id"] for h in trial.hosts()] == ids and len(ids) == 3
    shown = json.loads(trial.run("host", "ls", "--json").stdout)
    assert [(h["state"], h["labels"]) for h in shown] == [("active", {"zone": "a"})] * 3
    assert all(h["name"].startswith("node-") for h in shown)
    names = {h["id"]: h["name"] for h in trial.hosts()}
    assert {h["environment"] for h in trial.hosts()} == {"1a5"}

    (trial.folder / "two.yml").write_text(TEXT)
    (trial.folder / "scales.yml").write_text(SCALES)
    trial.run("up", "-d", "-p", "shop", "-f", "two.yml", "-r", "scales.yml")
    assert sum(trial.on().values()) == 12
    assert trial.on().keys() == set(names.values())

    silent = ids[0]
    trial.simulate("pause", names[silent])
    eventually(trial.is_so(silent, "reconnecting"), within=30, what="the silent host is missed")
    assert [h["paused"] for h in trial.hosts()] == [True, False, False]
    assert {r["state"] for r in trial.containers()} == {"running"}, "a host that is silent loses nothing by itself"
    trial.run("scale", "-p", "shop", "web=9")
    assert sum(trial.on().values()) == 15, "the others take what is new"
    trial.simulate("resume", silent)
    eventually(trial.is_so(silent, "active"), within=30, what="it answers again")

    trial.simulate("remove", silent)
    assert [h["id"] for h in trial.hosts()] == ids[1:]
    eventually(lambda: sum(trial.on().values()) == 15, within=60, what="its containers are made again elsewhere")
    assert trial.on().keys() == {names[id_] for id_ in ids[1:]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("hosts", "--project", "nowhere"), "no environments are called 'nowhere'"),
        (("pause", "nobody"), "no simulated hosts are called 'nobody'"),
        (("remove", "1h999"), "no simulated hosts are called '1h999'"),
    ],
)
def test_what_is_not_there_is_named(trial: Trial, arguments: tuple[str, ...], says: str) -> None:
    assert says in trial.simulate(*arguments, code=4)


def test_a_label_without_a_value_is_a_wrong_command(trial: Trial) -> None:
    assert "'zone' is not KEY=VALUE" in trial.simulate("hosts", "--project", "1a5", "--label", "zone", code=2)


def test_other_keys_than_the_operators_make_no_host(trial: Trial) -> None:
    before = trial.hosts()
    done = trial.run("simulate", "hosts", "--project", "1a5", code=4)
    assert "simulated hosts are the superadmin's" in done.stderr
    assert trial.hosts() == before


def test_hosts_that_do_not_come_end_the_waiting(api: FakeApi, run: Run) -> None:
    fields = {"agentUriFormat": {"type": "string"}}
    api.answers["GET /v1/schemas/register"] = [{"id": "register", "type": "schema", "resourceFields": fields}]
    api.answers["GET /v1/accounts"] = [{"data": [{"id": "1a5", "type": "account", "name": "Default"}]}]
    api.answers["POST /v1/register"] = [(201, {"id": "1go1", "type": "register", "uuid": "u"})]
    api.answers["GET /v1/agents"] = [{"data": [{"id": "1a7", "type": "agent", "uri": "sim://u"}]}]
    api.answers["GET /v1/hosts"] = [{"data": []}]
    done = run("simulate", "hosts", "--project", "Default", "--timeout", "0.1")
    assert done.exit_code == 3
    assert "0 of 1 hosts are active" in done.stderr
