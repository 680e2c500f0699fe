"""Who may do what with which type (02-access section 3): for each view, type and verb, what the schema says and what
the API does. A verb that a view lacks is 405, even for an id that does not exist; a type that it lacks is 404.
"""

from __future__ import annotations

import pytest

from tests.serving import Api, Installation, OpenApi
from trailboss.api.schemas import role_view
from trailboss.declare import registry
from trailboss.resources.project_member import ProjectMember

DRIVERS = [
    name for name, type_ in registry.items() if type_.__module__.endswith(".drivers") and "project" in type_.roles
]
EVENTS = [kind.type for kind in registry["externalEvent"].children if kind.type != "externalHostEvent"]

TABLE = f"""
crud r    r    account setting
rud  r    r    activeSetting
crud crud r    project
crud crud -    userPreference
crud crud crud password
crud r    crud apiKey
cr   r    r    credential
cr   cr   r    projectMember
-    -    cr   subscribe
r    r    crud certificate cluster container dnsService environment externalService loadBalancerConfig
r    r    crud loadBalancerService registry registryCredential service
r    r    crd  machine volume
r    r    rud  host
r    r    ru   instanceLink port
r    r    cr   containerExec containerLogs dockerBuild environmentUpgrade externalHostEvent instanceStop
r    r    cr   ipAddressAssociateInput logConfig pullTask register registrationToken restartPolicy serviceUpgrade
r    r    cr   inServiceUpgradeStrategy toServiceUpgradeStrategy setProjectMembersInput setServiceLinksInput
r    r    cr   addRemoveServiceLinkInput snapshot {" ".join(DRIVERS)}
r    r    cru  loadBalancerAppCookieStickinessPolicy loadBalancerCookieStickinessPolicy
cru  cru  cru  launchConfig
cr   cr   cru  secondaryLaunchConfig
cr   cr   cr   addRemoveClusterHostInput changeSecretInput composeConfigInput instanceHealthCheck serviceLink
cr   cr   cr   loadBalancerServiceLink setLabelsInput
r    r    r    containerEvent externalEvent {" ".join(EVENTS)} serviceEvent composeConfig fieldDocumentation
r    r    r    typeDocumentation hostAccess statsAccess identity image instance instanceConsole instanceConsoleInput
r    r    r    ipAddress label mount network physicalHost publicEndpoint schema serviceConsumeMap serviceExposeMap
r    r    r    serviceUpgradeStrategy storagePool addOutputsInput addRemoveLoadBalancerServiceLinkInput
r    r    r    setLoadBalancerServiceLinksInput
cru  -    -    externalHandler githubconfig ldapconfig
cr   -    -    localAuthConfig publish externalHandlerProcessConfig
ru   -    -    configItemStatus
rd   -    -    databasechangelog databasechangeloglock
r    -    -    agent configItem extensionPoint extensionImplementation externalHandlerProcess
r    -    -    externalHandlerExternalHandlerProcessMap hostApiProxyToken processDefinition processInstance
r    -    -    processExecution resourceDefinition stateTransition task taskInstance
"""
"""Letters of administrators, users, and members inside of a project: c POST, r GET, u PUT, d DELETE."""

ROLES = ("admin", "user", "member", "restricted", "readonly")
RESTRICTED = {"host": "r", "machine": "r", "physicalHost": "r", "registrationToken": ""}
VERBS = {"c": "POST", "u": "PUT", "d": "DELETE"}


def rights() -> dict[str, dict[str, str]]:
    """Return for each type the letters of each role."""
    found: dict[str, dict[str, str]] = {}
    for line in TABLE.strip().splitlines():
        admin, user, member, *types = (part.replace("-", "") for part in line.split())
        for name in types:
            look = "" if name == "registrationToken" else member and "r"
            restricted = RESTRICTED.get(name, member)
            found[name] = dict(zip(ROLES, (admin, user, member, restricted, look), strict=True))
    return found


RIGHTS = rights()
# what a restricted member cannot use anyway: it is the other way by which a host joins
RIGHTS["register"]["restricted"] = RIGHTS["cluster"]["restricted"] = "r"


@pytest.fixture
def callers(installation: Installation, open_api: OpenApi) -> dict[str, Api]:
    """A caller for each role; the last three are people inside of the environment."""
    found = {"admin": open_api(installation.admin_key)}
    for role in ROLES[1:]:
        person, key = installation.add_account("user", role)
        inside = role != "user"
        if inside:
            installation.store.write(
                lambda tx, id=person.id, role=role: tx.insert(
                    ProjectMember, account_id=5, project_id=5, external_id=str(id), role=role, state="active"
                )
            )
        found[role] = open_api(key, "/v1/projects/1a5/" if inside else "/v1/")
    return found


@pytest.mark.parametrize("role", ROLES)
def test_the_schemas_say_who_may_do_what(callers: dict[str, Api], role: str) -> None:
    shown = {s["id"]: s for s in callers[role].get("schemas")["data"]}
    wrong = {}
    for name, letters in RIGHTS.items():
        schema = shown.get(name)
        methods: set[str] = set()
        if schema is not None:
            methods = set(schema["collectionMethods"]) | set(schema["resourceMethods"])
        allowed = ("r" if schema is not None else "") + "".join(x for x, verb in VERBS.items() if verb in methods)
        if set(allowed) != set(letters[role]):
            wrong[name] = (allowed, letters[role])
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_verb_that_somebody_lacks_is_refused(callers: dict[str, Api], role: str) -> None:
    wrong = []
    for name, letters in RIGHTS.items():
        plural = registry[name].plural.lower()
        for letter, verb in VERBS.items():
            path = plural if verb == "POST" else f"{plural}/{'x' if registry[name].plain_id else '1x999999'}"
            status = callers[role].ask(verb, path, json={}).status_code
            if not letters[role]:
                expected = status == 404
            elif letter in letters[role]:
                expected = status not in (401, 403, 500) and (status != 405 or _is_only_sent(name))
            else:
                expected = status == 405
            if not expected:
                wrong.append((name, verb, letters[role], status))
    assert wrong == []


def _is_only_sent(name: str) -> bool:
    """Say whether a type is only sent inside of others, or set as a whole."""
    return not registry[name].stored or name == "projectMember"


@pytest.mark.parametrize("role", ("readonly", "restricted"))
def test_actions_of_who_may_only_look(callers: dict[str, Api], role: str) -> None:
    shown = {s["id"]: s for s in callers[role].get("schemas")["data"]}
    if role == "readonly":
        assert {n: list(s["resourceActions"]) for n, s in shown.items() if s["resourceActions"]} == {
            "container": ["logs"]
        }
        flags = {(n, w) for n, s in shown.items() for w, f in s["resourceFields"].items() if f["create"] or f["update"]}
        assert flags == set()
    else:
        assert all(shown[name]["resourceActions"] == {} for name in ("host", "machine", "physicalHost"))
        assert shown["container"]["resourceActions"]


OURS = {"auditLog", "openidconfig"}
"""Types that are an addition of ours."""


def test_the_table_has_every_type_but_those_of_load_balancers_that_stand_alone() -> None:
    visible = {name for role in ("admin", "user", "member") for name in role_view(role).types}
    assert {name for name in visible - set(RIGHTS) if "oadBalancer" not in name} == OURS
    assert set(RIGHTS) <= set(registry)
