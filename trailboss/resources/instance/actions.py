"""What requests write: new containers, and the runs that are wanted of them. Nothing here talks to a host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import registry
from trailboss.errors import ApiError
from trailboss.resources import endpoints, network
from trailboss.resources import instance as declared
from trailboss.resources.host import COMPUTE, Host
from trailboss.resources.image import Image, parse_image
from trailboss.resources.instance.specification import check
from trailboss.resources.port import Port, parse_port
from trailboss.resources.service_maps import ServiceExposeMap

SERVICE_LOOKS_AFTER_S = 0.05

if TYPE_CHECKING:
    from trailboss.resources.instance import Container, Instance
    from trailboss.store.transaction import Tx


def prepare(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Check a new container and complete it: image, address on the managed bridge, slot. Raises ApiError 422."""
    values = dict(values)
    image_uuid = values.get("image_uuid")
    if not image_uuid:
        raise ApiError(422, "MissingRequired", "a container needs an image", field="imageUuid")
    parse_image(image_uuid)
    if any(entry is None for entry in values.get("ports") or []):
        raise ApiError(422, "MissingRequired", "a port is missing", field="ports")
    for entry in values.get("ports") or []:
        parse_port(entry)
    if values.get("network_mode") == "container" and not values.get("network_container_id"):
        raise ApiError(
            422, "MissingRequired", "networkMode container needs networkContainerId", field="networkContainerId"
        )
    if values.get("slot"):
        # the slot's runs go on counting over the containers that fill it; the newest row has the highest
        before = tx.find(declared.Instance, live=False, slot=values["slot"], newest=True, limit=1)
        values["epoch"] = max([values.get("epoch") or 0, *(row.epoch for row in before)])
    return values


def created(tx: Tx, row: Container) -> None:
    """Make the rows that belong to a new container, reserve its slot and address, and check what comes of it."""
    image = tx.insert(Image, account_id=row.account_id, name=parse_image(row.image_uuid).full_name, state="active")
    values: dict[str, Any] = {"image_id": image.id, "slot": row.slot or row.uuid, "token": None}
    if not tx.hold("slot", values["slot"], row):
        raise ApiError(409, message=f"slot {values['slot']} is taken")
    if (row.network_mode or "managed") == "managed":
        values["address"] = network.take_address(tx, row, (row.labels or {}).get(network.REQUESTED_IP))
    row = tx.change(row, **values)
    if row.service_id is not None:
        tx.insert(
            ServiceExposeMap,
            account_id=row.account_id,
            service_id=row.service_id,
            instance_id=row.id,
            managed=True,
            dns_prefix=row.launch_config_name,
            state="active",
        )
    for entry in row.ports or []:
        port = parse_port(entry)
        tx.insert(
            Port,
            account_id=row.account_id,
            instance_id=row.id,
            kind="port",
            state="inactive",
            private_port=port.private,
            public_port=port.public,
            wanted_public_port=port.public,
            protocol=port.protocol,
        )
    check(tx, row)


def next_run(row: Instance) -> dict[str, Any]:
    """Return the values with which the next run of an instance begins."""
    return {
        "desired": "running",
        "epoch": row.epoch + 1,
        "after_stop": None,
        "waiting_until": None,
        "is_new": False,
    }


def start(tx: Tx, row: Instance, input: dict[str, Any], caller: Any) -> Instance:
    """Ask for the next run."""
    return states.begin(tx, row, "start", start_failures=0, quick_exits=0, **next_run(row))


def stop(tx: Tx, row: Instance, input: dict[str, Any], caller: Any) -> Instance:
    """Ask for the end of the run; with `remove`, of the container too."""
    timeout = input.get("timeout")
    if timeout is not None and timeout < 0:
        raise ApiError(422, "MinLimitExceeded", "timeout is in seconds, 0 or more", field="timeout")
    return states.begin(
        tx,
        row,
        "stop",
        desired="stopped",
        after_stop="remove" if input.get("remove") else None,
        stop_timeout=timeout,
    )


def restart(tx: Tx, row: Instance, input: dict[str, Any], caller: Any) -> Instance:
    """Ask for the end of this run and then for the next."""
    return states.begin(tx, row, "restart", desired="stopped", after_stop="start")


def delete(tx: Tx, row: Instance, caller: Any) -> Instance:
    """Remove an instance, stopping it first if it runs. Raises ApiError 405 while it is restored or purged."""
    return end(tx, row, at_once=bool(caller.options.get("purge")))


def end(tx: Tx, row: Instance, *, at_once: bool = False) -> Instance:
    """Stop an instance and remove it then. at_once: what is left on the host goes without the time to restore it."""
    if row.state in ("removing", "removed"):
        if at_once and not row.purge_at_once:
            tx.mark(declared.Instance, row.id)
            return tx.change(row, purge_at_once=True)
        return row
    ending: dict[str, Any] = {"desired": "stopped", "after_stop": "remove", "purge_at_once": at_once}
    for process in ("remove", "stop"):
        if states.may(row, process):
            return states.begin(tx, row, process, **ending)
    if row.state in ("stopping", "restarting", "migrating"):
        tx.mark(declared.Instance, row.id)
        return tx.change(row, **ending)
    raise ApiError(405, message=f"a container that is {row.state} cannot be removed now")


def purge(tx: Tx, row: Instance, input: dict[str, Any], caller: Any) -> Instance:
    """Delete what is left of a removed instance."""
    return states.begin(tx, row, "purge", desired="removed")


def setlabels(tx: Tx, row: Container, input: dict[str, Any], caller: Any) -> Container:
    """Replace the labels that the API shows; the Docker container keeps those it was made with."""
    labels = input.get("labels") or {}
    if not isinstance(labels, dict):
        raise ApiError(422, "InvalidFormat", "labels is a map from name to value", field="labels")
    return tx.change(row, labels={str(k): str(v) for k, v in labels.items()})


@dataclass(frozen=True)
class StreamRequest:
    """A live stream that was asked for; the API answers with where it is to be had."""

    kind: str
    container: str
    host_id: int
    options: dict[str, Any]


def logs(tx: Tx, row: Container, input: dict[str, Any], caller: Any) -> StreamRequest:
    """Ask for the container's output."""
    if row.host_id is None:
        raise ApiError(409, message="the container has no host yet")
    lines = input.get("lines")
    options = {"lines": 100 if lines is None else lines, "follow": input.get("follow") is not False}
    return StreamRequest("logs", row.uuid, row.host_id, options)


def settled(tx: Tx, row: Instance) -> None:
    """Carry the end of a transition on to what belongs to the instance."""
    if row.state in ("running", "stopped", "removing", "removed", "purged"):
        _settle_ports(tx, row)
    if row.state == "removed":
        tx.release(row, "slot")
        for link in tx.find(ServiceExposeMap, instance_id=row.id):
            states.end(tx, link)
    if row.state == "purged":
        _forget(tx, row)
    if row.service_id is not None and row.state in ("running", "stopped", "removed"):
        # a moment later: a service that looks once at many of its containers is as good and cheaper
        tx.mark(registry["service"], row.service_id, after_s=SERVICE_LOOKS_AFTER_S)


def _settle_ports(tx: Tx, row: Instance) -> None:
    """Open the ports of an instance that runs; close those of one that no longer does, and let others have them."""
    ports = tx.find(Port, instance_id=row.id)
    if row.state == "running":
        endpoints.add(tx, row, ports)
        for port in ports:
            states.rest(tx, port, "active")
        return
    endpoints.take_away(tx, row, [port for port in ports if port.state == "active"])
    for port in ports:
        if row.state == "purged":
            states.end(tx, port)
        else:
            states.rest(tx, port, "inactive", public_port=port.wanted_public_port)
    tx.release(row, "port")


def _forget(tx: Tx, row: Instance) -> None:
    """Give back the place on the host, and let the image go."""
    if host := tx.get(Host, row.host_id):
        tx.change(host, compute_free=host.compute_free + COMPUTE)
    if image := tx.get(Image, row.image_id):
        states.end(tx, image)
    tx.change(row, host_id=None)
