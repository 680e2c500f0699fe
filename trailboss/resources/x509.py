"""What is read from certificates in PEM, and why one is refused: key, chain and dates must fit together.

Texts in, values of `certificate` fields out (03-administration section 3); no state, no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from trailboss.errors import ApiError

T = TypeVar("T")

PRIVATE = "PRIVATE KEY-----"
"""In PEM, what begins and ends a private key of any kind."""
_DATE = "%a %b %d %H:%M:%S UTC %Y"


def read(cert: str, key: str, chain: str | None, now_ms: int) -> dict[str, Any]:
    """Return the fields that follow from a certificate, by their Python names.

    Raises ApiError 422: InvalidFormat (not PEM), KeyMismatch, ChainMismatch, CertificateExpired.
    """
    found = _parsed("cert", cert, x509.load_pem_x509_certificate)
    private = _parsed("key", key, lambda pem: load_pem_private_key(pem, password=None))
    if _public(private.public_key()) != _public(found.public_key()):
        raise ApiError(422, "KeyMismatch", "the key is not that of the certificate", field="key")
    issuers = _parsed("certChain", chain, x509.load_pem_x509_certificates) if chain and chain.strip() else []
    _check_chain([found, *issuers])
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    for field, certificate in [("cert", found), *(("certChain", issuer) for issuer in issuers)]:
        if certificate.not_valid_after_utc <= now:
            expired = f"{certificate.subject.rfc4514_string()} has expired at {certificate.not_valid_after_utc}"
            raise ApiError(422, "CertificateExpired", expired, field=field)
    return _fields(found)


def _parsed(field: str, text: str, load: Callable[[bytes], T]) -> T:
    if field != "key" and PRIVATE in text:
        # certificates are shown to everybody in the environment
        raise ApiError(422, "InvalidFormat", f"{field} holds a private key, which belongs into key", field=field)
    try:
        return load(text.encode())
    except TypeError as error:
        # what the library raises for a key that needs a password
        raise ApiError(422, "InvalidFormat", f"{field} must not be encrypted", field=field) from error
    except Exception as error:
        # of a text that is no PEM the library raises what its parsers do: ValueError, UnsupportedAlgorithm, ...
        raise ApiError(422, "InvalidFormat", f"{field} is not valid PEM", field=field) from error


def _public(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _check_chain(certificates: list[x509.Certificate]) -> None:
    """Each certificate must be issued by the next one; the last may be issued by one that clients know."""
    for issued, issuer in pairwise(certificates):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            names = f"{issued.subject.rfc4514_string()!r} was not issued by {issuer.subject.rfc4514_string()!r}"
            message = f"{names}: the chain begins with the issuer of the certificate, each followed by its own"
            raise ApiError(422, "ChainMismatch", message, field="certChain") from error


def _fields(certificate: x509.Certificate) -> dict[str, Any]:
    common_names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    public = certificate.public_key()
    return {
        "cn": common_names[0].value if common_names else None,
        "issuer": certificate.issuer.rfc4514_string(),
        "issued_at": certificate.not_valid_before_utc.strftime(_DATE),
        "expires_at": certificate.not_valid_after_utc.strftime(_DATE),
        "version": str(certificate.version.value + 1),
        "serial_number": str(certificate.serial_number),
        "algorithm": _algorithm(certificate),
        "key_size": public.key_size if isinstance(public, rsa.RSAPublicKey) else None,
        "cert_fingerprint": certificate.fingerprint(hashes.SHA1()).hex(":"),
        "subject_alternative_names": _alternative_names(certificate),
    }


def _algorithm(certificate: x509.Certificate) -> str:
    """Return the name of the signature's algorithm as Java calls it, as the API did: `SHA256WITHRSA`."""
    hash_ = certificate.signature_hash_algorithm
    parameters = certificate.signature_algorithm_parameters
    if hash_ is None:  # the algorithm brings its own, as Ed25519 does
        return str(certificate.signature_algorithm_oid._name).upper()
    kind = "ECDSA" if isinstance(parameters, ec.ECDSA) else "DSA" if parameters is None else "RSA"
    return f"{hash_.name.upper()}WITH{kind}"


def _alternative_names(certificate: x509.Certificate) -> list[str] | None:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    return [_name_text(name) for name in names]


def _name_text(name: x509.GeneralName) -> str:
    value = name.value
    return value.rfc4514_string() if isinstance(value, x509.Name) else str(value)
