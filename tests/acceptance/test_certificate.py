"""The type `certificate`."""

from __future__ import annotations

import ssl
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.load_balancers import a_balancer, a_target
from tests.acceptance.marks import not_yet_true
from tests.acceptance.world import World
from tests.waiting import eventually

pytestmark = pytest.mark.docker

HOST = "shop.example.org"
DAYS = 30


def a_pair(folder: Path) -> tuple[str, str]:
    """Return a new certificate that signs itself, and its key."""
    options = ["-newkey", "rsa:2048", "-nodes", "-days", str(DAYS), "-subj", f"/O=Shop/CN={HOST}"]
    names = ["-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", *options, *names, *files], check=True, capture_output=True, timeout=60)
    return (folder / "cert.pem").read_text(), (folder / "key.pem").read_text()


@not_yet_true(7, "there are no load balancers that could present it")
def test_a_certificate_is_read_and_presented(it: World, name: str, tmp_path: Path) -> None:
    """after POST of a PEM pair, CN and expiry are filled and an https LB using it presents that certificate to a TLS \
client"""
    text, key = a_pair(tmp_path)
    certificate = it.create("certificate", name=name, cert=text, key=key)
    assert certificate.key is None
    assert (certificate.CN, certificate.subjectAlternativeNames) == (HOST, [HOST])
    expires = datetime.strptime(certificate.expiresAt, "%a %b %d %H:%M:%S UTC %Y")
    issued = datetime.strptime(certificate.issuedAt, "%a %b %d %H:%M:%S UTC %Y")
    assert expires - issued == timedelta(days=DAYS)

    balancer = a_balancer(it, name, [a_target(it, name)], "https", certificateIds=[certificate.id])

    def presented() -> str | None:
        try:
            return ssl.get_server_certificate((it.lab.address, balancer.port), timeout=5)
        except OSError:
            return None

    shown = eventually(presented, what="the load balancer presents a certificate")
    assert ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(text)
