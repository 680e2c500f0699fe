"""Any provider of OpenID Connect, by the code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

`begin` says where a login page sends the person. The address carries a `state` that only this installation can make;
nonce and PKCE verifier follow from it, so nothing is kept in between. The code of a login is the query with which
the provider sends the person back: `code=...&state=...`. A state counts for ten minutes, and in the browser that it was
made for. ID tokens are taken with the provider's published keys only, hence with asymmetric algorithms only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from trailboss.errors import ApiError, Unreachable
from trailboss.login import http
from trailboss.login.provider import Person, Who

USER, GROUP = "openid_user", "openid_group"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
STATE_FOR_S = 600
LEEWAY_S = 30


class Settings(msgspec.Struct, frozen=True):
    """As in `openidconfig`."""

    issuer: str
    client_id: str
    redirect_url: str
    client_secret: str = ""
    scopes: str = "openid profile email"
    groups_claim: str = "groups"
    access_mode: str = "unrestricted"
    allowed_identities: list[dict[str, Any]] = []


class OpenId:
    """A provider; see `Provider`. key: by which states are made. browser: by what the person's browser is known.
    clock: seconds since 1970."""

    kinds: ClassVar[tuple[str, ...]] = (USER, GROUP)

    def __init__(
        self, settings: Settings, key: bytes, browser: str = "", clock: Callable[[], float] = time.time
    ) -> None:  # fmt: skip
        self.settings, self._key, self._browser, self._clock = settings, key, browser, clock

    def check(self) -> None:
        """Read what the provider says of itself. Raises ApiError 400 InvalidOpenIdConfig."""
        try:
            self._endpoint("authorization_endpoint")
            self._keys()
        except ApiError as error:
            raise ApiError(400, "InvalidOpenIdConfig", error.message) from error

    def begin(self) -> str:
        """Return where a person goes to log in."""
        state = self._new_state()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_url,
            "scope": self.settings.scopes,
            "state": state,
            "nonce": self._derived("nonce", state),
            "code_challenge": _base64(hashlib.sha256(self._derived("verifier", state).encode()).digest()),
            "code_challenge_method": "S256",
        }
        return f"{self._endpoint('authorization_endpoint')}?{urlencode(query)}"

    def login(self, code: str) -> Person:
        """Let somebody in by the query string with which the provider sent the person back."""
        query = parse_qs(code.lstrip("?"))
        (given,), (state,) = query.get("code", [""]), query.get("state", [""])
        if not given or not state:
            raise ApiError(403, message="the code is the query of the address that the provider sends back to")
        self._check_state(state)
        sent = {
            "grant_type": "authorization_code",
            "code": given,
            "redirect_uri": self.settings.redirect_url,
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret,
            "code_verifier": self._derived("verifier", state),
        }
        found = _ask("POST", self._endpoint("token_endpoint"), data=sent)
        claims = self._claims(str(found.get("id_token", "")), self._derived("nonce", state))
        who = Who(USER, claims["sub"], claims.get("name"), claims.get("preferred_username") or claims.get("email"))
        groups = claims.get(self.settings.groups_claim)
        named = groups if isinstance(groups, list) else []
        return Person(who, tuple(Who(GROUP, str(name), str(name)) for name in named))

    def find(self, kind: str, external_id: str) -> Who | None:
        """Take an id as it is: a provider cannot be asked about others."""
        return Who(kind, external_id, external_id)

    def search(self, text: str, *, exactly: bool) -> list[Who]:
        """Find nobody: a provider cannot be asked about others."""
        return []

    def again(self, external_id: str) -> Person | None:
        """A provider tells groups to the person only."""
        return None

    # --- what the provider says -------------------------------------------------------------------------------------

    def _endpoint(self, name: str) -> str:
        """Return an address of the provider. Raises ApiError 503 if it is another one than we mean."""
        issuer = self.settings.issuer.rstrip("/")
        found = _ask("GET", f"{issuer}/.well-known/openid-configuration")
        if not isinstance(found, dict) or str(found.get("issuer", "")).rstrip("/") != issuer or name not in found:
            raise ApiError(503, "OpenIdUnavailable", f"{issuer} does not say where its {name} is")
        return str(found[name])

    def _keys(self) -> KeySet:
        try:
            return KeySet.import_key_set(_ask("GET", self._endpoint("jwks_uri")))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ApiError(503, "OpenIdUnavailable", f"the keys of the provider cannot be read: {error}") from error

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Return what an ID token says. Raises ApiError 401 for one that is not for us, now, and of this login."""
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        keys = self._keys()
        try:
            claims = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
            rules.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ApiError(401, message=f"the provider's ID token is not good: {error}") from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.settings.client_id:
            raise ApiError(401, message="the provider's ID token is for another program")
        return claims

    # --- states -----------------------------------------------------------------------------------------------------

    def _new_state(self) -> str:
        text = f"{int(self._clock()) + STATE_FOR_S}.{secrets.token_urlsafe(16)}"
        return f"{text}.{self._derived('state', text + self._browser)}"

    def _check_state(self, state: str) -> None:
        """Raise ApiError 401 for a state that is not of this installation and browser, or too old."""
        text, _, signature = state.rpartition(".")
        expected = self._derived("state", text + self._browser)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise ApiError(401, message="the login was not begun here; begin it anew")
        if int(text.partition(".")[0]) < self._clock():
            raise ApiError(401, message="the login took too long; begin it anew")

    def _derived(self, use: str, text: str) -> str:
        return _base64(hmac.new(self._key, f"{use}:{text}".encode(), hashlib.sha256).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _ask(method: str, url: str, **options: Any) -> Any:
    """Ask over HTTP. Raises ApiError 401 if that is refused, 503 if nobody answers."""
    try:
        return http.ask(method, url, **options)
    except Unreachable as error:
        raise ApiError(503, "OpenIdUnavailable", error.message) from error
