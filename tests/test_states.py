"""The machines say what the v1 API says (10-hosts section 1 and 2, 11-containers 1, 20-stacks 2 and 3), every state has
a way out, and what clients see of the way is derived from it."""

from __future__ import annotations

import pytest

from tests.rows import a_container, a_row, a_service
from trailboss import states
from trailboss.declare import Machine, registry
from trailboss.resources.account import Account
from trailboss.resources.agent import Agent
from trailboss.resources.credential import ApiKey
from trailboss.resources.environment import Environment
from trailboss.resources.host import Host
from trailboss.resources.image import Image
from trailboss.resources.instance import Container
from trailboss.resources.port import Port
from trailboss.resources.project_member import ProjectMember
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap, ServiceExposeMap

GENERIC = """
create      requested                                            registering        inactive
activate    inactive registering                                 activating         active
deactivate  active activating updating-active updating-inactive  deactivating       inactive
update      inactive                                             updating-inactive  inactive
update      active                                               updating-active    active
remove      requested inactive registering updating-active updating-inactive  removing  removed
purge       removed                                              purging            purged
"""
RESTORE = "restore  removed  restoring  inactive\n"
AGENT = f"""{GENERIC}{RESTORE}
activate    requested          activating    active
deactivate  reconnecting       deactivating  inactive
reconnect   active activating  reconnecting  active
"""
INSTANCE = """
create   requested                                               creating          stopped
start    stopped creating                                        starting          running
stop     running starting updating-running updating-stopped      stopping          stopped
restart  running                                                 restarting        running
update   stopped                                                 updating-stopped  stopped
update   running                                                 updating-running  running
migrate  running                                                 migrating         running
remove   requested stopped creating updating-running updating-stopped  removing    removed
restore  removed                                                 restoring         stopped
purge    removed                                                 purging           purged
"""
STACK = """
create          requested                  activating          active
update          active                     updating-active     active
error           activating                 erroring            error
upgrade         active                     upgrading           upgraded
cancelupgrade   upgrading                  canceling-upgrade   canceled-upgrade
rollback        upgraded canceled-upgrade  rolling-back        active
cancelrollback  rolling-back               canceling-rollback  canceled-upgrade
finishupgrade   upgraded canceled-upgrade  finishing-upgrade   active
remove  requested active activating updating-active error erroring upgrading upgraded canceling-upgrade canceled-upgrade rolling-back canceling-rollback finishing-upgrade  removing  removed
"""  # noqa: E501
SERVICE = """
create          requested                   registering         inactive
activate        inactive                    activating          active
update          inactive                    updating-inactive   inactive
update          active updating-active      updating-active     active
deactivate      active activating updating-active updating-inactive  deactivating  inactive
upgrade         active                      upgrading           upgraded
cancelupgrade   upgrading                   canceling-upgrade   canceled-upgrade
rollback        upgraded canceled-upgrade   rolling-back        active
cancelrollback  rolling-back                canceling-rollback  canceled-rollback
finishupgrade   upgraded canceled-upgrade canceled-rollback  finishing-upgrade  active
remove  requested registering inactive activating active updating-active updating-inactive deactivating upgrading upgraded canceling-upgrade canceled-upgrade rolling-back canceling-rollback canceled-rollback finishing-upgrade  removing  removed
"""  # noqa: E501
EXPOSE_MAP = """
create  requested                    activating  active
remove  requested activating active  removing    removed
"""
CONSUME_MAP = """
create  requested                                    activating       active
update  activating active                            updating-active  active
remove  activating active updating-active            removing         removed
"""
FACTS = [
    (Container, "instance", INSTANCE),
    (Environment, "environment", STACK),
    (Service, "service", SERVICE),
    (Agent, "agent", AGENT),
    (Host, "host", GENERIC + RESTORE),
    (Account, "account", GENERIC + RESTORE),
    (Port, "port", GENERIC + RESTORE),
    (Image, "image", GENERIC + RESTORE),
    (ProjectMember, "projectmember", GENERIC + RESTORE),
    (ApiKey, "credential", GENERIC),
    (ServiceExposeMap, "serviceexposemap", EXPOSE_MAP),
    (ServiceConsumeMap, "serviceconsumemap", CONSUME_MAP),
]
GOES_ON_TO_ACTIVE = [Account, Agent, Host, Image, ApiKey, ProjectMember]
WITH_STATES = sorted((t for t in registry.values() if t.machine is not None and t.stored), key=lambda t: t.type)


def arrows(table: str) -> set[tuple[str, str, str, str]]:
    """Read lines `process sources via to` as single arrows."""
    lines = [line.split() for line in table.splitlines() if line]
    return {(process, source, via, to) for process, *sources, via, to in lines for source in sources}


def arrows_of(machine: Machine) -> set[tuple[str, str, str, str]]:
    return {(a.process, source, a.via, a.to) for a in machine.arrows for source in a.sources}


@pytest.mark.parametrize(("type_", "prefix", "table"), FACTS, ids=lambda value: getattr(value, "type", ""))
def test_a_machine_is_that_of_the_v1_api(type_: type, prefix: str, table: str) -> None:
    machine = type_.machine  # type: ignore[attr-defined]
    assert machine.prefix == prefix
    assert arrows_of(machine) == arrows(table)


@pytest.mark.parametrize("type_", GOES_ON_TO_ACTIVE, ids=lambda t: t.type)
def test_creation_goes_on_to_activation(type_: type) -> None:
    assert type_.machine.arriving("registering").then == "activate"  # type: ignore[attr-defined]


def test_creation_of_a_port_rests_inactive_and_that_of_a_container_goes_on_to_its_start() -> None:
    assert Port.machine is not None
    assert Container.machine is not None
    assert Port.machine.arriving("registering").then is None  # type: ignore[union-attr]
    assert Container.machine.arriving("creating").then == "start"  # type: ignore[union-attr]


@pytest.mark.parametrize("type_", WITH_STATES, ids=lambda t: t.type)
def test_every_state_has_a_way_to_the_end(type_: type) -> None:
    machine: Machine = type_.machine  # type: ignore[attr-defined]
    end = "purged" if "purged" in machine.states else "removed"
    leads_to_end = {end}
    while True:
        more = {a.via for a in machine.arrows if a.to in leads_to_end}
        more |= {s for a in machine.arrows if a.via in leads_to_end for s in a.sources}
        if more <= leads_to_end:
            break
        leads_to_end |= more
    assert set(machine.states) == leads_to_end


@pytest.mark.parametrize("type_", WITH_STATES, ids=lambda t: t.type)
def test_a_state_is_either_on_the_way_or_at_rest(type_: type) -> None:
    machine: Machine = type_.machine  # type: ignore[attr-defined]
    assert not {a.via for a in machine.arrows} & {a.to for a in machine.arrows}
    assert "requested" in machine.states
    assert machine.arriving("requested") is None


@pytest.mark.parametrize("type_", WITH_STATES, ids=lambda t: t.type)
def test_what_the_slow_resync_watches_and_where_a_failure_leads_are_declared_right(type_: type) -> None:
    machine: Machine = type_.machine  # type: ignore[attr-defined]
    assert all(s in machine.states and not machine.arriving(s) for s in type_.watched)  # type: ignore[attr-defined]
    failure = type_.on_failure  # type: ignore[attr-defined]
    assert failure is None or failure in machine.processes


# --- what clients see -------------------------------------------------------------------------------------------------


def test_a_row_on_its_way_is_transitioning_with_its_reason_and_progress() -> None:
    row = a_container(state="starting", message="Pulling busybox", progress=40)
    assert states.transitioning(row) == ("yes", "Pulling busybox", 40)
    assert states.transitioning(a_container(state="starting")) == ("yes", "Waiting for its turn", None)


def test_a_row_at_rest_is_not_transitioning_and_its_last_message_is_not_shown() -> None:
    assert states.transitioning(a_container(state="running", message="old", progress=3)) == ("no", None, None)
    assert states.transitioning(a_service(state="requested")) == ("no", None, None)


def test_an_error_stays_to_be_seen_at_rest() -> None:
    row = a_container(state="removed", failed=1, message="no such image")
    assert states.transitioning(row) == ("error", "no such image", None)


def test_a_type_without_states_is_never_transitioning() -> None:
    assert states.transitioning(a_row(registry["setting"], failed=0)) == ("no", None, None)
