"""The data folder: only its owner may enter, only one server uses it at a time, and files in it are all or nothing."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from trailboss.errors import Permanent

INSTALLATION_ID = "installation-id"
FIRST_CREDENTIALS = "first-credentials.env"
ADMIN_CREDENTIALS = "admin-credentials.env"
SET_UP_CODE = "set-up-code"
_LOCK = "server.lock"


class DataFolder:
    """A folder that this process holds until `close` (or its death)."""

    def __init__(self, path: Path) -> None:
        """Make the folder if need be and lock it. Raises Permanent if it is in use or cannot be written."""
        self.path = path.resolve()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o700)
            self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Permanent(f"the data folder {self.path} cannot be used: {error.strerror}; choose --data") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise Permanent(f"another server uses the data folder {self.path}; give this one its own --data") from error

    def close(self) -> None:
        """Let another process use the folder."""
        os.close(self._lock)

    def read(self, name: str) -> str | None:
        """Return the text of a file without its last line break; None if there is none."""
        try:
            return (self.path / name).read_text().rstrip("\n")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        """Write a file that only the owner may read. It is on the disk, whole, when this returns."""
        target, draft = self.path / name, self.path / f".{name}.new"
        draft.unlink(missing_ok=True)
        with open(draft, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        self._sync()

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def _sync(self) -> None:
        """Make a rename durable: it is an entry of the folder, which is synced by itself."""
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
