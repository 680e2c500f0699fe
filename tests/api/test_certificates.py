"""Certificates: what is read from them, what is refused, and where their keys are not (03-administration section 3)."""

from __future__ import annotations

import subprocess
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.certificates import Issued, a_key, issue
from tests.serving import Api, Installation, Settle
from trailboss.declare import registry
from trailboss.resources.certificate import Certificate


def body(issued: Issued, **more: Any) -> dict[str, Any]:
    return {"name": "shop", "cert": issued.cert, "key": issued.key, **more}


def by_openssl(issued: Issued, *what: str) -> str:
    command = ["openssl", "x509", "-noout", *what]
    done = subprocess.run(command, input=issued.cert, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip().partition("=")[2]


def test_its_fields_are_read_from_the_certificate(api: Api, settle: Settle) -> None:
    authority = issue("Acme CA", private=a_key("ec"))
    issued = issue("shop.example.com", authority, names=("shop.example.com", "*.shop.example.com", "10.0.0.1"))
    made = api.create("certificates", **body(issued, certChain=authority.cert))
    assert made["key"] == issued.key, "shown in this answer only"
    settle()
    shown = api.get(f"certificates/{made['id']}")
    assert (shown["state"], shown["transitioning"], shown["key"]) == ("active", "no", None)
    assert shown["CN"] == "shop.example.com"
    assert shown["issuer"] == by_openssl(issued, "-issuer", "-nameopt", "RFC2253")
    assert shown["certFingerprint"] == by_openssl(issued, "-fingerprint", "-sha1").lower()
    assert shown["serialNumber"] == str(int(by_openssl(issued, "-serial"), 16)) == "4711"
    assert (shown["version"], shown["algorithm"], shown["keySize"]) == ("3", "SHA256WITHECDSA", 2048)
    assert shown["subjectAlternativeNames"] == ["shop.example.com", "*.shop.example.com", "10.0.0.1"]
    for field, option in (("issuedAt", "-startdate"), ("expiresAt", "-enddate")):
        said = datetime.strptime(by_openssl(issued, option), "%b %d %H:%M:%S %Y GMT")
        assert shown[field] == said.strftime("%a %b %d %H:%M:%S UTC %Y")


@pytest.mark.parametrize(
    ("private", "algorithm", "size"),
    [("rsa", "SHA256WITHRSA", 2048), ("ec", "SHA256WITHECDSA", None), ("ed25519", "ED25519", None)],
)
def test_keys_of_every_kind_are_taken(api: Api, private: str, algorithm: str, size: int | None) -> None:
    made = api.create("certificates", **body(issue(None, private=a_key(private))))
    assert (made["algorithm"], made["keySize"]) == (algorithm, size)
    assert (made["CN"], made["subjectAlternativeNames"]) == (None, None)


@pytest.mark.parametrize("field", ["cert", "certChain"])
@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_a_private_key_among_certificates_is_refused_and_kept_nowhere(
    api: Api, admin: Api, installation: Installation, field: str, kind: str
) -> None:
    authority = issue("Acme CA", private=a_key("ec"))
    issued = issue("shop.example.com", authority, private=a_key(kind))
    right = body(issued, certChain=authority.cert)
    made = api.create("certificates", **{**right, "name": "right"})
    combined = {field: f"{right[field]}{issued.key}"}
    for method, path, sent in (
        ("POST", "certificates", {**right, **combined}),
        ("PUT", f"certificates/{made['id']}", combined),
    ):
        assert api.refused(method, path, json=sent) == (422, "InvalidFormat", field)
    noted = admin.ask("GET", "auditlogs").text
    assert noted.count('"***"') >= 4 and "PRIVATE KEY" not in noted
    kept = installation.store.read(lambda read: read.find(Certificate))
    assert [(row.cert, row.cert_chain) for row in kept] == [(issued.cert, authority.cert)]


ENCRYPTED = a_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")).decode()


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"cert": "no PEM"}, "InvalidFormat", "cert"),
        ({"cert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "InvalidFormat", "cert"),
        ({"cert": "\u00e4\u6f22"}, "InvalidFormat", "cert"),
        ({"key": "no PEM"}, "InvalidFormat", "key"),
        ({"key": ENCRYPTED}, "InvalidFormat", "key"),
        ({"key": issue(private=a_key("rsa", 1)).key}, "KeyMismatch", "key"),
        ({"key": issue(private=a_key("ec")).key}, "KeyMismatch", "key"),
        ({"certChain": "no PEM"}, "InvalidFormat", "certChain"),
        ({"certChain": issue("another", private=a_key("rsa", 1)).cert}, "ChainMismatch", "certChain"),
        ({"cert": issue(days=(-9, -1)).cert}, "CertificateExpired", "cert"),
    ],
)
def test_what_does_not_fit_together_is_refused(api: Api, wrong: dict[str, str], code: str, field: str) -> None:
    assert api.refused("POST", "certificates", json=body(issue()) | wrong) == (422, code, field)
    assert api.get("certificates")["data"] == []


def test_the_links_of_a_chain_are_checked_in_their_order(api: Api) -> None:
    root = issue("root", private=a_key("ec"))
    middle = issue("middle", root, private=a_key("ec", 1))
    leaf = issue("leaf", middle)
    assert api.refused("POST", "certificates", json=body(leaf, certChain=root.cert + middle.cert))[1] == "ChainMismatch"
    old = issue("middle", root, private=a_key("ec", 1), days=(-9, -1))
    assert api.refused("POST", "certificates", json=body(leaf, certChain=old.cert))[1:] == (
        "CertificateExpired",
        "certChain",
    )
    api.create("certificates", **body(leaf, certChain=middle.cert + root.cert))
    api.create("certificates", **body(leaf, certChain=middle.cert) | {"name": "without the root"})


def test_a_renewed_certificate_must_fit_the_key_that_is_there(api: Api, settle: Settle) -> None:
    made = api.create("certificates", **body(issue()))
    settle()
    path = f"certificates/{made['id']}"
    other = issue("other.example.com", private=a_key("rsa", 1))
    assert api.refused("PUT", path, json={"cert": other.cert}) == (422, "KeyMismatch", "key")
    renewed = issue("new.example.com", days=(-1, 90))
    changed = api.ask("PUT", path, json={"cert": renewed.cert}).json()
    assert (changed["CN"], changed["key"]) == ("new.example.com", None)
    assert changed["expiresAt"] != made["expiresAt"]
    assert api.ask("PUT", path, json={"description": "still there"}).json()["description"] == "still there"


def test_the_key_is_only_where_it_is_sealed(api: Api, installation: Installation) -> None:
    made = api.create("certificates", **body(issue()))
    row = installation.store.read(lambda read: read.find(Certificate))[0]
    assert row.key == issue().key
    assert "PRIVATE KEY" not in api.ask("GET", f"certificates/{made['id']}").text
    assert "PRIVATE KEY" not in api.ask("GET", f"certificates/{made['id']}?_role=superadmin").text


def test_a_certificate_that_is_used_stays(api: Api, installation: Installation, settle: Settle) -> None:
    made = api.create("certificates", **body(issue()))
    settle()
    number = int(made["id"][2:])
    balancer = installation.store.write(
        lambda tx: tx.insert(
            registry["loadBalancerService"],
            account_id=5,
            name="front",
            state="active",
            default_certificate_id=number,
        )
    )
    refused = api.ask("DELETE", f"certificates/{made['id']}")
    assert (refused.status_code, refused.json()["code"]) == (405, "InvalidAction")
    assert "front" in refused.json()["message"]
    installation.store.write(lambda tx: tx.change(balancer, default_certificate_id=None))
    assert api.ask("DELETE", f"certificates/{made['id']}").json()["state"] == "removing"
    settle()
    assert api.get(f"certificates/{made['id']}")["state"] == "removed"


def test_what_an_earlier_version_has_left_in_error_can_be_removed(
    api: Api, installation: Installation, settle: Settle
) -> None:
    made = installation.store.write(
        lambda tx: tx.insert(Certificate, account_id=5, name="old", cert="x", key="y", state="error")
    )
    assert api.ask("DELETE", f"certificates/1c{made.id}").status_code == 200
    settle()
    assert api.get(f"certificates/1c{made.id}")["state"] == "removed"
