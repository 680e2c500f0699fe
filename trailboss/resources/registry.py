"""Registries: where images are pulled from, and what to log in with."""

from __future__ import annotations

from typing import Any

from trailboss.declare import ABSENT, MANY, Behaviour, ref, text
from trailboss.resources.credential import Credential
from trailboss.resources.storage_pool import StoragePool


class Registry(StoragePool):
    """A server that images are pulled from."""

    type = "registry"
    roles = MANY
    narrow = {}
    served = False

    name = text(create=True, update=True, column=True)
    driver_name = text(column=True)
    external_id = text(column=True, max_length=128)
    server_address = text(create=True, required=True, nullable=False, min_length=1)


class RegistryCredential(Credential):
    """A login at a registry."""

    type = "registryCredential"
    roles = MANY
    served = False

    email = text(create=True, update=True, required=True, nullable=False, min_length=1)
    public_value = text(create=True, update=True, column=True, indexed=True, max_length=4096)
    registry_id = ref("registry", create=True, required=True, nullable=False, column=True)
    secret_value = text(create=True, update=True, column=True, max_length=4096, secret=True)


def shown(row: RegistryCredential, face: Any) -> dict[str, Any]:
    """Leave the password out of every answer."""
    return {"secretValue": ABSENT}


RegistryCredential.behaviour = Behaviour(computed=shown)
