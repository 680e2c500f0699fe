"""What requests write on stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.errors import ApiError
from trailboss.resources.service import Service

if TYPE_CHECKING:
    from trailboss.resources.environment import Environment
    from trailboss.store.transaction import Tx


def prepare(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Check the name of a new stack. Raises ApiError 422."""
    check_name(tx, values["name"], values["account_id"], None)
    return values


def check_name(tx: Tx, name: str, account_id: int, own_id: int | None) -> None:
    """Refuse a name that begins or ends with a dash or is taken in the environment."""
    if name.startswith("-") or name.endswith("-"):
        raise ApiError(422, "InvalidCharacters", "a name may not begin or end with a dash", field="name")
    holder = tx.holder("stack-name", f"{account_id}/{name.lower()}")
    if holder is not None and holder[1] != own_id:
        raise ApiError(422, "NotUnique", f"there is a stack {name} already", field="name")


def created(tx: Tx, row: Environment) -> None:
    """Reserve the name in the environment."""
    _hold_name(tx, row)


def _hold_name(tx: Tx, row: Environment) -> None:
    if not tx.hold("stack-name", f"{row.account_id}/{row.name.lower()}", row):
        raise ApiError(422, "NotUnique", f"there is a stack {row.name} already", field="name")


def update(tx: Tx, row: Environment, values: dict[str, Any], caller: Any) -> Environment:
    """Store changed fields; a new name is a process."""
    if "name" in values and values["name"] != row.name and states.may(row, "update"):
        check_name(tx, values["name"], row.account_id, row.id)
        row = states.begin(tx, row, "update", **values)
        tx.release(row, "stack-name")
        _hold_name(tx, row)
        return row
    return tx.change(row, **values)


def delete(tx: Tx, row: Environment, caller: Any) -> Environment:
    """Remove a stack with all its services."""
    if row.state in ("removing", "removed"):
        return row
    return states.begin(tx, row, "remove", purge_at_once=bool(caller.options.get("purge")))


def activate_services(tx: Tx, row: Environment, input: dict[str, Any], caller: Any) -> Environment:
    """Start every service that rests."""
    for service in tx.find(Service, environment_id=row.id):
        if states.may(service, "activate"):
            states.begin(tx, service, "activate")
    return row


def deactivate_services(tx: Tx, row: Environment, input: dict[str, Any], caller: Any) -> Environment:
    """Stop every active service; its containers are kept."""
    for service in tx.find(Service, environment_id=row.id):
        if service.state == "active":
            states.begin(tx, service, "deactivate")
    return row


def add_outputs(tx: Tx, row: Environment, input: dict[str, Any], caller: Any) -> Environment:
    """Merge outputs into those of the stack."""
    return tx.change(row, outputs={**(row.outputs or {}), **input["outputs"]})


def settled(tx: Tx, row: Environment) -> None:
    """Free the name of a removed stack."""
    if row.state == "removed":
        tx.release(row)
