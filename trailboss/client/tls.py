"""How a client knows that it speaks to its own server: by the fingerprint of its certificate, or by an authority."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from trailboss.errors import TrailbossError, Unreachable

ANSWERS_WITHIN_S = 30.0


def context_for(url: str, fingerprint: str | None, authority: Path | None) -> ssl.SSLContext | None:
    """Return what connections to a server are checked by; None: the authorities that the system knows.

    A fingerprint is the SHA-256 of the one certificate that is right, in hex. Raises TrailbossError if the server shows
    another one, Unreachable if it does not answer.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    if fingerprint:
        address = (parts.hostname or "", parts.port or 443)
        try:
            shown = ssl.get_server_certificate(address, timeout=ANSWERS_WITHIN_S)
        except OSError as error:
            raise Unreachable(f"{url} does not answer: {error}") from error
        found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
        if not hmac.compare_digest(found, fingerprint.replace(":", "").lower()):
            raise TrailbossError(f"the certificate of {url} is not the one that was expected; its SHA-256 is {found}")
        # from here on this certificate and no other is good, whatever name it is for
        context = ssl.create_default_context(cadata=shown)
        context.check_hostname = False
        return context
    try:
        return ssl.create_default_context(cafile=authority) if authority is not None else None
    except (OSError, ssl.SSLError) as error:
        raise TrailbossError(f"--server-ca {authority}: {error}") from error
