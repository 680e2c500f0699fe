"""What a new installation begins with: the accounts of 02-access section 1 in their order, and the first keys."""

from __future__ import annotations

import uuid as uuids
from typing import TYPE_CHECKING

from trailboss.resources.account import Account, Project
from trailboss.resources.credential import ApiKey, hash_secret, make_public_value, make_secret
from trailboss.resources.project_member import ProjectMember

if TYPE_CHECKING:
    from trailboss.store.transaction import Tx


def seed(tx: Tx) -> dict[str, str] | None:
    """Make what is there from the beginning; return the first credentials once, when they are made.

    Keys of the result: `project_access`, `project_secret` (the environment Default), `admin_access`, `admin_secret`.
    """
    if tx.fact("installation.id") is not None:
        return None
    tx.set_fact("installation.id", str(uuids.uuid4()))
    tx.set_fact("installation.incarnation", "1")
    for kind, state in (("admin", "active"), ("system", "inactive"), ("superadmin", "inactive"), ("token", "active")):
        tx.insert(Account, kind=kind, uuid=kind, name=kind, state=state)
    admin = tx.find(Account, uuid="admin")[0]
    project = tx.insert(Project, kind="project", uuid="adminProject", name="Default", state="active")
    tx.insert(
        ProjectMember,
        account_id=project.id,
        project_id=project.id,
        uuid="adminMember",
        external_id=str(admin.id),
        role="owner",
        state="active",
    )
    project_access, project_secret = add_key(tx, project.id, "first key of the environment")
    admin_access, admin_secret = add_key(tx, admin.id, "first key of the administrator")
    return {
        "project_access": project_access,
        "project_secret": project_secret,
        "admin_access": admin_access,
        "admin_secret": admin_secret,
    }


def add_key(
    tx: Tx, account_id: int, name: str, access: str | None = None, secret: str | None = None
) -> tuple[str, str]:
    """Make an API key of an account, with the given or new values; return both in clear."""
    access, secret = access or make_public_value(), secret or make_secret()
    key = tx.insert(
        ApiKey,
        account_id=account_id,
        kind="apiKey",
        name=name,
        public_value=access,
        secret_value=hash_secret(secret),
        state="active",
    )
    tx.hold("apiKey", access.lower(), key)
    return access, secret


def seed_superadmin(tx: Tx, access: str, secret: str) -> bool:
    """Activate the superadmin with a key of these values if it has none yet; say whether that was done."""
    account = tx.find(Account, uuid="superadmin")[0]
    if tx.find(ApiKey, account_id=account.id):
        return False
    tx.change(account, state="active")
    add_key(tx, account.id, "key of the operator", access, secret)
    return True
