"""Who may ask what of whose resources: every route x every role x every ownership, and the answer that is specified.

What a role is offered comes from the description of the v1 API (`v1.json`), not from our declarations; what ownership
means, from 02-access sections 2 and 3. A route that neither has, has no policy, and fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from tests.contract.check import OFFERED
from tests.serving import Api, Installation, OpenApi, running_api
from trailboss.api import agents
from trailboss.api.app import Otherwise, build_app, ping
from trailboss.api.health import Health
from trailboss.api.streams import Streams
from trailboss.api.subscribe import Subscriptions
from trailboss.declare import ResourceType, format_id, registry
from trailboss.resources.account import Account, Project
from trailboss.resources.project_member import ProjectMember
from trailboss.resources.seed import add_key
from trailboss.store.transaction import Tx

OWN_RULES = {
    "account": "people see only their own: test_access",
    "project": "members only, whoever asks: test_projects",
    "projectMember": "shown as identities: test_identities",
    "setting": "by name, unknown names too: test_settings",
    "userPreference": "everybody sees only their own: test_preferences",
}
"""Types whose visibility is a rule of their own, which has tests of its own."""
OURS = {
    "auditLog": {role: [["GET"], ["GET"]] for role in ("project", "user", "admin", "service")},
    "openidconfig": {role: [["GET", "POST"], ["GET"]] for role in ("admin", "service")},
}
"""Types that the described API does not have, and who is offered what of them."""
MEMBERS = ("project", "owner", "member", "restricted", "readonly")
SEES_ALL = ("admin", "service")
OTHERS = ("user", "agent")
ROLES = (*MEMBERS, *SEES_ALL, *OTHERS)
READ_ONLY_FOR_RESTRICTED = ("host", "machine", "physicalHost", "cluster")
OWNERSHIPS = ("own", "other project's", "removed", "inactive project's")
FOREIGN = ("other project's", "inactive project's")
"""What nobody sees but who sees all: of the last one people are members, but that counts for nothing meanwhile."""

TYPES = [name for name, type_ in registry.items() if type_.stored and name in OFFERED | OURS and name not in OWN_RULES]


def offered(role: str, name: str) -> tuple[list[str], list[str]] | None:
    """Return the methods of the collection and of a resource that a role is offered; None if it does not know it."""
    methods = OFFERED[name]["methods"] if name in OFFERED else OURS[name]
    if role == "restricted" and name == "registrationToken":
        return None
    found = methods.get("project" if role in ("owner", "member", "restricted") else role)
    if found is None:
        return None
    if role == "restricted" and (name in READ_ONLY_FOR_RESTRICTED or name == "register"):
        return ["GET"], ["GET"]
    return found[0], found[1]


def expected(role: str, name: str, method: str, ownership: str) -> set[int]:
    """Return the statuses of a request for one resource that keep to what is specified."""
    if ownership == "inactive project's" and role in MEMBERS:
        return {401} if role == "project" else {403}  # nobody enters it, and its own keys are out of use
    rights = offered(role, name)
    if rights is None:
        return {404}
    if method not in rights[1]:
        return {405}
    sees_it = role in SEES_ALL or ownership not in FOREIGN or "account_id" not in registry[name].fields
    if not sees_it:
        return {404}
    if method == "PUT":
        # an empty change is one, also of what is there no more, unless it was removed
        return {405} if ownership == "removed" and registry[name].machine is not None else {200}
    # whether a resource can be removed in its state is its own affair; that it may be asked for is the policy
    return {200} if method == "GET" else {200, 405}


@dataclass
class Table:
    """rows[account of the role][ownership][type]: an id. callers: role -> who asks; of_inactive: the same, inside the
    inactive project."""

    rows: dict[str, dict[str, dict[str, str]]]
    callers: dict[str, Api]
    of_inactive: dict[str, Api]

    def caller(self, role: str, ownership: str) -> Api:
        """Return who asks for what is somebody's."""
        return (self.of_inactive if ownership == "inactive project's" else self.callers)[role]

    def id(self, role: str, ownership: str, name: str) -> str:
        """Return the id of a resource that is somebody's from the point of view of a role."""
        return self.rows[role if role in OTHERS else "project"][ownership][name]


def a_row(tx: Tx, type_: ResourceType, account: int, removed: bool) -> str:
    states = type_.machine.states if type_.machine is not None else ()
    rest = next((s for s in ("active", "stopped", "inactive", "created") if s in states), None)
    values: dict[str, Any] = {"name": f"a-{type_.type}", "account_id": account, "state": rest}
    if type_.type == "registrationToken":
        values |= {"public_value": "P", "secret_value": "S"}
    if removed:
        values |= {"state": "removed" if states else None, "removed": tx.now, "remove_time": tx.now + 1_000_000}
    return format_id(type_, tx.insert(type_, **{n: v for n, v in values.items() if n in type_.fields}).values["id"])


@pytest.fixture
def table(installation: Installation, open_api: OpenApi) -> Table:
    def make(tx: Tx) -> tuple[dict[str, Any], dict[str, tuple[str, str]], int, tuple[str, str]]:
        own = tx.find(Project, uuid="adminProject")[0].id
        other = tx.insert(Project, kind="project", name="other", state="active").id
        inactive = tx.insert(Project, kind="project", name="inactive", state="inactive").id
        owners = {"other project's": other, "inactive project's": inactive}
        keys: dict[str, tuple[str, str]] = {}
        accounts = {"project": own}
        for role in ("owner", "member", "restricted", "readonly", "service", *OTHERS):
            kind = role if role in ("service", "agent") else "user"
            account = tx.insert(Account, kind=kind, name=role, state="active").id
            keys[role] = add_key(tx, account, "a key")
            if role in MEMBERS:
                for project in (own, inactive):
                    values = {"project_id": project, "external_id": str(account), "role": role, "state": "active"}
                    tx.insert(ProjectMember, account_id=project, **values)
            elif role in OTHERS:
                accounts[role] = account
        rows = {
            who: {
                ownership: {
                    name: a_row(tx, registry[name], owners.get(ownership, account), ownership == "removed")
                    for name in TYPES
                }
                for ownership in OWNERSHIPS
            }
            for who, account in accounts.items()
        }
        return rows, keys, inactive, add_key(tx, inactive, "its own key")

    rows, keys, inactive, its_key = installation.store.write(make)
    keys |= {"project": installation.project_key, "admin": installation.admin_key}

    def callers(project: int) -> dict[str, Api]:
        inside = f"/v1/projects/1a{project}/"
        return {role: open_api(key, inside if role in MEMBERS else "/v1/") for role, key in keys.items()}

    own = callers(5)
    keys["project"] = its_key
    return Table(rows, own, callers(inactive))


def wrong_answers(table: Table, role: str, ownership: str) -> Iterator[str]:
    caller = table.caller(role, ownership)
    for name in TYPES:
        path = f"{registry[name].plural.lower()}/{table.id(role, ownership, name)}"
        # the removal comes last: until then the row is as it was made
        for method in ("GET", "PUT", "DELETE"):
            status = caller.ask(method, path, json={} if method == "PUT" else None).status_code
            if status not in (wanted := expected(role, name, method, ownership)):
                yield f"{role}: {method} of a {name}, {ownership}: {status} and not {wanted}"


@pytest.mark.parametrize("ownership", OWNERSHIPS)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_answered_as_specified_for_one_resource(table: Table, role: str, ownership: str) -> None:
    assert list(wrong_answers(table, role, ownership)) == []


@pytest.mark.parametrize("role", ROLES)
def test_each_role_lists_what_it_may_see_and_creates_what_it_may(table: Table, role: str) -> None:
    caller, wrong = table.callers[role], []
    for name in TYPES:
        rights, path = offered(role, name), registry[name].plural.lower()
        read = caller.ask("GET", path, params={"limit": "1000"})
        wanted = 404 if rights is None else 200 if "GET" in rights[0] else 405
        if read.status_code != wanted:
            wrong.append(f"{role}: list of {name}: {read.status_code} and not {wanted}")
        elif wanted == 200 and role not in SEES_ALL and "account_id" in registry[name].fields:
            foreign = {table.id(role, ownership, name) for ownership in FOREIGN}
            if shown := foreign & {row["id"] for row in read.json()["data"]}:
                wrong.append(f"{role}: list of {name} shows {shown}, of other projects")
        made = caller.ask("POST", path, json={}).status_code
        is_refused = made in (401, 403, 404, 405)
        if is_refused is (rights is not None and "POST" in rights[0]):
            wrong.append(f"{role}: creation of {name}: {made}")
    assert wrong == []


@pytest.mark.parametrize("state", ["inactive", "removed"])
def test_nobody_enters_a_project_that_is_not_active(table: Table, installation: Installation, state: str) -> None:
    own = installation.store.read(lambda read: read.find(Project, uuid="adminProject")[0])
    installation.store.write(lambda tx: tx.change(own, state=state, removed=tx.now if state == "removed" else None))
    for role, caller in table.callers.items():
        for name in TYPES:
            path = f"/v1/projects/1a5/{registry[name].plural.lower()}"
            for method in ("GET", "POST"):
                status = caller.ask(method, path, json={} if method == "POST" else None).status_code
                assert status == (401 if role == "project" else 403), f"{role}: {method} {path}"


def test_strangers_are_answered_401_whatever_they_ask(table: Table, open_api: OpenApi) -> None:
    strangers = [open_api(None), open_api(("NOBODY", "x"))]
    for name in TYPES:
        id_ = table.id("project", "own", name)
        for method, path in (("GET", ""), ("POST", ""), ("GET", f"/{id_}"), ("PUT", f"/{id_}"), ("DELETE", f"/{id_}")):
            asked = strangers[0].ask(method, f"{registry[name].plural.lower()}{path}")
            assert asked.status_code == 401, f"{method} {name}{path}"
    assert {strangers[1].ask("GET", path).status_code for path in ("containers", "containers/1i1")} == {401}


def test_a_person_outside_of_a_project_does_not_enter_it(table: Table) -> None:
    for role in OTHERS:
        assert table.callers[role].ask("GET", "/v1/projects/1a5/containers").status_code == 403


# --- a route without a policy -----------------------------------------------------------------------------------

PUBLIC = {"/ping", "/healthcheck", "/", "/assets/{name}", "/healthz", "/readyz", "/metrics"}
"""Paths that everybody may ask; nothing of an account is behind them."""
BY_OWN_PROOF = {
    "/v1/logs/": "a token that is good once",
    "/v1/logs": "a token that is good once",
    "/agent/streams/{id}": "an id that is good once",
    "/agent/connect": "the key of an agent",
}


def types_without_a_policy() -> set[str]:
    inner = {"publicEndpoint"}
    """Only a part of others."""
    reachable = {name for name, type_ in registry.items() if type_.roles.keys() - {"superadmin"}}
    return reachable - set(OFFERED) - set(OURS) - inner


def routes_without_a_policy(app: Starlette) -> set[str]:
    """Return what of an app neither the table above is about, nor somebody has said who may ask it."""
    known = {Otherwise.__name__: "what is below /v1: the table above", "_Route": "its change stream"}
    names = {getattr(route, "path", type(route).__name__) for route in app.routes}
    return names - PUBLIC - BY_OWN_PROOF.keys() - known.keys()


def test_every_type_has_a_policy() -> None:
    assert types_without_a_policy() == set(), "declare in OURS who is offered what of it"


def test_a_type_without_a_policy_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry, "new", SimpleNamespace(roles={"superadmin": "r", "user": "r"}))
    monkeypatch.setitem(registry, "internal", SimpleNamespace(roles={"superadmin": "r"}))
    assert types_without_a_policy() == {"new"}


@pytest.fixture
def routes(installation: Installation) -> list[BaseRoute]:
    """All routes of a server, but for those that `build_app` has itself."""
    streams = Streams(None, installation.store)  # type: ignore[arg-type]
    subscriptions = Subscriptions(installation.context)
    health = Health(installation.store, lambda: True)
    return [*health.routes(), *agents.routes, *streams.routes(), *subscriptions.routes()]


def test_every_route_has_a_policy(installation: Installation, routes: list[BaseRoute]) -> None:
    app = build_app(installation.context, routes)
    assert routes_without_a_policy(app) == set(), "say in PUBLIC or BY_OWN_PROOF who may ask it"
    served = {getattr(route, "path", "") for route in app.routes}
    assert served >= PUBLIC | BY_OWN_PROOF.keys(), "a policy for what is not there"


@pytest.mark.parametrize("new", [Route("/v2/accounts", ping), Mount("/files", Starlette())])
def test_a_route_without_a_policy_is_noticed(
    installation: Installation, routes: list[BaseRoute], new: Route | Mount
) -> None:
    assert routes_without_a_policy(build_app(installation.context, [*routes, new])) == {new.path}


def test_what_has_its_own_proof_refuses_everybody_without(installation: Installation, routes: list[BaseRoute]) -> None:
    import asyncio

    import aiohttp

    app = build_app(installation.context, routes)

    async def statuses(url: str) -> dict[str, int]:
        found = {}
        async with aiohttp.ClientSession() as session:
            for path in [*BY_OWN_PROOF, "/v1/subscribe", "/v1/projects/1a5/subscribe?eventNames=resource.change"]:
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(url + path.replace("{id}", "guessed"))
                found[path] = refused.value.status
        return found

    with running_api(app) as url:
        found = asyncio.run(statuses(url))
    assert set(found.values()) <= {401, 403, 404, 503}, found
