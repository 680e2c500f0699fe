"""A small real login provider over HTTP: OpenID Connect with keys of its own, and GitHub's endpoints."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.serving import running_api

CLIENT, SECRET = "trailboss", "client-secret"


@cache
def _own_key() -> RSAKey:
    """The key of every provider: to make one takes a while."""
    return RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class Provider:
    """What it says of the person who logs in next. claims: that differ from a good ID token. key, header: with which it
    is signed."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    published: RSAKey = field(default_factory=_own_key)
    key: Any = None
    header: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    organisations: list[dict[str, Any]] = field(default_factory=list)

    def authorize(self, address: str) -> str:
        """Do what a person does at the address where a login begins; return the query that it is sent back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.url}/authorize?")
        assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"?code={code}&state={query['state']}"

    def id_token(self, nonce: str) -> str:
        """Return the ID token of the person, as good or bad as was set."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": "person-7", "name": "Ann", "preferred_username": "ann",
            "groups": ["developers"], "iat": now, "exp": now + 60, "nonce": nonce, **self.claims,
        }  # fmt: skip
        header = {"alg": "RS256", "kid": "one", **self.header}
        if header["alg"] in ("none", "HS256"):
            # by hand: the library makes neither
            text = ".".join(_base64(_json(part)) for part in (header, claims))
            pem = self.published.as_pem(private=False)
            signature = b"" if header["alg"] == "none" else hmac.digest(pem, text.encode(), "sha256")
            return f"{text}.{_base64(signature)}"
        return jwt.encode(header, claims, self.key or self.published, algorithms=[header["alg"]])

    def sign_by_public_key(self) -> None:
        """From now on, sign with the public key as if it were a secret."""
        self.header = {"alg": "HS256"}

    def sign_by_another_key(self, key: RSAKey) -> None:
        """From now on, sign with a key that is not published."""
        self.key = key

    # --- its endpoints ----------------------------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self._discovery),
            Route("/keys", self._keys),
            Route("/token", self._token, methods=["POST"]),
            Route("/login/oauth/access_token", self._github_token, methods=["POST"]),
            Route("/api/v3/{rest:path}", self._github),
        ]

    async def _discovery(self, request: Request) -> Response:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse({"issuer": self.url} | {name: f"{self.url}/{path}" for name, path in names.items()})

    async def _keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.published.as_dict(private=False)]})

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        asked = self.codes.pop(str(form.get("code")), None)
        verifier = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if asked is None or form.get("client_secret") != SECRET or challenge != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "a", "id_token": self.id_token(asked["nonce"])})

    async def _github_token(self, request: Request) -> Response:
        form = await _form(request)
        if (form.get("client_id"), form.get("client_secret"), form.get("code")) != (CLIENT, SECRET, "good"):
            return JSONResponse({"error": "bad_verification_code"})
        return JSONResponse({"access_token": "gh", "token_type": "bearer"})

    async def _github(self, request: Request) -> Response:
        path, ann = request.path_params["rest"], {"id": 7, "login": "ann", "name": "Ann", "type": "User"}
        is_ann = request.headers.get("authorization") == "Bearer gh"
        answers: dict[str, Any] = {
            "users/ann": ann, "user/7": ann, "organizations/70": {"id": 70, "login": "work"},
            "search/users": {"items": [ann]},
        }  # fmt: skip
        if is_ann:
            page = int(request.query_params.get("page", 1))
            organisations = self.organisations[100 * (page - 1) : 100 * page]
            answers |= {"user": ann, "user/orgs": organisations, "user/teams": [{"id": 700, "name": "T", "slug": "t"}]}
        return JSONResponse(answers[path]) if path in answers else JSONResponse({"message": "Not Found"}, 404)


async def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _json(value: Any) -> bytes:
    return JSONResponse(value).body


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Serve a provider on a free port."""
    provider = Provider()
    with running_api(Starlette(routes=provider.routes())) as url:
        provider.url = url
        yield provider
