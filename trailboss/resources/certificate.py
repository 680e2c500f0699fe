"""Certificates: what load balancers prove themselves with to TLS clients. Who uses one: `load_balancer/`."""

from __future__ import annotations

from trailboss.declare import MANY, listing, machine, number, text
from trailboss.resources.entity import Entity


class Certificate(Entity):
    """A certificate in PEM with its private key; the rest is read from it."""

    type = "certificate"
    roles = MANY
    served = False
    machine = machine(
        "certificate",
        """
        create: requested                   -> activating -> active
        remove: requested active activating -> removing   -> removed
        """,
    )

    name = text(create=True, update=True, required=True, unique=True, column=True)
    cert = text(create=True, update=True, required=True, nullable=False, column=True, max_length=65535)
    cert_chain = text(create=True, update=True, column=True, max_length=65535)
    key = text(
        create=True,
        required=True,
        nullable=False,
        column=True,
        max_length=65535,
        secret=True,
        read_on_create_only=True,
    )

    algorithm = text(nullable=False)
    cert_fingerprint = text(nullable=False)
    cn = text(wire="CN", nullable=False)
    expires_at = text(nullable=False)
    issued_at = text(nullable=False)
    issuer = text(nullable=False)
    key_size = number(nullable=False)
    serial_number = text(nullable=False)
    subject_alternative_names = listing("string", nullable=False)
    version = text(nullable=False)
