"""Certificates: what load balancers prove themselves with to TLS clients. Who uses one: `load_balancer/`.

What is read from one, and what is refused: `x509.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import MANY, Behaviour, listing, machine, number, registry, text
from trailboss.errors import ApiError
from trailboss.resources import x509
from trailboss.resources.entity import Entity

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx


class Certificate(Entity):
    """A certificate in PEM with its private key; the rest is read from it."""

    type = "certificate"
    roles = MANY
    # `error`: where earlier versions, which did not serve certificates, have left them
    machine = machine(
        "certificate",
        """
        create: requested                         -> activating -> active
        remove: requested active activating error -> removing   -> removed
        """,
    )

    name = text(create=True, update=True, required=True, unique=True, column=True)
    cert = text(create=True, update=True, required=True, nullable=False, column=True, max_length=65535)
    """The certificate, in PEM."""
    cert_chain = text(create=True, update=True, column=True, max_length=65535)
    """The certificates of its issuers in PEM, each followed by that of its own issuer."""
    key = text(
        create=True,
        required=True,
        nullable=False,
        column=True,
        max_length=65535,
        secret=True,
        read_on_create_only=True,
    )
    """The private key, in PEM and without a password. It is never shown again."""

    algorithm = text(nullable=False)
    cert_fingerprint = text(nullable=False)
    cn = text(wire="CN", nullable=False)
    expires_at = text(nullable=False)
    """From then on clients refuse it."""
    issued_at = text(nullable=False)
    issuer = text(nullable=False)
    key_size = number(nullable=False)
    serial_number = text(nullable=False)
    subject_alternative_names = listing("string", nullable=False)
    version = text(nullable=False)


def prepare(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Read the fields from the certificate. Raises ApiError 422 for one that no server could use."""
    return {**values, **x509.read(values["cert"], values["key"], values.get("cert_chain"), tx.now)}


def update(tx: Tx, row: Certificate, values: dict[str, Any], caller: Any) -> Certificate:
    """Store changed fields; what is read from the certificate changes with it. Raises ApiError 422."""
    if values.keys() & {"cert", "cert_chain"}:
        now = {**row.values, **values}
        values = {**values, **x509.read(now["cert"], now["key"], now["cert_chain"], tx.now)}
    return tx.change(row, **values)


def delete(tx: Tx, row: Certificate, caller: Any) -> Certificate:
    """Remove a certificate that no load balancer uses. Raises ApiError 405."""
    users = [
        service.values["name"] or f"service {service.values['id']}"
        for service in tx.find(registry["loadBalancerService"], account_id=row.account_id)
        if row.id in (service.values["default_certificate_id"], *(service.values["certificate_ids"] or ()))
    ]
    if users:
        raise ApiError(405, "InvalidAction", f"used by the load balancers {', '.join(users)}")
    if not states.may(row, "remove"):
        raise ApiError(405, message=f"a certificate that is {row.state} cannot be removed")
    return states.begin(tx, row, "remove")


Certificate.behaviour = Behaviour(prepare=prepare, update=update, delete=delete)
