"""Seals what is secret before it is stored, with a key that is not in the database: AES-256-GCM.

Which fields are sealed their declarations say (`Field.is_sealed_in`); `transaction.py` seals them on every write and
opens them on every read. A secret that only needs to be verified is kept as a hash instead; what may hold one and is
only compared, as a keyed digest. A vault has several keys while they are changed: the first one seals, all of them
open. Where keys come from: `server/secrets_key.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trailboss.errors import Permanent

KEY_BYTES = 32
_MARK = "sealed:"
_NONCE_BYTES = 12


class Vault:
    """keys: of 32 bytes each, the newest first. Without any it makes one, and nobody else opens what it seals."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        given = list(keys) or [secrets.token_bytes(KEY_BYTES)]
        self._ciphers = {_name(key): AESGCM(key) for key in given}
        # a key of its own, so that no digest says anything about what is sealed
        self._digesting = {_name(key): hmac.digest(key, b"trailboss digest", "sha256") for key in given}
        self._newest = _name(given[0])

    @property
    def newest_mark(self) -> str:
        """What everything begins with that the newest key has sealed."""
        return f"{_MARK}{self._newest}:"

    def seal(self, value: Any, place: str) -> str:
        """Return the sealed form of a JSON value. place: where it is kept; it opens nowhere else."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, msgspec.json.encode(value), place.encode())
        return self.newest_mark + base64.b64encode(nonce + sealed).decode()

    def open(self, stored: Any, place: str) -> Any:
        """Return the value of a sealed form; what is not sealed (of before there were vaults) is returned as it is.

        Raises Permanent if no key of this vault opens it.
        """
        if not isinstance(stored, str) or not stored.startswith(_MARK):
            return stored
        name, _, text = stored.removeprefix(_MARK).partition(":")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise Permanent(f"{place} is sealed with a key that this server does not have")
        try:
            raw = base64.b64decode(text, validate=True)
            return msgspec.json.decode(cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()))
        except (InvalidTag, ValueError) as error:
            raise Permanent(f"{place} was changed by others, or is not what was sealed there") from error

    def digest(self, content: bytes) -> str:
        """Return by what content is known again; without a key of this vault nobody can try what it might be."""
        return self._digest(self._newest, content)

    def is_digest(self, kept: str, content: bytes) -> bool:
        """Say whether a digest, by whichever key of this vault, is that of some content."""
        name, _, _ = kept.partition(":")
        return name in self._digesting and hmac.compare_digest(kept, self._digest(name, content))

    def _digest(self, name: str, content: bytes) -> str:
        return f"{name}:{hmac.digest(self._digesting[name], content, 'sha256').hex()}"


def _name(key: bytes) -> str:
    """Return by what a key is known; nothing of the key follows from it."""
    return hashlib.sha256(b"trailboss key\0" + key).hexdigest()[:12]
