"""The client against a real server: what is sent and understood, and what it makes of trouble."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx2
import pytest

from tests.client.serving import Wire
from tests.serving import Installation
from trailboss.client import Client, collection
from trailboss.client.collection import wire_filter
from trailboss.client.session import api_base, is_loopback
from trailboss.client.types import (
    COLLECTIONS,
    ActiveSetting,
    ApiKey,
    DnsService,
    Environment,
    Identity,
    LaunchConfig,
    Service,
    ServiceLink,
    SetServiceLinksInput,
)
from trailboss.errors import ApiError, Permanent, TimedOut, TrailbossError, Unreachable
from trailboss.resources import environment


def a_service(stack: Environment, name: str = "web") -> Service:
    return Service(name=name, environment_id=stack.id, launch_config=LaunchConfig(image_uuid="docker:busybox"))


@pytest.fixture
def stack(client: Client) -> Environment:
    return client.wait(client.environments.create(Environment(name="shop")))


def stored(installation: Installation) -> list[str]:
    return [row.name for row in installation.store.read(lambda read: read.find(environment.Environment))]


# --- what is sent and understood --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://h:8080", "http://h:8080/v1"),
        ("http://h:8080/", "http://h:8080/v1"),
        ("h:8080", "http://h:8080/v1"),
        ("http://h:8080/v1", "http://h:8080/v1"),
        ("https://h/v1/projects/1a5", "https://h/v1/projects/1a5"),
        ("https://h/v1/projects/1a5/", "https://h/v1/projects/1a5"),
        ("https://h/v1/projects/1a5/schemas", "https://h/v1/projects/1a5"),
    ],
)
def test_every_form_of_the_url_leads_to_the_api(given: str, base: str) -> None:
    assert api_base(given) == base


def test_only_this_machine_is_reached_without_a_proxy() -> None:
    assert is_loopback("http://127.0.0.1:8080/v1")
    assert is_loopback("http://localhost/v1")
    assert is_loopback("http://[::1]:8080/v1")
    assert not is_loopback("http://rancher.example/v1")


def test_a_resource_goes_there_and_back(client: Client, stack: Environment) -> None:
    made = client.services.create(
        Service(
            name="web",
            environment_id=stack.id,
            scale=0,
            metadata={"deep": {"a": [1, None]}},
            launch_config=LaunchConfig(image_uuid="docker:busybox", environment={"A": "1"}, tty=False, ports=["80"]),
        )
    )
    assert (type(made), made.name, made.scale, made.metadata) == (Service, "web", 0, {"deep": {"a": [1, None]}})
    assert made.created is not None and made.created.tzinfo is not None
    assert made.launch_config is not None
    assert (made.launch_config.environment, made.launch_config.tty) == ({"A": "1"}, False)
    assert client.refresh(made).uuid == made.uuid
    changed = client.update(made, description="d", launch_config=None)
    assert (changed.description, changed.scale) == ("d", 0)
    removed = client.wait(client.delete(client.wait(changed), purge=True))
    assert removed.state in ("removed", "purged")


def test_a_field_that_the_type_has_not_is_no_silent_mistake(client: Client, stack: Environment) -> None:
    with pytest.raises(TypeError, match="Environment has no field nmae"):
        client.update(stack, nmae="a")
    with pytest.raises(TypeError, match="nmae"):
        Environment(nmae="a")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("name", "name"),
        ("environment_id", "environmentId"),
        ("name_prefix", "name_prefix"),
        ("remove_time_gte", "removeTime_gte"),
        ("removed_null", "removed_null"),
        ("limit", "limit"),
        ("_role", "_role"),
    ],
)
def test_names_of_filters(name: str, parameter: str) -> None:
    assert wire_filter(name) == parameter


def test_a_list_is_read_to_its_last_page(client: Client, monkeypatch: pytest.MonkeyPatch, wire: Wire) -> None:
    monkeypatch.setattr(collection, "PAGE", 2)
    for number in range(5):
        client.environments.create(Environment(name=f"s{number}"))
    wire.sent.clear()
    assert [s.name for s in client.environments.list(name_prefix="s")] == [f"s{n}" for n in range(5)]
    assert len(wire.sent) == 3
    assert [s.name for s in client.environments.list(name="s3", removed_null=True)] == ["s3"]
    newest = client.environments.list(sort="id", order="desc")
    assert [s.name for s in newest] == [f"s{n}" for n in reversed(range(5))]


def test_a_list_that_the_server_cuts_off_is_no_whole_one(client: Client, wire: Wire) -> None:
    cut = {"data": [], "pagination": {"next": None, "partial": True}}
    wire.answers.append(httpx2.Response(200, json=cut))
    with pytest.raises(TrailbossError, match="hosts holds more than the server gives"):
        client.hosts.list()


def test_every_resource_is_of_the_class_of_its_kind(client: Client, stack: Environment) -> None:
    client.services.create(a_service(stack))
    client.dns_services.create(DnsService(name="names", environment_id=stack.id))
    found = client.services.list()
    assert [type(s) for s in found] == [Service, DnsService]
    assert isinstance(found[1], Service)


def test_what_is_shown_as_another_type_is_of_the_class_of_that(installation: Installation, served: str) -> None:
    with Client(served, *installation.admin_key) as client:
        shown = client.settings.list()
        assert shown and {type(setting) for setting in shown} == {ActiveSetting}
        assert client.settings.get(shown[0].id).name == shown[0].name
    with Client(f"{served}/v1/projects/1a5", *installation.admin_key) as client:
        assert [(type(member), member.role) for member in client.project_members.each()] == [(Identity, "owner")]


def test_included_resources_are_resources(client: Client, stack: Environment) -> None:
    made = client.services.create(a_service(stack))
    found = client.services.get(made.id, include=["environment", "instances"])
    assert isinstance(found.environment, Environment)
    assert (found.environment.name, found.instances) == ("shop", [])
    assert client.services.get(made.id).environment is None


def test_an_action_takes_its_input(client: Client, stack: Environment) -> None:
    first, second = (client.wait(client.services.create(a_service(stack, name))) for name in ("a", "b"))
    links = SetServiceLinksInput(service_links=[ServiceLink(service_id=second.id, name="db")])
    client.act(first, "setservicelinks", links)
    assert [s.name for s in client.follow(first, "consumedservices", Service)] == ["b"]


def test_an_action_that_is_not_offered_says_in_which_state_the_resource_is(client: Client) -> None:
    resting = Service(id="1s1", name="web", state="removing")
    with pytest.raises(ApiError, match="service web is removing: activate is not possible"):
        client.act(resting, "activate")


def test_a_link_that_is_not_there_leads_to_nothing(client: Client, stack: Environment) -> None:
    assert list(client.follow(stack, "nowhere", Service)) == []


def test_find_gives_none_where_get_is_refused(client: Client) -> None:
    assert client.services.find("1s77") is None
    with pytest.raises(ApiError) as refused:
        client.services.get("1s77")
    assert (refused.value.status, refused.value.code) == (404, "Not Found")


def test_a_refusal_names_the_field(client: Client) -> None:
    with pytest.raises(ApiError) as refused:
        client.environments.create(Environment(name="a_b"))
    assert (refused.value.status, refused.value.code, refused.value.field) == (422, "InvalidCharacters", "name")


def test_the_only_environment_is_entered(installation: Installation, served: str) -> None:
    with Client(served, *installation.project_key) as client:
        client.enter_environment()
        assert client.base == f"{served}/v1/projects/1a5"


def test_waiting_ends_with_the_reason_of_what_failed(client: Client, stack: Environment, wire: Wire) -> None:
    document = {"id": "1e1", "type": "environment", "links": stack.links, "name": "shop", "transitioning": "error"}
    wire.answers.append(httpx2.Response(200, json=document | {"transitioningMessage": "no image"}))
    with pytest.raises(Permanent, match="environment shop: no image"):
        client.wait(stack)


def test_waiting_has_an_end(client: Client, stack: Environment, wire: Wire) -> None:
    document = {"id": "1e1", "type": "environment", "links": stack.links, "state": "activating", "transitioning": "yes"}
    wire.answers += [httpx2.Response(200, json=document) for _ in range(2)]
    with pytest.raises(TimedOut, match="environment 1e1 is activating after 0 s"):
        client.wait(stack, within_s=0)


def test_every_collection_can_be_read(installation: Installation, served: str) -> None:
    with Client(served, *installation.admin_key) as client:
        for name in COLLECTIONS:
            try:
                getattr(client, name).list(limit=5)
            except ApiError as error:
                assert error.status in (404, 405), name  # not for administrators


def test_what_a_newer_server_sends_besides_is_left_out(client: Client) -> None:
    assert client.decode({"type": "service", "id": "1s1", "colour": "red", "name": None}) == Service(id="1s1")
    assert client.decode({"type": "spaceship", "id": "1s1", "crew": 3}).id == "1s1"


def test_what_is_not_as_it_was_declared_is_named(client: Client) -> None:
    with pytest.raises(TrailbossError, match=r"the server's service is not as this client knows it.*scale"):
        client.decode({"type": "service", "id": "1s1", "scale": "many"})


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_a_creation_whose_answer_was_lost_is_made_once(client: Client, installation: Installation, wire: Wire) -> None:
    wire.lose = 2
    made = client.environments.create(Environment(name="shop"))
    assert stored(installation) == ["shop"]
    assert [s.id for s in client.environments.list()] == [made.id]
    keys = {request.headers["idempotency-key"] for request in wire.sent if request.method == "POST"}
    assert len(keys) == 1


def test_every_request_has_a_key_of_its_own(client: Client, wire: Wire) -> None:
    for name in ("a", "b"):
        client.environments.create(Environment(name=name))
    assert len({request.headers["idempotency-key"] for request in wire.sent}) == 2


def test_a_read_is_sent_again_without_a_key(client: Client, wire: Wire) -> None:
    wire.lose = wire.refuse = 1
    assert client.environments.list() == []
    assert len(wire.sent) == 3
    assert "idempotency-key" not in wire.sent[0].headers


def test_nobody_is_waited_for_without_end(client: Client, wire: Wire) -> None:
    wire.refuse = 99
    with pytest.raises(Unreachable, match="does not answer: nobody listens"):
        client.environments.list()
    assert len(wire.sent) == 4


@pytest.mark.parametrize(("status", "code"), [(503, "Service Unavailable"), (409, "RequestInProgress")])
def test_a_refusal_for_a_moment_is_asked_again(client: Client, wire: Wire, status: int, code: str) -> None:
    wire.answers.append(httpx2.Response(status, json={"type": "error", "status": status, "code": code}))
    assert client.environments.create(Environment(name="shop")).name == "shop"


def test_a_refusal_that_stays_is_not_asked_again(client: Client, wire: Wire) -> None:
    wire.answers.append(httpx2.Response(409, json={"type": "error", "status": 409, "code": "Conflict"}))
    with pytest.raises(ApiError, match="Conflict"):
        client.environments.create(Environment(name="shop"))
    assert len(wire.sent) == 1


def test_a_secret_that_was_lost_with_its_answer_is_not_there(client: Client, wire: Wire) -> None:
    wire.lose = 1
    made = client.api_keys.create(ApiKey(name="mine"))
    assert (made.name, made.secret_value) == ("mine", None)
    assert made.public_value


def test_nothing_is_overwritten_that_was_not_seen(client: Client, stack: Environment) -> None:
    stack = client.refresh(stack)
    client.update(stack, description="of somebody else")
    for change in (
        lambda: client.update(stack, description="mine", only_if_unchanged=True),
        lambda: client.delete(stack, only_if_unchanged=True),
        lambda: client.act(stack, "activateservices", only_if_unchanged=True),
    ):
        with pytest.raises(ApiError) as refused:
            change()
        assert (refused.value.status, refused.value.code) == (412, "ResourceChanged")
    stack = client.refresh(stack)
    assert stack.description == "of somebody else"
    assert client.update(stack, description="mine", only_if_unchanged=True).description == "mine"


def test_of_an_item_of_a_list_it_is_not_known_what_it_was(client: Client, stack: Environment) -> None:
    with pytest.raises(TrailbossError, match="was part of a list"):
        client.update(client.environments.list()[0], only_if_unchanged=True, description="d")


def test_the_client_imports_nothing_of_the_server() -> None:
    script = "import sys, trailboss.client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "trailboss.client.types" in loaded
    ours = {name for name in loaded if name.startswith("trailboss.") and not name.startswith("trailboss.client")}
    assert ours == {"trailboss.errors"}
    foreign: set[Any] = {"sqlalchemy", "starlette", "uvicorn", "aiohttp", "rich", "typer"}
    assert foreign & set(loaded) == set()


FIRST_SIGHT_BY_MANY = """
import sys, threading
from trailboss.client.resource import decode
from trailboss.client.types import TYPES

sys.setswitchinterval(1e-6)
together = threading.Barrier(4)
document = {"type": "service", "id": "1s1", "name": "web", "launchConfig": {"imageUuid": "docker:busybox"}}

def see():
    together.wait()
    decode(document, TYPES)

threads = [threading.Thread(target=see) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_threads_may_see_a_type_for_the_first_time_at_once() -> None:
    # msgspec crashed the process then
    assert subprocess.run([sys.executable, "-c", FIRST_SIGHT_BY_MANY], check=False).returncode == 0
