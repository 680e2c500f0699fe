"""The files with the first keys, as variables that commands and clients take: `RANCHER_URL` and the two parts of a key.

They are written at the first start, and kept true about one thing afterwards: how the server is known. Where its
certificate is self-signed, the files carry its fingerprint, and whoever uses them accepts no other.
"""

from __future__ import annotations

from collections.abc import Mapping

from trailboss.server.data_folder import ADMIN_CREDENTIALS, FIRST_CREDENTIALS, DataFolder
from trailboss.server.tls import Tls

URL, FINGERPRINT = "RANCHER_URL", "TRAILBOSS_SERVER_FINGERPRINT"


def write(folder: DataFolder, url: str, keys: Mapping[str, str], tls: Tls | None) -> None:
    """Write both files. url: the server's own address. keys: as `seed` returns them."""
    _write(folder, ADMIN_CREDENTIALS, f"{url}/v1", keys["admin_access"], keys["admin_secret"], tls)
    _write(folder, FIRST_CREDENTIALS, f"{url}/v1/projects/1a5", keys["project_access"], keys["project_secret"], tls)


def refresh(folder: DataFolder, tls: Tls | None) -> None:
    """Let the files that are still there say how the server is known now."""
    for name in (ADMIN_CREDENTIALS, FIRST_CREDENTIALS):
        text = folder.read(name)
        if text is None:
            continue
        lines = [line for line in text.splitlines() if not line.startswith(f"{FINGERPRINT}=")]
        lines = [_with_scheme(line, "https" if tls else "http") for line in lines] + _known_by(tls)
        if lines != text.splitlines():
            folder.write(name, "\n".join(lines) + "\n")


def _write(folder: DataFolder, name: str, url: str, access: str, secret: str, tls: Tls | None) -> None:
    lines = [f"{URL}={url}", f"RANCHER_ACCESS_KEY={access}", f"RANCHER_SECRET_KEY={secret}", *_known_by(tls)]
    folder.write(name, "\n".join(lines) + "\n")


def _known_by(tls: Tls | None) -> list[str]:
    return [f"{FINGERPRINT}={tls.fingerprint}"] if tls is not None and tls.fingerprint else []


def _with_scheme(line: str, scheme: str) -> str:
    found, colon, rest = line.partition("://")
    return f"{URL}={scheme}://{rest}" if colon and found in (f"{URL}=http", f"{URL}=https") else line
