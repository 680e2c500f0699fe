"""The rows that only the operator (`superadmin`) reads, and the fields that it sees on top (14-simulated-hosts §8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.builders import a_container
from tests.databases import OpenStore
from tests.serving import Api, Installation, OpenApi, Settle
from trailboss.declare import format_id, parse_id, registry
from trailboss.resources import setting
from trailboss.resources.account import Account
from trailboss.resources.agent import Agent
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.instance_link import InstanceLink
from trailboss.resources.service_maps import ServiceConsumeMap, ServiceExposeMap
from trailboss.resources.volume import Volume
from trailboss.store.transaction import Tx

PROJECT = 5


@dataclass(frozen=True)
class View:
    """A view: its type, the types of the rows that it relates by the fields that name them, further fields."""

    type: str
    ends: dict[str, str]
    fields: frozenset[str]

    @property
    def plural(self) -> str:
        return registry[self.type].plural


VIEWS = (
    View("volumeStoragePoolMap", {"volumeId": "volume", "storagePoolId": "storagePool"}, frozenset()),
    View("imageStoragePoolMap", {"imageId": "image", "storagePoolId": "storagePool"}, frozenset()),
    View("healthcheckInstance", {"instanceId": "container"}, frozenset({"accountId"})),
    View(
        "healthcheckInstanceHostMap",
        {"healthcheckInstanceId": "healthcheckInstance", "hostId": "host"},
        frozenset({"healthState", "externalTimestamp", "uuid"}),
    ),
)


@pytest.fixture(params=VIEWS, ids=lambda view: view.type)
def view(request: pytest.FixtureRequest) -> View:
    found: View = request.param
    return found


@pytest.fixture
def installation(open_store: OpenStore) -> Installation:
    """A new installation, once on each database."""
    return Installation(open_store())


@pytest.fixture
def others(installation: Installation, open_api: OpenApi, api: Api) -> dict[str, Api]:
    """Everybody else who sees something."""
    kinds = ("admin", "service", "readAdmin", "readonly", "user", "agent")
    return {"project": api} | {kind: open_api(installation.add_account(kind)[1]) for kind in kinds}


def insert(installation: Installation, name: str, **values: Any) -> str:
    """Make a row of a type; return its id."""
    type_ = registry[name]
    values = {"account_id": PROJECT, "name": f"a {name}", "state": "active", **values}
    row = installation.store.write(lambda tx: tx.insert(type_, **values))
    return format_id(type_, row.values["id"])


def prepare(installation: Installation, view: View) -> dict[str, str]:
    """Make a row of a view and those that it relates; return its document's expected ids."""
    ends = {wire: insert(installation, name) for wire, name in view.ends.items()}
    fields = registry[view.type].by_wire
    numbers = {fields[wire].name: int(parse_id(id_) or 0) for wire, id_ in ends.items()}
    return {"id": insert(installation, view.type, **numbers), **ends}


def test_a_view_is_read_filtered_linked_and_included(operator: Api, installation: Installation, view: View) -> None:
    assert operator.get(view.plural)["data"] == []
    expected = prepare(installation, view)
    (found,) = operator.get(view.plural)["data"]
    assert expected.items() <= found.items()
    assert found["accountId"] == "1a5" and found["state"] == "active" and view.fields <= found.keys()
    for wire, name in view.ends.items():
        assert [row["id"] for row in operator.get(view.plural, **{wire: expected[wire]})["data"]] == [expected["id"]]
        assert operator.get(view.plural, **{f"{wire}_null": ""})["data"] == []
        link = wire.removesuffix("Id")
        assert operator.get(f"{view.plural}/{expected['id']}", include=link)[link]["id"] == expected[wire]
        owner = f"{registry[name].plural}/{expected[wire]}"
        assert [row["id"] for row in operator.get(operator.get(owner)["links"][view.plural])["data"]] == [
            expected["id"]
        ]
        assert [row["id"] for row in operator.get(owner, include=view.plural)[view.plural]] == [expected["id"]]


def test_a_view_is_only_read(operator: Api, installation: Installation, view: View) -> None:
    id_ = prepare(installation, view)["id"]
    for method, path in (("POST", ""), ("PUT", f"/{id_}"), ("DELETE", f"/{id_}")):
        assert operator.refused(method, view.plural + path, json={"name": "x"})[0] == 405
    assert operator.get(f"{view.plural}/{id_}")["actions"] == {}
    schema = operator.get(f"schemas/{view.type}")
    assert (schema["collectionMethods"], schema["resourceMethods"]) == (["GET"], ["GET"])
    assert schema["resourceActions"] == {}
    assert set(view.ends) <= schema["collectionFilters"].keys()


def test_nobody_else_sees_a_view(others: dict[str, Api], installation: Installation, view: View) -> None:
    expected = prepare(installation, view)
    for kind, caller in others.items():
        assert caller.refused("GET", view.plural)[0] == 404, kind
        assert caller.refused("GET", f"{view.plural}/{expected['id']}")[0] == 404, kind
        assert caller.refused("GET", f"schemas/{view.type}")[0] == 404, kind
        schemas = {schema["id"]: schema for schema in caller.get("schemas")["data"]}
        for name in set(view.ends.values()) & schemas.keys():
            assert view.plural not in schemas[name]["includeableLinks"], kind


def test_a_volume_names_its_pools_and_a_pool_its_volumes_and_images(installation: Installation, api: Api) -> None:
    ids = {name: insert(installation, name) for name in ("volume", "image", "storagePool")}
    insert(installation, "volumeStoragePoolMap", volume_id=1, storage_pool_id=1)
    insert(installation, "imageStoragePoolMap", image_id=1, storage_pool_id=1)
    for owner, link, target in (
        (f"volumes/{ids['volume']}", "storagePools", "storagePool"),
        (f"images/{ids['image']}", "storagePools", "storagePool"),
        (f"storagepools/{ids['storagePool']}", "volumes", "volume"),
        (f"storagepools/{ids['storagePool']}", "images", "image"),
    ):
        assert [row["id"] for row in api.get(f"{owner}/{link}")["data"]] == [ids[target]]


def test_the_health_of_a_container_is_healthy_until_a_host_says_otherwise(
    operator: Api, installation: Installation
) -> None:
    insert(installation, "healthcheckInstanceHostMap")
    (found,) = operator.get("healthcheckinstancehostmaps")["data"]
    assert (found["healthState"], found["externalTimestamp"]) == ("healthy", None)


def test_the_place_of_a_container_in_the_managed_network_is_its_nic(
    operator: Api, api: Api, installation: Installation
) -> None:
    made = api.create("containers", **a_container())
    api.create("containers", **a_container(networkMode="bridge"))
    (nic,) = operator.get("nics")["data"]
    assert (nic["id"], nic["instanceId"], nic["deviceNumber"]) == ("1n1", made["id"], 0)
    assert operator.get(f"containers/{made['id']}", include="nics")["nics"] == [nic]
    row = installation.store.read(lambda r: r.require(Container, 1))
    installation.store.write(lambda tx: tx.change(row, state="stopped"))
    assert operator.get("nics/1n1")["state"] == "inactive"
    assert api.refused("GET", "nics")[0] == 404


def test_there_is_one_zone(operator: Api, admin: Api) -> None:
    (zone,) = operator.get("zones")["data"]
    assert (zone["id"], zone["uuid"], zone["name"], zone["state"]) == ("1z1", "zone1", "zone1", "active")
    assert operator.get("zones/1z1") == zone
    assert operator.get("zones", name="zone2")["data"] == []
    assert operator.refused("POST", "zones", json={})[0] == 405
    assert admin.refused("GET", "zones")[0] == 404


def test_the_maps_of_a_service_say_whether_they_wait_for_a_rollback_and_of_which_sidekick_they_are(
    operator: Api, api: Api, installation: Installation
) -> None:
    def make(tx: Tx) -> None:
        tx.insert(ServiceExposeMap, account_id=PROJECT, state="active")
        tx.insert(ServiceExposeMap, account_id=PROJECT, state="active", upgrade=True, dns_prefix="log")

    installation.store.write(make)
    shown = [(m["id"], m["upgrade"], m["dnsPrefix"]) for m in operator.get("serviceexposemaps")["data"]]
    assert shown == [("1sem1", False, None), ("1sem2", True, "log")]
    assert [m["id"] for m in operator.get("serviceexposemaps", upgrade="true")["data"]] == ["1sem2"]
    assert [m["id"] for m in operator.get("serviceexposemaps", upgrade="false", dnsPrefix_null="")["data"]] == ["1sem1"]
    assert not {"upgrade", "dnsPrefix"} & api.get("serviceexposemaps/1sem1").keys()


def test_a_volume_says_where_it_is_attached(operator: Api, api: Api, installation: Installation) -> None:
    made = api.create("volumes", name="one", driver="local")
    found = operator.get(f"volumes/{made['id']}")
    extra = {"deviceNumber": -1, "attachedState": "inactive", "allocationState": "inactive", "format": None}
    assert extra.items() <= found.items()
    assert not extra.keys() & made.keys()
    assert [v["id"] for v in operator.get("volumes", deviceNumber="-1")["data"]] == [made["id"]]
    installation.store.write(lambda tx: tx.insert(Volume, account_id=PROJECT, name="root", device_number=0))
    assert [v["name"] for v in operator.get("volumes", deviceNumber_gte="0")["data"]] == ["root"]


def test_a_link_of_a_container_names_the_link_of_services_that_it_comes_from(
    operator: Api, admin: Api, installation: Installation
) -> None:
    def make(tx: Tx) -> None:
        tx.insert(ServiceConsumeMap, account_id=PROJECT, name="db", state="active")
        tx.insert(
            InstanceLink, account_id=PROJECT, link_name="db", service_consume_map_id=1, ports=["80/tcp"], state="active"
        )

    installation.store.write(make)
    found = operator.get("instancelinks/1il1", include="serviceConsumeMap")
    assert found["serviceConsumeMap"]["name"] == "db"
    assert found["data"]["fields"]["ports"] == ["80/tcp"]
    assert [link["id"] for link in operator.get("serviceconsumemaps/1scm1/instancelinks")["data"]] == ["1il1"]
    assert "serviceConsumeMapId" not in admin.get("instancelinks/1il1")


def test_a_host_shows_what_its_agent_calls_it(operator: Api, admin: Api, api: Api, installation: Installation) -> None:
    def make(tx: Tx) -> None:
        agent = tx.insert(Agent, account_id=tx.find(Account, kind="superadmin")[0].id, uri="event://a", state="active")
        tx.insert(Host, account_id=PROJECT, agent_id=agent.id, reported_uuid="machine-1", state="active")

    installation.store.write(make)
    for caller in (operator, admin):
        host = caller.get("hosts/1h1")
        assert (host["data"]["fields"]["reportedUuid"], host["agentId"]) == ("machine-1", "1a1")
        assert caller.get(host["links"]["agent"])["uri"] == "event://a"
    assert "data" not in api.get("hosts/1h1")
    assert "computeFree" in operator.get("hosts/1h1").keys() - admin.get("hosts/1h1").keys()


def test_a_container_shows_how_it_was_placed(operator: Api, installation: Installation) -> None:
    host = insert(installation, "host")
    body = a_container(accountId="1a5", validHostIds=[host], requestedHostId=host, data={"simSlow": "1"})
    made = operator.create("containers", **body)
    assert (made["validHostIds"], made["requestedHostId"], made["allocationState"]) == ([host], host, "inactive")
    assert made["data"]["simSlow"] == "1"
    assert {"nics", "instanceHostMaps"} <= made["links"].keys()


def test_the_operator_acts_as_an_agent_by_a_key_of_the_agents_account(
    operator: Api, open_api: OpenApi, register: Api, settle: Settle
) -> None:
    register.create("register", key="k" * 32)
    (agent,) = operator.get("agents")["data"]
    account = operator.get(agent["links"]["account"])
    (kept,) = operator.get(account["links"]["credentials"])["data"]
    assert (kept["type"], kept["secretValue"]) == ("agentApiKey", None)
    assert kept["publicValue"]
    key = operator.create("apikeys", accountId=agent["accountId"], publicValue="theagent", secretValue="itssecret")
    assert (key["publicValue"], key["secretValue"]) == ("theagent", "itssecret")
    settle()
    as_agent = open_api(("theagent", "itssecret"))
    assert [a["id"] for a in as_agent.get("agents")["data"]] == [agent["id"]]
    assert as_agent.refused("GET", "projects")[0] == 404


def test_the_operator_reads_the_keys_of_a_registration_by_its_key(operator: Api, register: Api, settle: Settle) -> None:
    made = register.create("register", key="k" * 32)
    settle()
    assert not {"key", "accessKey", "secretKey"} & operator.get(f"register/{made['id']}").keys()
    found = operator.get(f"register/{made['id']}", key="k" * 32)
    assert found["key"] == "k" * 32 and found["accessKey"] and found["secretKey"]


def test_a_simulated_host_is_refused_while_the_simulator_is_off_and_to_anybody_else_an_ordinary_one(
    operator: Api, api: Api, installation: Installation
) -> None:
    body = {"key": "k" * 32, "accountId": "1a5", "agentUriFormat": "sim://%s"}
    assert operator.refused("POST", "register", json=body) == (422, "InvalidOption", "agentUriFormat")
    assert operator.get("register")["data"] == operator.get("agents")["data"] == []
    made = api.create("register", **body)
    assert "agentUriFormat" not in made
    assert [agent["uri"] for agent in operator.get("agents")["data"]] == [f"event://{made['uuid']}"]
    installation.set("simulator.enabled", "true")
    made = operator.create("register", **body | {"key": "s" * 32})
    assert [agent["uri"] for agent in operator.get("agents", uri_prefix="sim:")["data"]] == [f"sim://{made['uuid']}"]


def test_an_administrator_makes_no_operator_of_itself(
    admin: Api, installation: Installation, open_api: OpenApi
) -> None:
    (account,) = admin.get("accounts", kind="superadmin")["data"]
    assert account["state"] == "inactive"
    body = {"accountId": account["id"], "publicValue": "mine", "secretValue": "a secret of my own"}
    assert admin.refused("POST", "apikeys", json=body)[0] == 403
    assert admin.refused("POST", "passwords", json=body)[0] == 403
    assert admin.refused("POST", "accounts", json={"kind": "superadmin", "name": "mine"})[0] == 403
    someone, key = installation.add_account("user")
    assert admin.refused("PUT", f"accounts/1a{someone.id}", json={"kind": "superadmin"})[0] == 403
    assert admin.ask("PUT", f"accounts/1a{someone.id}", json={"kind": "admin"}).json()["kind"] == "admin"
    assert "agentApiKey" not in {schema["id"] for schema in open_api(key).get("schemas", _role="superadmin")["data"]}
    assert open_api(("mine", "a secret of my own")).refused("GET", "hosts")[0] == 401


def test_with_access_control_off_the_operators_key_is_made_by_hand(
    installation: Installation, open_api: OpenApi, settle: Settle
) -> None:
    installation.set("api.security.enabled", "false")
    anybody = open_api(None)
    (account,) = anybody.get("accounts", kind="superadmin")["data"]
    anybody.ask("POST", account["actions"]["activate"])
    body = {"accountId": account["id"], "publicValue": "root", "secretValue": "chosen by hand"}
    anybody.ask("POST", "apikeys", params={"_role": "superadmin"}, json=body)
    settle()
    installation.store.write(lambda tx: setting.store(tx, "api.security.enabled", "true"))
    root = open_api(("root", "chosen by hand"))
    assert root.get("instancehostmaps")["data"] == []
    made = root.create("accounts", kind="superadmin", name="another")
    assert root.create("apikeys", accountId=made["id"])["secretValue"]


@pytest.fixture
def register(installation: Installation, open_api: OpenApi, api: Api, settle: Settle) -> Api:
    """Who may register hosts of the environment."""
    token = api.create("registrationtokens")
    settle()
    return open_api(("registrationToken", api.get(f"registrationtokens/{token['id']}")["token"]))
