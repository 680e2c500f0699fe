"""What requests write of containers: new ones with all that belongs to them, and the runs that are wanted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.bench import Bench
from trailboss import states
from trailboss.engine.apply import Platform, create
from trailboss.errors import ApiError
from trailboss.resources.host import Host
from trailboss.resources.image import Image
from trailboss.resources.instance import Container, actions
from trailboss.resources.port import Port
from trailboss.resources.service_maps import ServiceExposeMap
from trailboss.store.transaction import Tx


def make(bench: Bench, **values: Any) -> Container:
    given = {"account_id": 5, "name": "c", "image_uuid": "docker:busybox", "start_on_create": False, **values}
    made: Any = bench.store.write(lambda tx: create(tx, Container, given, Platform()))
    bench.settle()
    found: Container = bench.get(made)
    return found


def refusal(bench: Bench, **values: Any) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as caught:
        make(bench, **values)
    return caught.value.code, caught.value.field


def set_to(bench: Bench, row: Container, **values: Any) -> None:
    bench.store.write(lambda tx: tx.change(tx.require(Container, row.id), **values))


def act(bench: Bench, row: Container, name: str, input: dict[str, Any] | None = None, **options: Any) -> Container:
    def fn(tx: Tx) -> Any:
        now = tx.require(Container, row.id)
        if name == "delete":
            return actions.delete(tx, now, Platform(options=options))
        return Container.behaviour.actions[name](tx, now, input or {}, Platform())

    done: Container = bench.store.write(fn)
    return done


# --- creation ---------------------------------------------------------------------------------------------------------


def test_a_new_container_has_an_image_an_address_a_slot_and_its_ports(bench: Bench) -> None:
    row = make(bench, ports=["80:8080", "53/udp", 90])
    image = bench.store.read(lambda read: read.get(Image, row.image_id))
    assert image is not None
    assert (image.name, image.state) == ("busybox:latest", "active")
    assert (row.state, row.slot, row.address) == ("stopped", row.uuid, "10.42.4.0")
    ports = bench.store.read(lambda read: read.find(Port, instance_id=row.id))
    assert [(p.public_port, p.private_port, p.protocol, p.state) for p in ports] == [
        (80, 8080, "tcp", "inactive"),
        (None, 53, "udp", "inactive"),
        (None, 90, "tcp", "inactive"),
    ]


def test_a_container_of_a_service_is_mapped_to_it_until_it_is_removed(bench: Bench) -> None:
    row = make(bench, service_id=9, launch_config_name="log", slot="s/log/1")
    [link] = bench.store.read(lambda read: read.find(ServiceExposeMap, service_id=9))
    assert (link.instance_id, link.managed, link.dns_prefix, link.state) == (row.id, True, "log", "active")
    act(bench, row, "delete")
    bench.settle()
    assert bench.store.read(lambda read: read.find(ServiceExposeMap, service_id=9)) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"image_uuid": None}, ("MissingRequired", "imageUuid")),
        ({"image_uuid": "lxc:x"}, ("InvalidReference", "imageUuid")),
        ({"image_uuid": "docker:a/b/c/d"}, ("InvalidReference", "imageUuid")),
        ({"image_uuid": "docker:a:1:2"}, ("InvalidReference", "imageUuid")),
        ({"ports": [None]}, ("MissingRequired", "ports")),
        ({"ports": ["1.2.3.4:80:80"]}, ("PortWrongFormat", "ports")),
        ({"ports": ["80:0"]}, ("PortInvalidPrivatePort", "ports")),
        ({"ports": ["70000:80"]}, ("PortInvalidPublicPort", "ports")),
        ({"ports": ["80/sctp"]}, ("PortInvalidProtocol", "ports")),
        ({"network_mode": "container"}, ("MissingRequired", "networkContainerId")),
    ],
)
def test_a_container_that_cannot_be_is_refused_with_the_v1_code(
    bench: Bench, values: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(bench, **values) == expected


def test_only_containers_on_the_managed_network_get_an_address(bench: Bench) -> None:
    assert make(bench, network_mode="host").address is None
    assert make(bench, network_mode=None).address is not None


def test_a_requested_address_is_given_if_it_is_free_and_for_containers(bench: Bench) -> None:
    label = "io.rancher.container.requested_ip"
    assert make(bench, labels={label: "10.42.200.7"}).address == "10.42.200.7"
    assert make(bench, labels={label: "10.42.200.7"}).address == "10.42.4.0", "it is taken"
    assert make(bench, labels={label: "10.42.0.1"}).address == "10.42.4.1", "that is for hosts"
    assert make(bench, labels={label: "192.168.0.1"}).address == "10.42.4.2", "that is outside"
    assert make(bench, labels={label: "nonsense"}).address == "10.42.4.3"
    assert make(bench, labels={label: "10.42.255.255"}).address == "10.42.4.4", "that is for everybody"


def test_addresses_are_found_when_nearly_all_are_taken_and_refused_when_none_is_left(bench: Bench) -> None:
    bench.store.write(lambda tx: tx.set_fact("network.cidr", "10.9.0.0/21"))
    first = make(bench)

    def take_rest(tx: Tx) -> None:
        for number in range(1024, 2047):
            if number != 2000:
                tx.hold("address", f"10.9.{number // 256}.{number % 256}", first)

    bench.store.write(take_rest)
    assert make(bench).address == "10.9.7.208"
    with pytest.raises(ApiError, match="Failed to allocate IP"):
        make(bench)


def test_a_container_that_fills_a_slot_goes_on_counting_its_runs(bench: Bench) -> None:
    first = make(bench, slot="s//1", service_id=9)
    set_to(bench, first, epoch=7)
    act(bench, first, "delete")
    bench.settle()
    assert make(bench, slot="s//1", service_id=9).epoch == 7


def test_a_slot_has_one_container(bench: Bench) -> None:
    make(bench, slot="s//1", service_id=9)
    with pytest.raises(ApiError, match="slot s//1 is taken"):
        make(bench, slot="s//1", service_id=9)


# --- actions ----------------------------------------------------------------------------------------------------------


def test_a_start_asks_for_the_next_run_and_forgets_old_failures(bench: Bench) -> None:
    row = make(bench)
    set_to(bench, row, epoch=3, quick_exits=5, start_failures=2, waiting_until=10**15, failed=1, message="bad")
    started = act(bench, row, "start")
    assert (started.state, started.desired, started.epoch) == ("starting", "running", 4)
    assert (started.quick_exits, started.start_failures, started.waiting_until) == (0, 0, None)
    assert states.transitioning(started) == ("yes", "Waiting for its turn", None)


def test_a_stop_keeps_its_timeout_and_whether_to_remove(bench: Bench) -> None:
    row = make(bench)
    set_to(bench, row, state="running")
    stopped = act(bench, row, "stop", {"timeout": 3, "remove": True})
    assert (stopped.state, stopped.desired) == ("stopping", "stopped")
    assert (stopped.stop_timeout, stopped.after_stop) == (3, "remove")


def test_a_negative_timeout_is_refused(bench: Bench) -> None:
    row = make(bench)
    set_to(bench, row, state="running")
    with pytest.raises(ApiError) as caught:
        act(bench, row, "stop", {"timeout": -1})
    assert (caught.value.code, caught.value.field) == ("MinLimitExceeded", "timeout")


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("stopped", "removing"),
        ("creating", "removing"),
        ("updating-running", "removing"),
        ("running", "stopping"),
        ("starting", "stopping"),
        ("stopping", "stopping"),
        ("restarting", "restarting"),
        ("migrating", "migrating"),
        ("removing", "removing"),
        ("removed", "removed"),
    ],
)
def test_a_container_can_be_deleted_from_every_state_but_two(bench: Bench, state: str, after: str) -> None:
    row = make(bench)
    set_to(bench, row, state=state)
    deleted = act(bench, row, "delete")
    assert deleted.state == after
    if state not in ("removing", "removed"):
        assert (deleted.desired, deleted.after_stop) == ("stopped", "remove")


@pytest.mark.parametrize("state", ["restoring", "purging"])
def test_while_it_is_restored_or_purged_it_cannot_be_deleted(bench: Bench, state: str) -> None:
    row = make(bench)
    set_to(bench, row, state=state)
    with pytest.raises(ApiError) as caught:
        act(bench, row, "delete")
    assert caught.value.status == 405


def test_a_removed_container_that_is_deleted_with_purge_is_purged_now(bench: Bench) -> None:
    row = make(bench)
    act(bench, row, "delete")
    bench.settle()
    assert bench.get(row).state == "removed"
    act(bench, row, "delete", purge=True)
    bench.settle()
    assert bench.get(row).state == "purged"


def test_labels_are_replaced_as_texts(bench: Bench) -> None:
    row = make(bench, labels={"a": "1"})
    assert act(bench, row, "setlabels", {"labels": {"b": 2}}).labels == {"b": "2"}
    with pytest.raises(ApiError) as caught:
        act(bench, row, "setlabels", {"labels": ["a=b"]})
    assert caught.value.code == "InvalidFormat"


def test_the_output_of_a_container_without_a_host_cannot_be_asked_for(bench: Bench) -> None:
    with pytest.raises(ApiError, match="no host yet"):
        act(bench, make(bench), "logs")


# --- what follows -----------------------------------------------------------------------------------------------------


def test_a_purged_container_gives_everything_back(bench: Bench) -> None:
    host = bench.insert(Host, name="h", state="active", compute_free=10)
    row = make(bench, ports=["80:80"])
    set_to(bench, row, host_id=host.id)
    act(bench, row, "delete", purge=True)
    bench.settle()
    gone = bench.get(row)
    assert (gone.state, gone.host_id) == ("purged", None)
    assert bench.get(host).compute_free == 11
    assert bench.store.read(lambda read: read.run("SELECT * FROM hold")) == []
    ports = bench.store.read(lambda read: read.find(Port, live=False, instance_id=row.id))
    images = bench.store.read(lambda read: read.find(Image, live=False))
    assert all(r.removed is not None for r in (*ports, *images)), "forgotten in their time"


def test_a_removed_container_keeps_its_ports_closed_and_its_address_for_a_restore(bench: Bench) -> None:
    row = make(bench, ports=["80:80"])
    act(bench, row, "delete")
    bench.settle()
    [port] = bench.store.read(lambda read: read.find(Port, instance_id=row.id))
    assert port.state == "inactive"
    bench.store.write(lambda tx: states.begin(tx, tx.require(Container, row.id), "restore"))
    bench.settle()
    restored = bench.get(row)
    assert (restored.state, restored.removed, restored.address) == ("stopped", None, row.address)
    holder = bench.store.write(lambda tx: tx.holder("slot", row.uuid))
    assert holder == ("instance", row.id)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"data_volumes": ["data"]}, "absolute"),
        ({"labels": {"io.trailboss.container": "x"}}, "Trailboss's own"),
        ({"ports": ["80:80", "80:81"]}, "published twice"),
        ({"devices": ["/etc/passwd"]}, "must be /dev/"),
    ],
)
def test_what_no_host_would_run_is_refused_and_nothing_is_left(bench: Bench, wrong: dict[str, Any], word: str) -> None:
    with pytest.raises(ApiError, match=word) as caught:
        make(bench, **wrong)
    assert (caught.value.status, caught.value.code) == (422, "InvalidOption")
    assert bench.store.read(lambda read: read.run("SELECT * FROM hold")) == []
