"""What the operator (`superadmin`) sees and may write besides what everybody does (14-simulated-hosts section 8)."""

from __future__ import annotations

import pytest

from tests.builders import a_container
from tests.databases import OpenStore
from tests.serving import Api, Installation, OpenApi
from trailboss.resources.account import Account
from trailboss.resources.agent import Agent
from trailboss.resources.credential import ApiKey
from trailboss.resources.host import Host
from trailboss.resources.instance import Container


@pytest.fixture
def installation(open_store: OpenStore) -> Installation:
    """A new installation, once on each database: what is read here is made by the database."""
    return Installation(open_store())


@pytest.fixture
def container(installation: Installation, api: Api) -> str:
    """The id of a container on host `1h1`."""
    installation.store.write(lambda tx: tx.insert(Host, account_id=5, name="one", state="active"))
    made = api.create("containers", **a_container())
    row = installation.store.read(lambda r: r.require(Container, 1))
    installation.store.write(lambda tx: tx.change(row, host_id=1, state="running"))
    return str(made["id"])


def test_where_containers_stand_is_seen_by_the_operator(
    operator: Api, container: str, installation: Installation
) -> None:
    (found,) = operator.get("instancehostmaps", hostId="1h1")["data"]
    shown = {name: found[name] for name in ("id", "type", "instanceId", "hostId", "accountId", "state")}
    assert shown == {
        "id": "1ihm1", "type": "instanceHostMap", "instanceId": container, "hostId": "1h1", "accountId": "1a5",
        "state": "active",
    }  # fmt: skip
    assert operator.get("instancehostmaps/1ihm1", include=["instance", "host"])["host"]["name"] == "one"
    assert operator.get("instancehostmaps", state="inactive")["data"] == []
    assert operator.get("instancehostmaps", hostId="1h2")["data"] == []
    for owner in (f"containers/{container}", "hosts/1h1"):
        assert [m["id"] for m in operator.get(operator.get(owner)["links"]["instanceHostMaps"])["data"]] == ["1ihm1"]
        assert [m["id"] for m in operator.get(owner, include="instanceHostMaps")["instanceHostMaps"]] == ["1ihm1"]
    row = installation.store.read(lambda r: r.require(Container, 1))
    installation.store.write(lambda tx: tx.change(row, state="stopped"))
    assert operator.get("instancehostmaps/1ihm1")["state"] == "inactive"


def test_it_is_only_read(operator: Api, container: str) -> None:
    for method, path in (("POST", ""), ("PUT", "/1ihm1"), ("DELETE", "/1ihm1")):
        assert operator.refused(method, f"instancehostmaps{path}", json={"hostId": "1h1"})[0] == 405
    assert operator.get("instancehostmaps/1ihm1")["actions"] == {}


def test_nobody_else_sees_any_of_it(installation: Installation, open_api: OpenApi, api: Api, container: str) -> None:
    callers = {"project": api}
    for kind in ("admin", "service", "readAdmin", "user"):
        callers[kind] = open_api(installation.add_account(kind)[1])
    for kind, caller in callers.items():
        assert caller.refused("GET", "instancehostmaps")[0] == 404, kind
        schema = caller.get("schemas/container")
        assert "instanceHostMaps" not in schema["includeableLinks"], kind
        assert "validHostIds" not in schema["resourceFields"], kind
        if kind != "user":
            assert "instanceHostMaps" not in caller.get(f"containers/{container}")["links"], kind


def test_the_operator_is_nobody_until_a_key_is_configured(installation: Installation) -> None:
    (account,) = installation.store.read(lambda r: r.find(Account, uuid="superadmin"))
    assert account.state == "inactive"
    assert installation.store.read(lambda r: r.find(ApiKey, account_id=account.id)) == []


def test_the_operator_writes_what_is_kept_besides_the_fields(
    operator: Api, api: Api, container: str, installation: Installation
) -> None:
    changed = operator.ask("PUT", f"containers/{container}", json={"data": {"note": "x", "fields": {"memory": 1}}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["data"]["note"] == "x"
    assert (changed.json()["memory"], changed.json()["imageUuid"]) == (None, a_container()["imageUuid"])
    api.ask("PUT", f"containers/{container}", json={"data": {"note": "y"}})
    assert operator.get(f"containers/{container}")["data"]["note"] == "x"
    assert operator.ask("PUT", "hosts/1h1", json={"computeFree": 7}).json()["computeFree"] == 7
    api.ask("PUT", "hosts/1h1", json={"computeFree": 9})
    assert operator.get("hosts/1h1")["computeFree"] == 7


def test_the_address_of_an_agent_is_the_operators_to_change(operator: Api, installation: Installation) -> None:
    for uri in ("event://a", "event://b"):
        installation.store.write(lambda tx, uri=uri: tx.insert(Agent, account_id=5, uri=uri, state="active"))
    assert operator.ask("PUT", "agents/1a1", json={"uri": "sim://one"}).json()["uri"] == "sim://one"
    assert operator.refused("PUT", "agents/1a2", json={"uri": "sim://one"}) == (422, "NotUnique", "uri")


def test_the_operator_says_on_which_hosts_a_container_may_run(
    operator: Api, api: Api, container: str, installation: Installation
) -> None:
    body = a_container(accountId="1a5", validHostIds=["1h1"])
    assert operator.create("containers", **body)["validHostIds"] == ["1h1"]
    made = api.create("containers", **a_container(validHostIds=["1h1"]))
    assert "validHostIds" not in made
    row = installation.store.read(lambda r: r.require(Container, int(made["id"][2:])))
    assert row.valid_host_ids is None
