"""What is declared secret is stored sealed, whatever the type, and opens only with a key of the vault."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import select, update

import trailboss.resources  # noqa: F401  (declares the types)
from tests.databases import OpenStore
from trailboss.declare import ResourceType, registry
from trailboss.errors import Permanent
from trailboss.resources.credential import ApiKey, RegistrationToken
from trailboss.resources.register import Register
from trailboss.resources.registry import RegistryCredential
from trailboss.resources.setting import SECRET, Setting
from trailboss.store.reseal import check, reseal
from trailboss.store.store import Store
from trailboss.store.tables import table_of
from trailboss.store.transaction import Tx
from trailboss.store.vault import Vault

CLEAR = "clear-text-4711"
OLD, NEW, OTHER = (bytes([n]) * 32 for n in (1, 2, 3))

SECRETS = [
    (type_.type, field.name)
    for type_ in registry.values()
    if type_.stored
    for field in type_.fields.values()
    if field.has_secrets and not field.hashed
]


def raw(store: Store, type_: ResourceType) -> str:
    return str(store.read(lambda read: read.run(select(table_of(type_)))))


@pytest.mark.parametrize(("type_name", "field_name"), SECRETS)
def test_every_field_that_is_declared_secret_is_stored_sealed(store: Store, type_name: str, field_name: str) -> None:
    type_ = registry[type_name]
    field = type_.fields[field_name]
    value: Any = CLEAR if field.secret else {"anything": CLEAR}
    made = store.write(lambda tx: tx.insert(type_, **{field_name: value}))
    assert made.values[field_name] == value
    assert CLEAR not in raw(store, type_)
    again: Any = CLEAR + "-2" if field.secret else {"anything": CLEAR + "-2"}
    changed = store.write(lambda tx: tx.change(made, **{field_name: again}))
    assert changed.values[field_name] == again
    assert CLEAR not in raw(store, type_)
    assert store.read(lambda read: read.require(type_, made.values["id"])).values[field_name] == again
    assert CLEAR not in str(store.read(lambda read: read.require(type_, made.values["id"])).values["data"])


def test_there_are_secrets_of_every_kind() -> None:
    assert {"registryCredential", "certificate", "registrationToken", "register", "machine"} <= {t for t, _ in SECRETS}


def test_the_hash_of_a_key_is_stored_as_it_is(store: Store) -> None:
    store.write(lambda tx: tx.insert(ApiKey, public_value="P", secret_value="SHA256:a:b"))
    assert "SHA256:a:b" in raw(store, ApiKey)


def test_only_the_settings_that_are_named_are_sealed(store: Store) -> None:
    for name in ("api.host", SECRET[0]):
        store.write(lambda tx, n=name: tx.insert(Setting, name=n, value=f"value of {n}"))  # type: ignore[misc]
    stored = raw(store, Setting)
    assert "value of api.host" in stored
    assert f"value of {SECRET[0]}" not in stored
    read = store.read(lambda read: {row.name: row.value for row in read.find(Setting)})
    assert read == {n: f"value of {n}" for n in ("api.host", SECRET[0])}


def test_the_same_secret_is_never_sealed_twice_alike(store: Store) -> None:
    for _ in range(2):
        store.write(lambda tx: tx.insert(RegistryCredential, secret_value=CLEAR))
    one, two = store.read(lambda read: read.columns(RegistryCredential, "secret_value"))
    assert one != two


def test_what_is_sealed_in_one_place_does_not_open_in_another() -> None:
    vault = Vault([NEW])
    sealed = vault.seal(CLEAR, "credential.secretValue")
    assert vault.open(sealed, "credential.secretValue") == CLEAR
    with pytest.raises(Permanent, match="was changed by others"):
        vault.open(sealed, "certificate.key")
    with pytest.raises(Permanent, match="was changed by others"):
        vault.open(sealed[:-4] + "AAA=", "credential.secretValue")
    with pytest.raises(Permanent, match="a key that this server does not have"):
        Vault([OTHER]).open(sealed, "credential.secretValue")


def test_a_digest_is_known_again_by_its_keys_only_and_cannot_be_tried_without() -> None:
    kept = Vault([OLD]).digest(CLEAR.encode())
    assert hashlib.sha256(CLEAR.encode()).hexdigest() not in kept
    assert Vault([OLD]).digest(CLEAR.encode()) == kept
    assert Vault([NEW, OLD]).is_digest(kept, CLEAR.encode()), "while keys are changed"
    assert not Vault([NEW, OLD]).is_digest(kept, CLEAR.encode() + b"x")
    assert not Vault([NEW]).is_digest(kept, CLEAR.encode())
    assert Vault([NEW]).digest(CLEAR.encode()).partition(":")[2] != kept.partition(":")[2]


def fill(tx: Tx) -> None:
    tx.insert(RegistrationToken, public_value="P", secret_value=CLEAR)
    tx.insert(Register, key="k", access_key="A", secret_key=CLEAR)


def test_a_new_key_takes_over_and_the_old_one_can_go(open_store: OpenStore) -> None:
    before = open_store(vault=Vault([OLD]))
    assert before.write(check) is True
    before.write(fill)
    between = open_store(vault=Vault([NEW, OLD]))
    assert between.write(check) is False
    assert between.write(reseal) == 2
    assert between.write(reseal) == 0
    after = open_store(vault=Vault([NEW]))
    assert after.write(check) is False
    assert after.read(lambda read: read.find(RegistrationToken))[0].secret_value == CLEAR
    assert after.read(lambda read: read.find(Register))[0].secret_key == CLEAR
    with pytest.raises(Permanent, match="give it the file"):
        before.write(check)


def test_what_was_stored_before_there_were_keys_is_sealed(open_store: OpenStore) -> None:
    store = open_store(vault=Vault([NEW]))
    store.write(fill)
    clear = update(table_of(RegistrationToken)).values(secret_value=CLEAR)
    store.write(lambda tx: tx.run(clear))
    assert CLEAR in raw(store, RegistrationToken)
    generation = store.read(lambda read: read.find(RegistrationToken))[0].values["generation"]
    assert store.write(reseal) == 1
    assert CLEAR not in raw(store, RegistrationToken)
    row = store.read(lambda read: read.find(RegistrationToken))[0]
    assert (row.secret_value, row.values["generation"]) == (CLEAR, generation)
