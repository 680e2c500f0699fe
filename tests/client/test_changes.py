"""The change stream as clients read it: in order, nothing missing, nothing twice, across breaks."""

from __future__ import annotations

import itertools

import pytest

from tests.client.serving import Wire
from tests.serving import Installation
from trailboss.client import Change, Changes, Client
from trailboss.client.types import ApiKey, Environment
from trailboss.errors import ApiError, Unreachable
from trailboss.store.transaction import Tx


def described(changes: Changes, count: int) -> list[str]:
    """The descriptions of the next changes that have one."""
    found = (c.resource.description for c in changes if isinstance(c.resource, Environment) and c.resource.description)
    return list(itertools.islice(found, count))


@pytest.fixture
def stack(client: Client) -> Environment:
    return client.wait(client.environments.create(Environment(name="shop")))


def test_what_happens_after_the_call_is_told_in_order(client: Client, stack: Environment) -> None:
    with client.subscribe() as changes:
        for number in range(5):
            client.update(stack, description=f"d{number}")
        seen = list(itertools.islice(changes, 5))
    # each change is told; of the resource, what it is when it is told
    assert [(c.type, c.id) for c in seen] == [("environment", stack.id)] * 5
    assert len({c.cursor for c in seen}) == 5


def test_only_the_types_that_were_asked_for_are_told(client: Client, stack: Environment) -> None:
    with client.subscribe("environment") as changes:
        client.api_keys.create(ApiKey(name="a"))
        client.update(stack, description="d")
        assert next(iter(changes)).type == "environment"


def test_another_reader_goes_on_from_a_cursor(client: Client, stack: Environment) -> None:
    with client.subscribe("environment") as changes:
        client.update(stack, description="one")
        assert described(changes, 1) == ["one"]
        cursor = changes.cursor
    client.update(stack, description="two")
    with client.subscribe("environment", cursor=cursor) as changes:
        assert described(changes, 1) == ["two"]


def test_a_break_is_told_and_nothing_is_missed(client: Client, stack: Environment, wire: Wire) -> None:
    told: list[str] = []

    def broken(sentence: str) -> None:
        told.append(sentence)
        if len(told) == 1:
            client.session.http.get(f"{client.base}/schemas/service")  # the network itself works
            wire.refuse = 2

    with client.subscribe("environment", on_break=broken) as changes:
        client.update(stack, description="one")
        reading = iter(changes)
        assert next(reading).resource is not None
        changes._stack.close()  # as when the connection is cut
        client.update(stack, description="two")
        descriptions = (c.resource.description for c in reading if isinstance(c.resource, Environment))
        assert "two" in itertools.islice(descriptions, 1)
    assert told[0].endswith("trying again in 0.5 s")
    assert "nobody listens; trying again in 1 s" in told[1]
    assert len(told) == 3


def test_changes_that_are_no_longer_kept_are_said_to_be_missing(
    client: Client, stack: Environment, installation: Installation
) -> None:
    with client.subscribe() as changes:
        cursor = changes.cursor
    for number in range(3):
        client.update(stack, description=f"d{number}")

    def forget(tx: Tx) -> None:
        tx.connection.run("DELETE FROM journal WHERE seq < (SELECT max(seq) FROM journal)")

    installation.store.write(forget)
    with client.subscribe(cursor=cursor) as changes:
        first: Change = next(iter(changes))
    assert first.list_again is not None and "list again" in first.list_again
    assert first.resource is None


def test_who_may_not_subscribe_is_told_at_once(installation: Installation, served: str) -> None:
    with Client(f"{served}/v1/projects/1a5", "wrong", "keys") as client, pytest.raises(ApiError, match="Unauthorized"):
        client.subscribe()


def test_a_server_that_is_not_there_at_first_is_not_waited_for(client: Client, wire: Wire) -> None:
    wire.refuse = 1
    with pytest.raises(Unreachable, match="nobody listens"):
        client.subscribe()
