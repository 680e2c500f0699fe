"""Certificates for tests: an authority, what it issues, and what is wrong with them on demand."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    private: Any

    @property
    def cert(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key(self) -> str:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()  # type: ignore[no-any-return]


@cache
def a_key(kind: str = "rsa", number: int = 0) -> Any:
    """Return the same key for the same arguments: making one takes long."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())


def issue(
    name: str | None = "shop.example.com",
    issuer: Issued | None = None,
    *,
    private: Any = None,
    names: tuple[str, ...] = (),
    days: tuple[float, float] = (-1, 30),
    authority: bool = False,
) -> Issued:
    """Issue a certificate. days: from and until when it is good, counted from now; issuer: None signs it itself;
    authority: it says that it may issue others."""
    private = private or a_key()
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme, Inc")]
        + ([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    )
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(4711 if name else 4712)
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    if names:
        alternatives = [
            x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names
        ]  # fmt: skip
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    signer = issuer.private if issuer else private
    hash_ = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Issued(builder.sign(signer, hash_), private)
