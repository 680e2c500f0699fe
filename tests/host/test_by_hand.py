"""What people do to our containers and networks by hand, past us, is put right, or said in words."""

from __future__ import annotations

import shutil

import pytest

from tests.host.conftest import Host
from tests.waiting import eventually
from trailboss.wire.messages import Network

pytestmark = pytest.mark.docker


def address(host: Host, container: str) -> str:
    networks = host.container(container).attrs["NetworkSettings"]["Networks"]
    return str(networks.get(host.server.network.name, {}).get("IPAddress", ""))


def test_a_renamed_container_gets_its_name_back_and_is_started_no_second_time(host: Host) -> None:
    host.want("c-named")
    before = host.until("c-named", "running")
    host.container("c-named").rename("mine-now")
    eventually(lambda: host.owned() == {"c-named": "running"}, what="the name is given back")
    assert host.container("c-named").id == before.docker_id
    assert host.server.state("c-named") == "running"


def test_a_container_that_is_renamed_while_nobody_looks_is_found_and_removed(host: Host) -> None:
    host.want("c-named")
    host.until("c-named", "running")
    host.end_agent()
    host.container("c-named").rename("mine-now")
    host.want("c-named", desired="removed")
    host.start_agent()
    host.until("c-named", "removed")
    assert host.owned() == {}


def test_a_copy_that_somebody_made_of_a_container_is_theirs_and_in_nobodys_way(host: Host) -> None:
    host.want("c-origin")
    host.until("c-origin", "running")
    image = host.container("c-origin").commit("copy")
    copy = host.lab.docker.containers.run(image, detach=True, name="copy")
    host.want("c-origin", epoch=2)
    host.until("c-origin", "running", epoch=2)
    host.want("c-origin", epoch=2, desired="removed")
    host.until("c-origin", "removed", epoch=2)
    copy.reload()
    assert copy.status == "running"


def test_a_container_that_is_taken_off_the_network_is_put_on_it_again(host: Host) -> None:
    record = host.want("c-off")
    host.until("c-off", "running")
    network = host.lab.docker.networks.get(host.server.network.name)
    network.disconnect("c-off", force=True)
    assert record.specification is not None
    wanted = record.specification.address
    eventually(lambda: address(host, "c-off") == wanted, 60, "it has its address again")


def test_a_further_network_of_a_container_changes_nothing_for_us(host: Host) -> None:
    record = host.want("c-two")
    host.until("c-two", "running")
    other = host.lab.docker.networks.create("a-further-one")
    other.connect("c-two")
    host.container("c-two").pause()  # makes the agent look
    host.container("c-two").unpause()
    host.want("c-after")
    host.until("c-after", "running")
    assert record.specification is not None
    assert host.server.latest["c-two"].address == record.specification.address
    other.disconnect("c-two")


def test_a_network_that_was_removed_is_made_anew_for_the_next_start(host: Host) -> None:
    host.want("c-old")
    host.until("c-old", "running")
    host.want("c-old", desired="stopped")
    host.until("c-old", "exited")
    host.lab.docker.networks.get(host.server.network.name).remove()
    host.want("c-old", epoch=2)
    old = host.until("c-old", "running", epoch=2)
    host.want("c-new")
    new = host.until("c-new", "running")
    assert (address(host, "c-old"), address(host, "c-new")) == (old.address, new.address)


def test_a_host_that_joins_again_has_its_network_made_anew_when_nothing_is_on_it(host: Host) -> None:
    host.want("c-stays")
    host.until("c-stays", "running")
    host.end_agent()
    shutil.rmtree(host.data / "agent")
    before = host.server.network
    host.server.network = Network(before.name, before.bridge, before.cidr, f"{host.prefix}.0.2")
    host.start_agent()
    eventually(lambda: "remove the containers on it" in host.server.engine[-1], what="what is in the way is told")
    assert host.container("c-stays").status == "running"
    host.container("c-stays").stop()
    host.want("c-stays", epoch=2)
    host.until("c-stays", "running", epoch=2)
    assert host.server.engine[-1] == ""
