"""The unmodified gdapi library against a server on a real port: what generic clients of the v1 API rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gdapi
import pytest

from tests.serving import Installation, Settle, running_api


@pytest.fixture
def url(installation: Installation) -> Iterator[str]:
    """The URL of a running server."""
    with running_api(installation.app) as found:
        yield found


Connect = Callable[..., Any]


@pytest.fixture
def connect(installation: Installation, url: str) -> Connect:
    """Return a function that makes a client of the project, or with other keys and another path."""

    def make(path: str = "/v1", key: tuple[str | None, str | None] = installation.project_key) -> Any:
        return gdapi.Client(url=url + path, access_key=key[0], secret_key=key[1], cache=False)

    return make


@pytest.fixture
def client(connect: Connect) -> Any:
    """A client with the project's key."""
    return connect()


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/schemas", "/v1/projects/1a5", "/v1/projects/1a5/schemas"])
def test_a_client_finds_the_schemas_from_any_url(connect: Connect, installation: Installation, path: str) -> None:
    for key in (installation.project_key, installation.admin_key):
        client = connect(path, key)
        assert client.valid()
        may_create = key is installation.project_key or "1a5" in path
        assert hasattr(client, "create_service") is may_create
    assert client.list_host().data == []


def test_a_stack_with_a_service_from_creation_to_removal(client: Any, settle: Settle) -> None:
    stack = client.create_environment(name="shop", description="sells")
    assert (stack.type, stack.state, stack.transitioning) == ("environment", "activating", "yes")
    settle()
    stack = client.reload(stack)
    assert (stack.state, stack.transitioning) == ("active", "no")
    service = client.create_service(
        name="web",
        environmentId=stack.id,
        scale=2,
        launchConfig={"imageUuid": "docker:busybox", "labels": {"a": "b"}},
    )
    settle()
    service = client.reload(service)
    assert (service.state, service.scale, service.launchConfig.imageUuid) == ("inactive", 2, "docker:busybox")
    assert service.environment().id == stack.id
    assert [s.id for s in stack.services()] == [service.id]
    service.activate()
    settle()
    containers = service.instances().data
    assert [c.name for c in containers] == ["shop_web_1", "shop_web_2"]
    assert containers[0].services().data[0].id == service.id
    waiting = client.reload(containers[0])
    assert (waiting.type, waiting.transitioning) == ("container", "yes")
    assert "host" in waiting.transitioningMessage, "it says what it waits for"
    changed = client.update(client.reload(service), scale=1, metadata={"k": "v"})
    assert (changed.scale, changed.metadata.k) == (1, "v")
    assert client.by_id_service("1s99") is None
    removed = client.delete(stack)
    assert removed.state == "removing"


def test_lists_filters_and_pages(client: Any) -> None:
    for name in "abc":
        client.create_environment(name=name)
    assert [e.name for e in client.list_environment(name_ne="b")] == ["a", "c"]
    assert [e.name for e in client.list_environment(sort="name", order="desc")] == ["c", "b", "a"]
    first = client.list_environment(limit=2)
    assert [e.name for e in first] == ["a", "b"]
    assert [e.name for e in first.next()] == ["c"]
    assert client.list_environment(include="account").data[0].account.type == "project"


def test_actions_with_input_and_links_of_a_service(client: Any) -> None:
    stack = client.create_environment(name="shop")
    web, data = (
        client.create_service(name=name, environmentId=stack.id, launchConfig={"imageUuid": "docker:busybox"})
        for name in ("web", "data")
    )
    web.addservicelink(serviceLink={"serviceId": data.id, "name": "db"})
    assert [s.id for s in web.consumedservices()] == [data.id]
    stack = stack.addoutputs(outputs={"a": "1"})
    assert stack.outputs.a == "1"
    assert "web:" in stack.exportconfig().dockerComposeConfig


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"environmentId": "1e99"}, "InvalidReference", "environmentId"),
        ({"environmentId": "nonsense"}, "InvalidReference", "environmentId"),
        ({"name": None}, "MissingRequired", "name"),
        ({"scale": -1}, "MinLimitExceeded", "scale"),
        ({"scale": 10**6}, "MaxLimitExceeded", "scale"),
        ({"name": "no spaces"}, "InvalidCharacters", "name"),
        ({"scale": "many"}, "InvalidFormat", "scale"),
        ({"launchConfig": "text"}, "InvalidFormat", "launchConfig"),
        ({"name": "x" * 256}, "MaxLengthExceeded", "name"),
        ({"launchConfig": {"imageUuid": "docker:busybox", "networkMode": "x"}}, "InvalidOption", "networkMode"),
    ],
)
def test_bad_input_is_a_typed_error(client: Any, fields: dict[str, Any], code: str, field: str) -> None:
    stack = client.create_environment(name="shop")
    good = {"name": "web", "environmentId": stack.id, "launchConfig": {"imageUuid": "docker:busybox"}}
    body = {k: v for k, v in {**good, **fields}.items() if v is not None}
    with pytest.raises(gdapi.ApiError) as refused:
        client.create_service(**body)
    error = refused.value.error
    assert (error.status, error.code, error.fieldName, error.type) == (422, code, field, "error")
    assert error.message, "a person can read what is wrong"


def test_an_action_that_is_not_valid_now_is_a_typed_error(client: Any, settle: Settle) -> None:
    stack = client.create_environment(name="shop")
    settle()
    stack = client.reload(stack)
    stale = stack.remove
    settle()
    stale()
    settle()
    with pytest.raises(gdapi.ApiError) as refused:
        stale()
    assert (refused.value.error.status, refused.value.error.code) == (422, "ActionNotAvailable")


def test_junk_credentials_work_while_access_control_is_off(connect: Connect, installation: Installation) -> None:
    with pytest.raises(gdapi.ApiError) as refused:
        connect("/v1", (None, None))
    assert refused.value.error.status == 401
    installation.set("api.security.enabled", "false")
    client = connect("/v1/projects/1a5", (None, None))
    assert client.create_environment(name="open").accountId == "1a5"


def test_a_key_that_was_made_works_in_another_client(client: Any, connect: Connect, settle: Settle) -> None:
    key = client.create_apiKey(name="ci")
    settle()
    other = connect("/v1", (key.publicValue, key.secretValue))
    assert other.by_id_apiKey(key.id).secretValue is None
