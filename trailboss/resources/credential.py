"""Keys: API keys of people and programs, keys of agents, and tokens with which hosts join.

Secrets are random and long, so a salted SHA-256 is kept of them (a slow hash would only tax each request). The secret
of a registration token must be readable here, because tokens are signed with it: it is stored sealed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import string
from typing import TYPE_CHECKING, Any

from trailboss.declare import ADMINS, Behaviour, date, generic, ref, registry, text
from trailboss.errors import ApiError
from trailboss.resources.entity import Entity
from trailboss.resources.setting import is_controlled, value_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

_SECRET_ALPHABET = "".join(c for c in string.ascii_letters + string.digits if c not in "O0lI")
HOUR_MS = 3_600_000
OPERATOR_KIND = "superadmin"
"""Kind of the accounts that may do everything."""
PIN, FINGERPRINT = "tls.pin", "tls.fingerprint"
"""Facts: what a self-signed certificate of the server looks like; empty if it has none."""


class Credential(Entity):
    """A pair of a public and a secret value that proves who asks."""

    type = "credential"
    roles = {"project": "r", "user": "r", "readonly": "r", "admin": "cr", "service": "cr"}
    machine = generic("credential", restore=False)
    links = ("images", "instances")

    public_value = text(column=True, indexed=True, max_length=4096, create=ADMINS)
    secret_value = text(column=True, max_length=4096, create=ADMINS, secret=True)


class ApiKey(Credential):
    """A key for programs and people: the secret is shown once, in the answer to its creation."""

    type = "apiKey"
    roles = {"project": "crud", "user": "r", "readonly": "r", "admin": "crud", "service": "crud"}

    account_id = ref("account", column=True, create=ADMINS)
    secret_value = text(column=True, max_length=4096, create=ADMINS, secret=True, hashed=True, read_on_create_only=True)
    expires = date(column=True, create=True, update=True)
    last_used = date(column=True, part="volatile")


class AgentApiKey(Credential):
    """The key of one host's agent, made when the host registers."""

    type = "agentApiKey"
    roles = {"superadmin": "crud"}

    secret_value = text(column=True, max_length=4096, create=ADMINS, secret=True, hashed=True)


class RegistrationToken(Credential):
    """With its token a host may join the environment."""

    type = "registrationToken"
    shows_secrets = True
    roles = {"project": "cr", "user": "r", "admin": "r", "service": "cr"}
    secret_links = ("registrationUrl",)

    account_id = ref("account", column=True, create=("service",))
    public_value = text(column=True, indexed=True, read=())
    secret_value = text(column=True, read=(), secret=True)
    command = text(computed=True, nullable=False, secret=True)
    image = text(computed=True, nullable=False)
    registration_url = text(computed=True, nullable=False, secret=True)
    token = text(computed=True, nullable=False, secret=True)


def make_public_value() -> str:
    """Return a new access key: 20 upper-case hex characters."""
    return secrets.token_hex(10).upper()


def make_secret() -> str:
    """Return a new secret key: 40 characters that are not mistaken for one another."""
    return "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret: `SHA256:<salt>:<hex>`."""
    salt = secrets.token_hex(10)
    return f"SHA256:{salt}:{hashlib.sha256((salt + secret).encode()).hexdigest()}"


def digest(secret: str) -> str:
    """Return what is stored of a long random secret by which a row is found: its plain SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def secret_matches(stored: str | None, given: str) -> bool:
    """Compare a given secret with a stored hash in constant time; a null secret matches nothing."""
    kind, _, rest = (stored or "").partition(":")
    salt, _, expected = rest.partition(":")
    if kind != "SHA256" or not expected:
        return False
    return hmac.compare_digest(hashlib.sha256((salt + given).encode()).hexdigest(), expected)


def may_make_operators(read: Read, caller: Any) -> bool:
    """Say whether a caller may make others as mighty as the operator: it is that itself, or access control is off."""
    return not is_controlled(read) or caller.kind == OPERATOR_KIND


def check_owner(tx: Tx, values: dict[str, Any], caller: Any) -> None:
    """Refuse a key of the operator to who could become it by that. Raises ApiError 403."""
    owner = tx.get(registry["account"], values.get("account_id"))
    if owner is not None and owner.values["kind"] == OPERATOR_KIND and not may_make_operators(tx, caller):
        raise ApiError(403, message="keys of the superadmin are its own to make, or made while access control is off")


def prepare_key(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Fill in missing values of a new key and hash its secret. Raises NotUnique, and ApiError 403."""
    check_owner(tx, values, caller)
    public = values.get("public_value") or make_public_value()
    if tx.holder("apiKey", public.lower()):
        raise ApiError(422, "NotUnique", f"an API key {public} exists already", field="publicValue")
    secret = values.get("secret_value") or make_secret()
    caller.shown_once["secret_value"] = secret
    return {**values, "public_value": public, "secret_value": hash_secret(secret)}


def hold_key(tx: Tx, row: ApiKey) -> None:
    """Reserve the public value of a new key, whatever its case."""
    if not tx.hold("apiKey", row.public_value.lower(), row):
        raise ApiError(422, "NotUnique", f"an API key {row.public_value} exists already", field="publicValue")


def release_key(tx: Tx, row: ApiKey) -> None:
    """Let the public value of a removed key be used again."""
    if row.state == "removed":
        tx.release(row)


def prepare_token(tx: Tx, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Make the two values with which registration tokens are named and signed."""
    return {**values, "public_value": make_public_value(), "secret_value": make_secret()}


def sign_token(row: RegistrationToken, now_ms: int) -> str:
    """Return the token of this hour: `<public value>:<hour in ms>:<HMAC-SHA1 in Base64 without / = +>`."""
    hour = now_ms // HOUR_MS * HOUR_MS
    return f"{row.public_value}:{hour}:{_signature(row.secret_value, row.public_value, hour)}"


def _signature(secret: str, public: str, hour: int) -> str:
    digest = hmac.new(secret.encode(), f"{public}:{hour}".encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode().translate(str.maketrans("", "", "/=+"))


def check_token(read: Read, token: str, now_ms: int, period_ms: int) -> RegistrationToken | None:
    """Return the registration token that a text was signed by, if it is good: known, active, young enough."""
    public, _, rest = token.partition(":")
    hour, _, signature = rest.partition(":")
    if not hour.isdigit() or not 0 <= now_ms - int(hour) <= period_ms:
        return None
    for row in read.find(RegistrationToken, public_value=public):
        expected = _signature(row.secret_value, public, int(hour))
        if row.state == "active" and hmac.compare_digest(expected, signature):
            return row
    return None


def shown(row: RegistrationToken, face: Any) -> dict[str, Any]:
    """Return the fields with which a host can join: the token of this hour and where its script is."""
    token, host = sign_token(row, face.read.now), value_of(face.read, "api.host")
    if host:
        host = host if "://" in host else f"http://{host}"
    url = f"{host.rstrip('/')}/v1/scripts/{token}" if host else f"{face.base}/scripts/{token}"
    # Not `curl | sh`: that ends well when the token is refused.
    join = f'script=$(curl -fsSL{_pinned(face.read, url)} "$0") && sh -c "$script"'
    return {
        "token": token,
        "registrationUrl": url,
        "image": value_of(face.read, "bootstrap.required.image"),
        "command": f"sudo sh -c '{join}' {url}",
    }


def _pinned(read: Read, url: str) -> str:
    """Return what makes curl take the server's self-signed certificate, and no other."""
    pin = read.fact(PIN) if url.startswith("https:") else ""
    return f" -k --pinnedpubkey {pin}" if pin else ""


def links(row: RegistrationToken, face: Any) -> dict[str, str]:
    """Return the link to the script."""
    return {"registrationUrl": shown(row, face)["registrationUrl"]}


ApiKey.behaviour = Behaviour(prepare=prepare_key, created=hold_key, settled=release_key)
RegistrationToken.behaviour = Behaviour(prepare=prepare_token, computed=shown, links=links)
