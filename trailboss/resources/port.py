"""Ports: one row for each port of a container, published or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trailboss import states
from trailboss.declare import MANY, Behaviour, generic, number, ref, text
from trailboss.errors import ApiError
from trailboss.resources.entity import Entity

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx


class Port(Entity):
    """A port of a container; `publicPort` is where it is reached on the host."""

    type = "port"
    roles = MANY | {"project": "ru", "service": "ru"}
    machine = generic("port", activate=False)

    instance_id = ref("instance", column=True)
    private_ip_address_id = ref("ipAddress", column=True)
    private_port = number(column=True)
    protocol = text(column=True, max_length=128)
    public_ip_address_id = ref("ipAddress", column=True)
    public_port = number(column=True, update=True)
    bind_address = text(read=())
    wanted_public_port = number(read=())


@dataclass(frozen=True)
class PortText:
    """One entry of `ports`. public None: not published by number, Docker picks a free one."""

    private: int
    public: int | None
    protocol: Literal["tcp", "udp"]


def parse_port(entry: Any) -> PortText:
    """Read `[public:]private[/protocol]`. Raises ApiError with the code of what is wrong."""
    text_ = str(entry)
    numbers, slash, protocol = text_.partition("/")
    parts = numbers.split(":")
    if len(parts) > 2 or not all(p.isdigit() and p.isascii() for p in parts):
        raise ApiError(422, "PortWrongFormat", f"{text_!r} is not [public:]private[/protocol]", field="ports")
    private = int(parts[-1])
    public = int(parts[0]) if len(parts) == 2 else None
    if not 1 <= private <= 65535:
        raise ApiError(422, "PortInvalidPrivatePort", f"{text_!r}: a port is 1 to 65535", field="ports")
    if public is not None and not 1 <= public <= 65535:
        raise ApiError(422, "PortInvalidPublicPort", f"{text_!r}: a port is 1 to 65535", field="ports")
    if slash and protocol not in ("tcp", "udp"):
        raise ApiError(422, "PortInvalidProtocol", f"{text_!r}: the protocol is tcp or udp", field="ports")
    return PortText(private, public, "udp" if protocol == "udp" else "tcp")


def port_scope(public: int, protocol: str) -> str:
    """Return the scope in which hosts' public ports of one number are held: who holds it anywhere is one look-up."""
    return f"port/{public}/{protocol}"


def update(tx: Tx, row: Port, values: dict[str, Any], caller: Any) -> Port:
    """Store a changed public port; it takes effect when the container starts next."""
    if (public := values.get("public_port")) is not None and not 1 <= public <= 65535:
        raise ApiError(422, "PortInvalidPublicPort", f"{public}: a port is 1 to 65535", field="publicPort")
    if "public_port" in values:
        values = {**values, "wanted_public_port": values["public_port"]}
        if states.may(row, "update"):
            return states.begin(tx, row, "update", **values)
    return tx.change(row, **values)


Port.behaviour = Behaviour(update=update)
