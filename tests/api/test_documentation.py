"""The documentation of types and fields is what their declarations say."""

from __future__ import annotations

from tests.serving import Api
from trailboss.declare import registry
from trailboss.resources.documentation import documentation_of


def test_every_type_is_documented(admin: Api, api: Api) -> None:
    documents = {d["id"]: d for d in admin.get("typedocumentations")["data"]}
    assert set(documents) == set(registry)
    assert all(d["description"] for d in documents.values())
    assert {d["id"] for d in api.get("typedocumentations")["data"]} == set(registry)


def test_a_field_says_what_it_is_for(api: Api) -> None:
    shown = api.get("typedocumentations/container")
    assert (shown["type"], shown["id"]) == ("typeDocumentation", "container")
    assert shown["resourceFields"]["imageUuid"]["description"].startswith("The image: `docker:")
    assert shown["resourceFields"]["name"] == {"description": "What people call it."}, "of every stored type"
    assert api.get("typedocumentations/launchConfig")["resourceFields"]["imageUuid"]
    assert api.refused("GET", "typedocumentations/nothing")[0] == 404
    assert api.refused("POST", "typedocumentations", json={"description": "x"})[0] == 405


def test_what_is_internal_is_not_documented_to_clients() -> None:
    for type_ in registry.values():
        hidden = {f.wire for f in type_.fields.values() if f.read == ()}
        assert not hidden & documentation_of(type_.type).values["resource_fields"].keys()
