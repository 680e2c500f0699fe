"""TLS of the server itself: by files that it is given, or by a certificate that it makes and signs itself.

The self-signed one is made once, in the data folder. Nobody vouches for it, so who joins is told what it looks like
(`Tls.pin`, `Tls.fingerprint`): the command that joins a host carries that.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from trailboss.errors import Permanent
from trailboss.server.data_folder import DataFolder
from trailboss.server.options import Options

CERT, KEY = "tls.crt", "tls.key"
VALID_DAYS = 3650


@dataclass(frozen=True)
class Tls:
    """Files of a certificate and its key. pin: of the public key, as curl takes it; fingerprint: SHA-256 of the
    certificate in hex; both empty if authorities vouch for it."""

    cert: Path
    key: Path
    pin: str = ""
    fingerprint: str = ""


def tls_of(options: Options, folder: DataFolder) -> Tls | None:
    """Return what the server proves itself with; None if it speaks plain HTTP. Raises Permanent for files that do not
    fit together."""
    if options.tls_cert is not None and options.tls_key is not None:
        _check(options.tls_cert, options.tls_key)
        return Tls(options.tls_cert, options.tls_key)
    if options.tls != "self-signed":
        return None
    cert, key = folder.path / CERT, folder.path / KEY
    if not (cert.exists() and key.exists()):
        _make(options, folder)
    _check(cert, key)
    certificate = x509.load_pem_x509_certificate(cert.read_bytes())
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = "sha256//" + base64.b64encode(hashlib.sha256(public).digest()).decode()
    return Tls(cert, key, pin, certificate.fingerprint(hashes.SHA256()).hex())


def _check(cert: Path, key: Path) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise Permanent(f"--tls-cert {cert} and --tls-key {key}: {error}") from error


def _make(options: Options, folder: DataFolder) -> None:
    """Write a new key and its certificate."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Trailboss on {socket.gethostname()}"[:64])])
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.DNSName(socket.gethostname())]
    names += [x509.IPAddress(ipaddress.ip_address(a)) for a in {"127.0.0.1", "::1", options.address[0]} if _is_ip(a)]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    # the key first: a certificate without its key would have to be thrown away after a crash
    folder.write(KEY, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    folder.write(CERT, certificate.public_bytes(Encoding.PEM).decode())


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
