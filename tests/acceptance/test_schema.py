"""The type `schema`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.world import World
from tests.contract.check import OFFERED, SEED, differences

pytestmark = pytest.mark.docker


def plain(value: Any) -> Any:
    """Return what gdapi made of a JSON document as it was."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {k: plain(v) for k, v in vars(value).items() if not callable(v)} if hasattr(value, "__dict__") else value


def test_a_generic_client_has_every_type_complete(it: World, name: str) -> None:
    """a generic client builds all calls from it and the checker reports every type complete"""
    for role, client in (("project", it.client), ("admin", it.admin)):
        schemas = {s["id"]: s for s in plain(client._get(client.schema.types["schema"].links.collection))["data"]}
        assert set(SEED) - set(schemas) <= {"subscribe"} if role == "admin" else set(SEED) <= set(schemas)
        assert list(differences(role, schemas)) == []
        # gdapi makes its methods from the schemas alone.
        for type_, spec in OFFERED.items():
            collection, resource = spec["methods"].get(role, ((), ()))
            wanted = {"create": "POST" in collection, "list": "GET" in collection, "by_id": "GET" in collection}
            wanted |= {"update_by_id": "PUT" in resource}
            missing = [verb for verb, is_there in wanted.items() if is_there and not hasattr(client, f"{verb}_{type_}")]
            assert missing == [], type_
    made = it.client.create_environment(name=name)
    made = it.client.update_by_id_environment(made.id, description="from the schema")
    assert it.client.by_id_environment(made.id).description == "from the schema"
    assert [s.id for s in it.client.list_environment(name=name)] == [made.id]
    it.client.delete(it.settled(made))
