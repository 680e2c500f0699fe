"""How the agent knows that it speaks to its own server: by what the join command has told it, or by an authority."""

from __future__ import annotations

import ssl

import aiohttp

from trailboss.errors import Permanent


def verification(fingerprint: str, authority: str) -> bool | aiohttp.Fingerprint | ssl.SSLContext:
    """Return what connections are checked by: exactly one certificate (SHA-256 of it in hex), an authority's file, or
    the authorities that the system knows. Raises Permanent for what is neither."""
    if fingerprint:
        try:
            return aiohttp.Fingerprint(bytes.fromhex(fingerprint.replace(":", "")))
        except ValueError as error:
            raise Permanent(f"--server-fingerprint {fingerprint!r} is no SHA-256 in hex: {error}") from error
    if not authority:
        return True
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise Permanent(f"--server-ca {authority}: {error}") from error
