"""The keys that seal the secrets in the database: from a variable, a file, or a file that a first start makes.

One key a line (or separated by commas), 32 bytes in Base64, the newest first: the first one seals, all of them open. To
change keys, put a new one in front and start the servers again, then take the old one out (`docs/operations.md`).
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets

from trailboss.errors import Permanent
from trailboss.server.data_folder import DataFolder
from trailboss.server.options import Options
from trailboss.store.vault import KEY_BYTES

FILE = "secrets.key"


def given_keys(options: Options, folder: DataFolder) -> list[bytes]:
    """Return the keys that this server was given; none if it has never had any. Raises Permanent."""
    text = options.secrets_key
    if not text and options.secrets_key_file is not None:
        try:
            text = options.secrets_key_file.read_text()
        except OSError as error:
            raise Permanent(f"TRAILBOSS_SECRETS_KEY_FILE: {error}") from error
        if not text.strip():
            raise Permanent(f"TRAILBOSS_SECRETS_KEY_FILE: {options.secrets_key_file} is empty")
    if not text:
        text = folder.read(FILE) or ""
    return [_key(word) for word in re.split(r"[\s,]+", text) if word]


def new_key() -> bytes:
    """Return a new key."""
    return secrets.token_bytes(KEY_BYTES)


def keep(folder: DataFolder, key: bytes) -> None:
    """Write the first key into the data folder."""
    folder.write(FILE, base64.b64encode(key).decode() + "\n")


def _key(word: str) -> bytes:
    try:
        key = base64.b64decode(word, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise Permanent(f"a key for secrets is {KEY_BYTES} random bytes in Base64, as by `openssl rand -base64 32`")
    return key
