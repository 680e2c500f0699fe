"""Registries: where images are pulled from, and what to log in with.

A container's host is given a login together with its record, and only while the container has not run yet
(`instance/specification.py`); the agent keeps it in memory until the image is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trailboss import states
from trailboss.declare import ABSENT, MANY, Behaviour, ref, text
from trailboss.resources.credential import Credential
from trailboss.resources.image import DEFAULT_SERVER
from trailboss.resources.storage_pool import StoragePool
from trailboss.wire.messages import RegistryAuth

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

_DOCKER_HUB = ("docker.io", DEFAULT_SERVER, "registry-1.docker.io")
_DOCKER_HUB_URL = "https://index.docker.io/v1/"
"""How Docker calls its own registry in credentials."""


class Registry(StoragePool):
    """A server that images are pulled from."""

    type = "registry"
    roles = MANY
    narrow = {}
    served = True

    name = text(create=True, update=True, column=True)
    driver_name = text(column=True)
    external_id = text(column=True, max_length=128)
    server_address = text(create=True, required=True, nullable=False, min_length=1)
    """Host and port as in the names of images."""


class RegistryCredential(Credential):
    """A login at a registry."""

    type = "registryCredential"
    roles = MANY

    email = text(create=True, update=True, required=True, nullable=False, min_length=1)
    """As the registry knows it."""
    public_value = text(create=True, update=True, column=True, indexed=True, max_length=4096)
    registry_id = ref("registry", create=True, required=True, nullable=False, column=True)
    secret_value = text(create=True, update=True, column=True, max_length=4096, secret=True)
    """The password. It is never shown."""


def shown(row: RegistryCredential, face: Any) -> dict[str, Any]:
    """Leave the password out of every answer."""
    return {"secretValue": ABSENT}


def settled(tx: Tx, row: Registry) -> None:
    """Let the logins of a purged registry go with it."""
    if row.state == "purged":
        for login in tx.find(RegistryCredential, registry_id=row.id):
            states.end(tx, login)


def _host_of(address: str) -> str:
    """Return host and port of an address, which people also write as a URL (`https://registry.example.com/v2/`)."""
    return address.strip().lower().rpartition("://")[2].partition("/")[0]


def login_for(read: Read, account_id: int, server: str, chosen: int | None = None) -> RegistryAuth | None:
    """Return the login with which an environment pulls from a server; None if there is none.

    It is that of the first active registry with this address: its active credential with the lowest id, or the chosen
    one. A credential goes to no other server than that of its own registry.
    """
    which: dict[str, Any] = {} if chosen is None else {"id": chosen}
    wanted = server.lower()
    for registry in read.find(Registry, account_id=account_id, state="active"):
        address = _host_of(registry.server_address)
        if address != wanted and not {address, wanted} <= {*_DOCKER_HUB}:
            continue
        for login in read.find(RegistryCredential, registry_id=registry.id, state="active", limit=1, **which):
            url = _DOCKER_HUB_URL if wanted in _DOCKER_HUB else server
            return RegistryAuth(login.public_value or "", login.secret_value or "", url)
    return None


Registry.behaviour = Behaviour(settled=settled)
RegistryCredential.behaviour = Behaviour(computed=shown)
