"""What requests write on services: new ones, their scale and name, their links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trailboss import states
from trailboss.declare import registry, wire_name
from trailboss.errors import ApiError
from trailboss.resources import service as declared
from trailboss.resources.instance import Container
from trailboss.resources.instance.specification import check_config
from trailboss.resources.service.containers import creation_order, needs_of, references
from trailboss.resources.service_maps import ServiceConsumeMap

if TYPE_CHECKING:
    from trailboss.resources.service import Service
    from trailboss.store.transaction import Tx

MAX_SCALE = 10_000
MAX_METADATA = 1_048_576


def prepare(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Check a new service. Raises ApiError 422 as 20-stacks section 15 lists them."""
    stack = tx.get(registry["environment"], values["environment_id"])
    if stack is None or stack.values["state"] in ("error", "erroring", "removing", "removed"):
        raise ApiError(422, "InvalidState", "the stack is being removed or in error", field="environment")
    check_name(tx, values["name"], stack.values["id"], None)
    check_scale(values.get("scale"))
    check_metadata(values.get("metadata"))
    primary = dict(values.get("launch_config") or {})
    primary.pop("name", None)
    secondary = list(values.get("secondary_launch_configs") or [])
    if not primary.get("imageUuid") and not values.get("selector_container"):
        raise ApiError(422, "InvalidOption", "a service needs an image", field="imageUuid")
    _check_names(values["name"], secondary)
    _check_references(values["name"], primary, secondary)
    for config in (primary, *secondary):
        if config.get("imageUuid"):
            check_config(tx, Container, config)
    return {**values, "launch_config": primary or None, "create_index": 0}


def check_name(tx: Tx, name: str, stack_id: int, own_id: int | None) -> None:
    """Refuse a name that begins or ends with a dash or is taken in the stack."""
    if name.startswith("-") or name.endswith("-"):
        raise ApiError(422, "InvalidCharacters", "a name may not begin or end with a dash", field="name")
    holder = tx.holder("service-name", f"{stack_id}/{name.lower()}")
    if holder is not None and holder[1] != own_id:
        raise ApiError(422, "NotUnique", f"the stack has a service {name} already", field="name")


def check_scale(scale: int | None) -> None:
    """Refuse a scale that cannot be meant."""
    if scale is not None and scale < 0:
        raise ApiError(422, "MinLimitExceeded", "scale is 0 or more", field="scale")
    if scale is not None and scale > MAX_SCALE:
        raise ApiError(422, "MaxLimitExceeded", f"scale is at most {MAX_SCALE}", field="scale")


def check_metadata(metadata: Any) -> None:
    """Refuse metadata that would not fit."""
    if metadata and len(msgspec.json.encode(metadata)) > MAX_METADATA:
        raise ApiError(422, "MaxLimitExceeded", f"metadata is at most {MAX_METADATA} characters", field="metadata")


def _check_names(name: str, secondary: list[dict[str, Any]]) -> None:
    seen = {name.lower()}
    for config in secondary:
        sidekick = str(config["name"])
        if sidekick.lower() in seen:
            raise ApiError(422, "NotUnique", f"{sidekick} is there twice", field="name")
        seen.add(sidekick.lower())


def _check_references(name: str, primary: dict[str, Any], secondary: list[dict[str, Any]]) -> None:
    configs = {"": primary} | {c["name"]: c for c in secondary}
    for target in (target for config in configs.values() for target in references(config)):
        if target != name and target not in configs:
            raise ApiError(422, "InvalidReference", f"no launch config {target}", field="LaunchConfigName")
    try:
        creation_order(needs_of(configs))
    except ValueError as error:
        raise ApiError(422, "InvalidReference", str(error), field="CircularReference") from error


def created(tx: Tx, row: Service) -> None:
    """Reserve the name in the stack."""
    _hold_name(tx, row)


def _hold_name(tx: Tx, row: Service) -> None:
    if not tx.hold("service-name", f"{row.environment_id}/{row.name.lower()}", row):
        raise ApiError(422, "NotUnique", f"the stack has a service {row.name} already", field="name")


def update(tx: Tx, row: Service, values: dict[str, Any], caller: Any) -> Service:
    """Store changed fields; name, scale and metadata are a process, others are just stored."""
    check_scale(values.get("scale"))
    check_metadata(values.get("metadata"))
    renamed = "name" in values and values["name"] != row.name
    if renamed:
        check_name(tx, values["name"], row.environment_id, row.id)
    changed = {n: v for n, v in values.items() if row.values.get(n) != v}
    if {"name", "scale", "metadata"} & changed.keys() and states.may(row, "update"):
        row = states.begin(tx, row, "update", **changed)
    else:
        row = tx.change(row, **changed)
        tx.mark(declared.Service, row.id)
    if renamed:
        tx.release(row, "service-name")
        _hold_name(tx, row)
    return row


def delete(tx: Tx, row: Service, caller: Any) -> Service:
    """Remove a service and its containers."""
    if row.state in ("removing", "removed"):
        return row
    return remove(tx, row, at_once=bool(caller.options.get("purge")))


def remove(tx: Tx, row: Service, *, at_once: bool) -> Service:
    """Begin the removal; at_once: Docker's containers go with it, without the time in which they can be restored."""
    return states.begin(tx, row, "remove", purge_at_once=at_once)


def settled(tx: Tx, row: Service) -> None:
    """Free the name of a removed service, and end its links in both directions."""
    if row.state != "removed":
        return
    tx.release(row)
    uses = tx.find(ServiceConsumeMap, service_id=row.id)
    for link in [*uses, *tx.find(ServiceConsumeMap, consumed_service_id=row.id)]:
        states.end(tx, link)
    tx.mark(registry["environment"], row.environment_id)


def _begin_link(tx: Tx, row: Service, link: dict[str, Any]) -> None:
    tx.insert(
        ServiceConsumeMap,
        account_id=row.account_id,
        service_id=row.id,
        consumed_service_id=link["service_id"],
        name=link.get("name"),
        state="active",
    )


def _as_link(value: dict[str, Any]) -> dict[str, Any]:
    return {"service_id": value[wire_name("service_id")], "name": value.get("name")}


def add_link(tx: Tx, row: Service, input: dict[str, Any], caller: Any) -> Service:
    """Let this service know another one by a name."""
    link = _as_link(input["service_link"])
    if tx.find(ServiceConsumeMap, service_id=row.id, consumed_service_id=link["service_id"]):
        raise ApiError(422, "NotUnique", "the services are linked already", field="serviceId")
    _begin_link(tx, row, link)
    return row


def remove_link(tx: Tx, row: Service, input: dict[str, Any], caller: Any) -> Service:
    """End the link to another service."""
    link = _as_link(input["service_link"])
    found = tx.find(ServiceConsumeMap, service_id=row.id, consumed_service_id=link["service_id"])
    if not found:
        raise ApiError(422, "InvalidReference", "the services are not linked", field="serviceId")
    for each in found:
        states.end(tx, each)
    return row


def set_links(tx: Tx, row: Service, input: dict[str, Any], caller: Any) -> Service:
    """Make the links exactly those given."""
    wanted = [_as_link(value) for value in input.get("service_links") or []]
    if len({link["service_id"] for link in wanted}) != len(wanted):
        raise ApiError(422, "InvalidOption", "a service is linked twice", field="serviceId")
    present = tx.find(ServiceConsumeMap, service_id=row.id)
    keep = {(m.consumed_service_id, (m.name or "").lower()) for m in present}
    names = {(link["service_id"], (link["name"] or "").lower()) for link in wanted}
    for each in present:
        if (each.consumed_service_id, (each.name or "").lower()) not in names:
            states.end(tx, each)
    for link in wanted:
        if (link["service_id"], (link["name"] or "").lower()) not in keep:
            _begin_link(tx, row, link)
    return row
