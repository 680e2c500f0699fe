"""What every login provider can be asked. Questions go over a network and block, so they are asked in threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol


@dataclass(frozen=True)
class Who:
    """A person, group or organisation. kind, external_id: what it is identified by (`ldap_user`, its DN)."""

    kind: str
    external_id: str
    name: str | None = None
    login: str | None = None
    picture: str | None = None
    url: str | None = None

    @property
    def id(self) -> str:
        """Kind and external id in one text."""
        return f"{self.kind}:{self.external_id}"


@dataclass(frozen=True)
class Person:
    """Somebody who has proved who it is, or of whom was asked, and the groups that it is in."""

    who: Who
    groups: tuple[Who, ...] = ()


class Provider(Protocol):
    """A provider with its settings.

    kinds: of everything that it knows, persons first. Every function raises ApiError: 401 for who is not let
    in, 503 (or 500) while the provider does not answer.
    """

    kinds: ClassVar[tuple[str, ...]]

    def check(self) -> None:
        """Find out whether the settings can work. Raises ApiError 400 if they cannot."""

    def login(self, code: str) -> Person:
        """Return who has proved by a code who it is. Raises ApiError 401 for a wrong one, 403 for what is none."""

    def begin(self) -> str | None:
        """Return where a person goes to log in, if that follows from nothing that a login page knows."""

    def find(self, kind: str, external_id: str) -> Who | None:
        """Return who has an id; None if nobody has."""

    def search(self, text: str, *, exactly: bool) -> list[Who]:
        """Return who is called so, or (not exactly) whose name contains the text."""

    def again(self, external_id: str) -> Person | None:
        """Return a person as it is now, without its doing. Raises ApiError 401 if it is no longer let in.

        None: this provider tells only the person itself.
        """
