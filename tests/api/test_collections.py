"""Lists: shape, filters, order, pages, include, links (01-api-wire sections 5 and 6, 10-hosts section 1.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.builders import a_container, a_service
from tests.databases import OpenStore
from tests.serving import Api, Installation, Settle
from trailboss.api import read
from trailboss.resources.environment import Environment
from trailboss.resources.image import Image
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap
from trailboss.store.transaction import Tx

BASE = "http://127.0.0.1:8080/v1/projects/1a5"


@pytest.fixture
def installation(open_store: OpenStore) -> Installation:
    """A new installation, once on each database: how they compare and sort differs."""
    return Installation(open_store())


@pytest.fixture
def stacks(api: Api) -> list[str]:
    """The ids of five stacks, whose names and descriptions are in different orders."""
    pairs = [("b", "x"), ("a", None), ("d", "y"), ("c", None), ("e", "x")]
    return [api.create("environments", name=n, description=d)["id"] for n, d in pairs]


def names(collection: dict[str, Any]) -> str:
    return "".join(item["name"] for item in collection["data"])


def test_a_collection_has_every_key_of_the_v1_api(api: Api, stacks: list[str]) -> None:
    found = api.get("environments")
    assert list(found) == [
        "type", "resourceType", "links", "createTypes", "actions", "data", "sortLinks", "pagination", "sort",
        "filters", "createDefaults",
    ]  # fmt: skip
    assert (found["type"], found["resourceType"]) == ("collection", "environment")
    assert found["links"] == {"self": f"{BASE}/environments"}
    assert found["pagination"] == {
        "first": None, "previous": None, "next": None, "limit": 100, "total": None, "partial": False,
    }  # fmt: skip
    assert found["sort"] is None
    assert found["filters"].keys() == found["sortLinks"].keys() >= {"name", "state", "created", "id"}
    assert set(found["filters"].values()) == {None}
    assert (found["createTypes"], found["createDefaults"], found["actions"]) == ({}, {}, {})


def test_resources_come_in_the_order_of_their_ids_and_have_their_keys_in_order(api: Api, stacks: list[str]) -> None:
    data = api.get("environments")["data"]
    assert [item["id"] for item in data] == stacks
    keys = list(data[0])
    assert keys[:6] == ["id", "type", "links", "actions", "name", "state"]
    rest = [key for key in keys[6:] if not key.endswith("TS")]
    assert rest == sorted(rest)
    assert "baseType" not in keys


def test_dates_are_whole_seconds_with_a_companion_in_ms(api: Api, stacks: list[str]) -> None:
    item = api.get(f"environments/{stacks[0]}")
    assert len(item["created"]) == len("2015-11-24T09:00:00Z") and item["created"].endswith("Z")
    assert isinstance(item["createdTS"], int)
    assert item["removed"] is None
    assert "removedTS" not in item


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "a"}, "a"),
        ({"name_ne": "a"}, "bdce"),
        ({"name_prefix": "B"}, "b"),
        ({"name_like": "_"}, "badce"),
        ({"name_like": "%c%"}, "c"),
        ({"name_notlike": "%c%"}, "bade"),
        ({"name_prefix": "%"}, ""),
        ({"name_like": "\\"}, ""),
        ({"description_null": ""}, "ac"),
        ({"description_notnull": "1"}, "bde"),
        ({"description": "x", "name_ne": "b"}, "e"),
        ({"name": ["a", "b"]}, ""),
        ({"id": "1e1"}, "b"),
        ({"id_gt": "1e3"}, "ce"),
        ({"id": "nonsense"}, ""),
        ({"accountId": "1a5"}, "badce"),
        ({"accountId": "1a1"}, ""),
        ({"accountId": "%%%"}, ""),
        ({"created_gt": "0"}, "badce"),
        ({"created_lt": "99999999999999999999999"}, "badce"),
        ({"created_gt": "yesterday"}, ""),
        ({"state": "activating"}, "badce"),
        ({"state_prefix": "x"}, "badce"),
        ({"nonsense": "x", "name_nonsense": "x", "dockerCompose": "x"}, "badce"),
    ],
)
def test_filters_narrow_and_what_is_no_filter_is_ignored(
    api: Api, stacks: list[str], query: dict[str, Any], expected: str
) -> None:
    assert names(api.get("environments", **query)) == expected


def test_filters_are_repeated_in_the_answer(api: Api, stacks: list[str]) -> None:
    filters = api.get("environments", name_prefix="a")["filters"]
    assert filters["name"] == [{"value": "a", "modifier": "prefix"}]
    assert filters["state"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort": "name"}, "abcde"),
        ({"sort": "name", "order": "desc"}, "edcba"),
        ({"sort": "description"}, "acbed"),
        ({"sort": "description", "order": "desc"}, "debca"),
        ({"sort": "nonsense"}, "badce"),
        ({"order": "desc"}, "ecdab"),
    ],
)
def test_order_by_any_filterable_name(api: Api, stacks: list[str], query: dict[str, str], expected: str) -> None:
    assert names(api.get("environments", **query)) == expected


def test_a_sorted_collection_says_how_to_reverse_it(api: Api, stacks: list[str]) -> None:
    found = api.get("environments", sort="name", order="asc", name_ne="a", limit=2)
    assert (found["sort"]["name"], found["sort"]["order"]) == ("name", "asc")
    assert names(api.get(found["sort"]["reverse"])) == "ed"
    link = parse_qs(urlsplit(found["sortLinks"]["created"]).query)
    assert link == {"sort": ["created"], "name_ne": ["a"], "limit": ["2"]}


@pytest.mark.parametrize("sort", [None, "id", "name", "description", "created", "accountId", "state", "removed"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_show_every_row_once_whatever_the_order(
    api: Api, stacks: list[str], sort: str | None, order: str
) -> None:
    query = {"limit": "2", "order": order} | ({"sort": sort} if sort else {})
    page, seen, pages = api.get("environments", **query), "", 0
    while True:
        seen, pages = seen + names(page), pages + 1
        following = page["pagination"]["next"]
        assert page["pagination"]["partial"] is (following is not None)
        if following is None:
            break
        page = api.get(following)
    whole = names(api.get("environments", **{**query, "limit": "100"}))
    assert (seen, pages) == (whole, 3)


def test_a_page_goes_on_after_its_last_row_whatever_was_removed_meanwhile(
    api: Api, stacks: list[str], installation: Installation
) -> None:
    first = api.get("environments", limit=2)
    row = installation.store.read(lambda r: r.require(Environment, 2))
    installation.store.write(lambda tx: tx.erase(row))
    assert names(api.get(first["pagination"]["next"])) == "dc"


@pytest.mark.parametrize("marker", ["m2", "nonsense", "", "m", "mW10", "mWyIiLGZhbHNlLDUsInkiXQ", "é"])
def test_an_unknown_marker_means_the_start(api: Api, stacks: list[str], marker: str) -> None:
    assert names(api.get("environments", marker=marker)) == "badce"


def test_a_marker_of_another_order_means_the_start(api: Api, stacks: list[str]) -> None:
    following = api.get("environments", limit=2)["pagination"]["next"]
    marker = parse_qs(urlsplit(following).query)["marker"][0]
    assert names(api.get("environments", sort="name", marker=marker)) == "abcde"


@pytest.mark.parametrize(("limit", "shown"), [("0", 0), ("3", 3), ("x", 5), ("-1", 5), ("", 5), ("9" * 30, 5)])
def test_limits_that_are_none_are_ignored(api: Api, stacks: list[str], limit: str, shown: int) -> None:
    assert len(api.get("environments", limit=limit)["data"]) == shown


def test_a_limit_is_at_most_a_thousand(api: Api) -> None:
    assert api.get("environments", limit=5000)["pagination"]["limit"] == 1000


@pytest.fixture
def service(api: Api) -> Callable[..., dict[str, Any]]:
    """Return a function that makes a service in a stack of its own."""

    def make(name: str = "web", **fields: Any) -> dict[str, Any]:
        stack = api.create("environments", name=f"stack-{name}")
        created: dict[str, Any] = api.create("services", **a_service(stack["id"], name=name, **fields))
        return created

    return make


def test_include_puts_linked_resources_into_items_and_lists(api: Api, service: Callable[..., Any]) -> None:
    made = service()
    item = api.get(made["links"]["self"], include=["Environment", "nonsense", "instances"])
    assert item["environment"]["name"] == "stack-web"
    assert item["environment"]["links"]["self"] == f"{BASE}/environments/{made['environmentId']}"
    assert item["instances"] == []
    listed = api.get("services", include="environment")["data"]
    assert listed[0]["environment"] == item["environment"]


def test_links_lead_to_the_resource_or_to_a_collection(api: Api, service: Callable[..., Any], settle: Settle) -> None:
    made = service(scale=2)
    settle()
    api.ask("POST", api.get(made["links"]["self"])["actions"]["activate"])
    settle()
    assert api.get(made["links"]["environment"])["id"] == made["environmentId"]
    instances = api.get(made["links"]["instances"])
    assert (instances["resourceType"], instances["pagination"]) == ("instance", None)
    assert instances["links"]["self"] == made["links"]["instances"]
    one = instances["data"][0]
    assert one["type"] == "container"
    assert api.get(one["links"]["services"])["data"][0]["id"] == made["id"]
    assert api.get(made["links"]["instances"], name=one["name"])["data"] == [one]
    maps = api.get(made["links"]["serviceExposeMaps"])["data"]
    assert {m["instanceId"] for m in maps} == {i["id"] for i in instances["data"]}


def test_a_reference_that_is_null_has_no_link(api: Api) -> None:
    made = api.create("containers", **a_container())
    assert "networkContainer" not in made["links"]
    assert api.refused("GET", f"containers/{made['id']}/networkContainer")[0] == 404
    assert api.get(made["links"]["hosts"])["data"] == []


def test_services_that_use_one_another_are_linked_both_ways(api: Api, service: Callable[..., Any]) -> None:
    web, database = service("web"), service("db")
    api.ask("POST", web["actions"]["addservicelink"], json={"serviceLink": {"serviceId": database["id"], "name": "d"}})
    assert [s["id"] for s in api.get(web["links"]["consumedservices"])["data"]] == [database["id"]]
    assert [s["id"] for s in api.get(database["links"]["consumedbyservices"])["data"]] == [web["id"]]


def test_a_child_is_created_by_the_link_of_its_owner(api: Api) -> None:
    stack = api.create("environments", name="shop")
    services = api.get(stack["links"]["services"])
    assert services["createDefaults"] == {"environmentId": stack["id"]}
    body = a_service("", name="web")
    del body["environmentId"]
    made = api.create(stack["links"]["services"], **body)
    assert made["environmentId"] == stack["id"]
    assert api.refused("POST", f"environments/{stack['id']}/account", json={})[0] == 405


def test_a_base_type_lists_every_kind_with_its_own_type(api: Api) -> None:
    made = api.create("containers", **a_container())
    assert [(i["id"], i["type"]) for i in api.get("instances")["data"]] == [(made["id"], "container")]
    assert api.get("instances")["createTypes"] == {"container": f"{BASE}/containers"}
    assert {c["type"] for c in api.get("credentials")["data"]} == {"apiKey"}


def test_removed_rows_are_listed_for_a_while_and_then_only_by_id(
    api: Api, stacks: list[str], installation: Installation
) -> None:
    store = installation.store

    def remove(number: int, removed_s: int, purge_in_s: int, state: str = "removed") -> None:
        def run(tx: Any) -> None:
            row = tx.require(Environment, number)
            now = tx.now
            tx.change(row, state=state, removed=now - removed_s * 1000, remove_time=now + purge_in_s * 1000)

        store.write(run)

    remove(1, 1, 59)
    remove(2, 61, -1)
    remove(3, 301, 60)
    remove(4, 1, 59, state="purged")
    assert names(api.get("environments")) == "be"
    assert names(api.get("environments", state="removed")) == "b"
    for query, expected in (
        ({"sort": "removed"}, "eb"),
        ({"sort": "removed", "order": "desc"}, "be"),
        ({"sort": "name"}, "be"),
        ({"sort": "name", "order": "desc"}, "eb"),
    ):
        first = api.get("environments", **query, limit=1)
        assert names(first) + names(api.get(first["pagination"]["next"])) == expected
    assert [api.get(f"environments/{id_}")["name"] for id_ in stacks] == list("badce")


def test_reading_a_page_costs_the_page_however_many_rows_there_are(api: Api, installation: Installation) -> None:
    """The database is asked how it would find a deep page: by the index of the account, without a sort."""

    def fill(tx: Any) -> None:
        for number in range(300):
            tx.insert(Image, account_id=5, name=f"i{number}", state="active")

    installation.store.write(fill)
    if not installation.store.database.is_postgres:
        sql = "EXPLAIN QUERY PLAN SELECT * FROM image WHERE account_id = 5 AND id > 200 ORDER BY id LIMIT 101"
        plan = installation.store.read(lambda r: r.run(sql))
        assert "image_account_id (account_id=? AND id>?)" in plan[0][3] and len(plan) == 1
    page = api.get("images", limit=100)
    seen = len(page["data"])
    while page["pagination"]["next"]:
        page = api.get(page["pagination"]["next"])
        seen += len(page["data"])
    assert seen == 300


def test_a_link_to_many_rows_has_pages(admin: Api, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LINK_LIMIT", 3)

    def make(tx: Tx) -> None:
        services = [
            tx.insert(Service, account_id=5, name=f"s{n}", environment_id=1, state="inactive") for n in range(7)
        ]
        tx.insert(Environment, account_id=5, name="shop", state="active")
        for used in services[1:]:
            tx.insert(
                ServiceConsumeMap,
                account_id=5,
                service_id=services[0].id,
                consumed_service_id=used.id,
                state="active",
            )

    installation.store.write(make)
    for link, names in (
        ("environments/1e1/services?sort=name&order=desc", [f"s{n}" for n in range(6, -1, -1)]),
        ("services/1s1/consumedservices", [f"s{n}" for n in range(1, 7)]),
    ):
        url, seen, pages = link, [], 0
        while url:
            page = admin.get(url)
            seen += [row["name"] for row in page["data"]]
            url, pages = (page["pagination"] or {}).get("next"), pages + 1
        assert seen == names, link
        assert pages == -(-len(names) // 3)
