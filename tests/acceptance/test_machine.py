"""The type `machine`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest

from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import WITHIN_S, World, socket
from tests.waiting import eventually

pytestmark = pytest.mark.docker

PROCESSES = ("physicalhost.create", "physicalhost.bootstrap", "physicalhost.remove")
DRIVER = ("DRIVER", "the secret of the driver service")


@not_yet_true(10, "no driver service can be attached, and machines are stored only")
def test_a_driver_service_makes_and_destroys_a_host(it: World, name: str) -> None:
    """with a driver service attached a new VM becomes an active host and DELETE destroys the VM"""
    handled = [{"name": process, "onError": "physicalhost.error"} for process in PROCESSES]
    it.create("externalHandler", it.admin, name=name, processConfigs=handled)
    account = it.create("account", it.admin, kind="service", name=name)
    it.create("apiKey", it.admin, accountId=account.id, publicValue=DRIVER[0], secretValue=DRIVER[1])
    driver = it.connect(*DRIVER)
    names = "&".join(f"eventNames={process};handler={name}" for process in PROCESSES)

    with ExitStack() as vm, socket(f"{it.url}/v1/subscribe?{names}", DRIVER) as events:

        def asked(process: str) -> Any:
            """Wait until the driver service is asked for something."""
            event = events.first(lambda text: (e := json.loads(text))["name"].startswith(process) and e, WITHIN_S)
            assert it.client.by_id_machine(event["resourceId"]).name == name
            return event

        def done(event: Any) -> None:
            """Answer that it is done."""
            about = {key: event[key] for key in ("resourceType", "resourceId")}
            driver.create("publish", name=event["replyTo"], previousIds=[event["id"]], data={}, **about)

        before = {h.id for h in it.client.list_host()}
        made = it.client.create_machine(name=name, digitaloceanConfig={"accessToken": "of the cloud"})
        assert (made.driver, made.digitaloceanConfig.accessToken) == ("digitalocean", None)
        done(asked("physicalhost.create"))
        event = asked("physicalhost.bootstrap")
        uuid = it.client.reload(made).externalId
        vm.enter_context(it.an_agent(it.machine(), it.token(), CATTLE_PHYSICAL_HOST_UUID=uuid))
        done(event)
        assert it.settled(made).state == "active"
        host = it.new_host(it.client, before)
        assert [h.id for h in made.hosts()] == [host.id]

        it.client.delete(made)
        event = asked("physicalhost.remove")
        vm.close()
        done(event)
        eventually(lambda: it.state(made) in ("removed", "purged"), WITHIN_S, "the machine is removed")
        eventually(lambda: it.state(host) in ("removed", "purged"), WITHIN_S, "its host is removed")
