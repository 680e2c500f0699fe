"""GitHub, or a GitHub Enterprise server: persons, their organisations and teams, by OAuth.

Endpoints: https://docs.github.com/en/rest; the code comes from `/login/oauth/authorize`, where a login page sends the
person with the `clientId` that `GET /v1/token` shows, and is good once.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from trailboss.errors import ApiError, Unreachable
from trailboss.login import http
from trailboss.login.provider import Person, Who

USER, ORGANISATION, TEAM = "github_user", "github_org", "github_team"
MOST_PAGES = 10
PER_PAGE = 100


class Settings(msgspec.Struct, frozen=True):
    """As in `githubconfig`. hostname: None for github.com."""

    client_id: str = ""
    client_secret: str = ""
    hostname: str | None = None
    scheme: str = "https://"
    access_mode: str = "unrestricted"
    allowed_identities: list[dict[str, Any]] = []


class GitHub:
    """GitHub; see `Provider`."""

    kinds: ClassVar[tuple[str, ...]] = (USER, ORGANISATION, TEAM)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        host = settings.hostname or "github.com"
        self._web = f"{settings.scheme or 'https://'}{host}"
        self._api = f"{self._web}/api/v3" if settings.hostname else "https://api.github.com"

    def check(self) -> None:
        """Look whether everything is there, and who is allowed. Raises ApiError 400 InvalidIdentity."""
        if not self.settings.client_id or not self.settings.client_secret:
            raise ApiError(400, "InvalidGithubConfig", "GitHub needs clientId and clientSecret")
        for identity in self.settings.allowed_identities:
            kind = str(identity.get("externalIdType"))
            if kind not in (*self.kinds, "rancher_id"):
                raise ApiError(400, "InvalidIdentity", f"GitHub knows no {kind}", field="allowedIdentities")

    def begin(self) -> str | None:
        """A login page knows where GitHub is, and the client id."""
        return None

    def login(self, code: str) -> Person:
        """Let somebody in by an OAuth code."""
        s = self.settings
        if not s.client_id or not s.client_secret:
            raise ApiError(503, "GithubUnavailable", "GitHub is not configured")
        sent = {"client_id": s.client_id, "client_secret": s.client_secret, "code": code}
        found = _ask("POST", f"{self._web}/login/oauth/access_token", data=sent)
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str):
            raise ApiError(401, message="GitHub does not accept this code")
        headers = {"Authorization": f"Bearer {token}"}
        user = _ask("GET", f"{self._api}/user", headers=headers)
        organisations = [_who(ORGANISATION, found) for found in self._pages("user/orgs", headers)]
        teams = [_who(TEAM, found) for found in self._pages("user/teams", headers)]
        return Person(_who(USER, user), (*organisations, *teams))

    def find(self, kind: str, external_id: str) -> Who | None:
        """Return the person or organisation of a numeric id; teams are known to their members only."""
        path = {USER: "user", ORGANISATION: "organizations"}.get(kind)
        if path is None or not (external_id.isascii() and external_id.isdigit()):
            return None
        return self._one(kind, f"{path}/{external_id}")

    def search(self, text: str, *, exactly: bool) -> list[Who]:
        """Return persons and organisations."""
        if exactly:
            found = [self._one(USER, f"users/{_segment(text)}")] if _segment(text) else []
            return [who for who in found if who is not None]
        answer = _ask("GET", f"{self._api}/search/users", params={"q": text})
        return [_who(_kind_of(found), found) for found in answer.get("items", ())]

    def again(self, external_id: str) -> Person | None:
        """GitHub tells groups to the person only."""
        return None

    def _one(self, kind: str, path: str) -> Who | None:
        try:
            found = _ask("GET", f"{self._api}/{path}")
        except ApiError as error:
            if error.status == 401:
                return None
            raise
        return _who(_kind_of(found) if kind == USER else kind, found)

    def _pages(self, path: str, headers: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            params = {"per_page": PER_PAGE, "page": page}
            more = _ask("GET", f"{self._api}/{path}", headers=headers, params=params)
            found += more
            if len(more) < PER_PAGE:
                break
        return found


def _kind_of(found: dict[str, Any]) -> str:
    return ORGANISATION if found.get("type") == "Organization" else USER


def _segment(text: str) -> str:
    """Return a login name as it can stand in a path; empty if it is none."""
    return text if text.replace("-", "").isalnum() and text.isascii() else ""


def _who(kind: str, found: dict[str, Any]) -> Who:
    login = found.get("login") or found.get("slug")
    name = found.get("name") or login
    return Who(kind, str(found["id"]), name, login, found.get("avatar_url"), found.get("html_url"))


def _ask(method: str, url: str, **options: Any) -> Any:
    """Ask over HTTP. Raises ApiError 401 if that is refused, 503 if nobody answers."""
    try:
        return http.ask(method, url, **options)
    except Unreachable as error:
        raise ApiError(503, "GithubUnavailable", error.message) from error
