"""Which login an environment pulls with (03-administration section 3)."""

from __future__ import annotations

import pytest

from tests.serving import Installation
from trailboss.resources.registry import Registry, RegistryCredential, login_for
from trailboss.store.transaction import Tx


@pytest.mark.parametrize(
    ("address", "server", "is_found"),
    [
        ("registry.example.com:5000", "registry.example.com:5000", True),
        ("Registry.example.com:5000", "registry.EXAMPLE.com:5000", True),
        ("https://registry.example.com:5000/", "registry.example.com:5000", True),
        (" http://registry.example.com/v2/ ", "registry.example.com", True),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("registry.example.com", "registry.example.com:5000", False),
        ("https://registry.example.com.evil.test/", "registry.example.com", False),
        ("evil.test/registry.example.com", "registry.example.com", False),
    ],
)
def test_a_registry_is_found_by_its_host_however_its_address_was_written(
    installation: Installation, address: str, server: str, is_found: bool
) -> None:
    def make(tx: Tx) -> None:
        registry = tx.insert(Registry, account_id=5, server_address=address, state="active")
        login = {"public_value": "ann", "secret_value": "secret", "email": "ann@example.com"}
        tx.insert(RegistryCredential, account_id=5, registry_id=registry.id, state="active", **login)

    installation.store.write(make)
    found = installation.store.read(lambda read: login_for(read, 5, server))
    assert (found is not None) == is_found
