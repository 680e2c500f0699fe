"""The door to an API: its collections as attributes, and what can be done with the resources in them.

    web = client.services.create(Service(name="web", environment_id=stack.id, launch_config=LaunchConfig(...)))
    web = client.wait(client.act(client.wait(web), "activate"))

Requests and retries are in `session.py`, lists in `collection.py`, the change stream in `changes.py`.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import httpx2

from trailboss.client.changes import Changes, Wanted
from trailboss.client.collection import Collection, Filter
from trailboss.client.resource import JsonObject, Resource, decode, encode
from trailboss.client.session import TIMEOUT_S, Session
from trailboss.client.types import COLLECTIONS, TYPES, Collections
from trailboss.errors import ApiError, Permanent, TimedOut, TrailbossError

T = TypeVar("T", bound=Resource)

LOOK_S = 0.25
"""Between two looks of `wait`."""
WAIT_S = 45.0


class Client(Collections):
    """An API with one pair of keys. Close it, or use it in `with`.

    url: of a server, its /v1, or a project. timeout_s: for one answer. transport, tls: as in `Session`.
    """

    def __init__(
        self,
        url: str,
        access_key: str | None = None,
        secret_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        transport: httpx2.BaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.session = Session(url, access_key, secret_key, timeout_s=timeout_s, transport=transport, tls=tls)
        for attribute, plural in COLLECTIONS.items():
            setattr(self, attribute, Collection[Any](self, plural))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self.session.http.close()

    @property
    def base(self) -> str:
        """The URL under which its collections are."""
        return self.session.base

    def enter_environment(self) -> None:
        """Make requests go to one environment (the API's `project`). Raises TrailbossError when the URL leaves open
        which one."""
        if "/projects/" in self.base:
            return
        found = [project for project in self.projects.each() if project.state == "active"]
        if len(found) > 1:
            choices = ", ".join(f"{self.base}/projects/{p.id} ({p.name or p.id})" for p in found)
            raise TrailbossError(f"these keys reach several environments; set RANCHER_URL to one of: {choices}")
        if found:
            self.session.base = f"{self.base}/projects/{found[0].id}"

    def collection(self, name: str, type_: type[T]) -> Collection[T]:
        """Return a collection by the plural of its type, for a name that is known only at run time."""
        return Collection(self, name)

    # --- one resource -------------------------------------------------------------------------------------------------

    def read(self, url: str, include: Sequence[str] | None = None) -> Resource:
        """Return the resource of a URL."""
        answer = self.session.ask("GET", url, parameters={"include": list(include)} if include else None)
        return self.decode(answer.document, answer.etag)

    def refresh(self, resource: T) -> T:
        """Return a resource as it is now. Raises ApiError 404 when it is gone for good."""
        return cast(T, self.read(resource.links["self"]))

    def update(self, resource: T, *, only_if_unchanged: bool = False, **fields: Any) -> T:
        """Change fields of a resource, named as its attributes are. Raises TypeError for a name that it has not.

        only_if_unchanged: raises ApiError 412 when somebody else has changed what is wanted of it since it was read.
        """
        body = _named(type(resource), fields)
        return cast(T, self.send("PUT", resource.links["self"], body, if_match=_condition(resource, only_if_unchanged)))

    def delete(self, resource: T, *, purge: bool = False, only_if_unchanged: bool = False) -> T:
        """Remove a resource. purge: at once and for good, on its hosts too."""
        condition = _condition(resource, only_if_unchanged)
        parameters = {"purge": "true"} if purge else {}
        return cast(T, self.send("DELETE", resource.links["self"], parameters=parameters, if_match=condition))

    def act(
        self,
        resource: Resource,
        action: str,
        given: Resource | Mapping[str, Any] | None = None,
        *,
        only_if_unchanged: bool = False,
    ) -> Resource:
        """Do an action that a resource offers; return what it gives, often the resource on its way. Raises ApiError
        ActionNotAvailable where the resource does not offer it, as the server would."""
        url = resource.actions.get(action)
        if url is None:
            name, state = getattr(resource, "name", None) or resource.id, getattr(resource, "state", None)
            because = f"{resource.type} {name} is {state}: {action} is not possible now"
            raise ApiError(422, "ActionNotAvailable", because, field="action")
        return self.send("POST", url, encode(given), if_match=_condition(resource, only_if_unchanged))

    def follow(self, resource: Resource, link: str, type_: type[T], **filters: Filter) -> Iterator[T]:
        """Read what a link of a resource leads to, if it is a list; nothing where it has no such link."""
        url = resource.links.get(link)
        return Collection[T](self, url).each(**filters) if url is not None else iter(())

    def wait(self, resource: T, *, within_s: float = WAIT_S) -> T:
        """Read a resource until it is no longer on its way to another state. Raises Permanent with its message when
        that failed, TimedOut when it takes longer."""
        deadline = time.monotonic() + within_s
        while True:
            seen: Any = self.refresh(resource)
            if seen.transitioning == "error":
                raise Permanent(f"{seen.type} {seen.name or seen.id}: {seen.transitioning_message or seen.state}")
            if seen.transitioning != "yes":
                return cast(T, seen)
            if time.monotonic() >= deadline:
                name = seen.name or seen.id
                raise TimedOut(f"{seen.type} {name} is {seen.state} after {within_s:g} s: {seen.transitioning_message}")
            self.session.sleep(LOOK_S)

    # --- all of them --------------------------------------------------------------------------------------------------

    def subscribe(
        self,
        *types: str,
        include: Sequence[str] = (),
        cursor: str | None = None,
        on_break: Callable[[str], None] | None = None,
    ) -> Changes:
        """Open the change stream: what happens after this call, or after a cursor. types: names; default all.

        on_break: is told in a sentence when the connection is lost; it is opened again, and nothing is missed.
        """
        wanted = Wanted(types, include) if on_break is None else Wanted(types, include, on_break)
        return Changes(self, wanted, cursor)

    def send(
        self,
        method: str,
        url: str,
        body: JsonObject | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        if_match: str | None = None,
    ) -> Resource:
        """Send a change; return the resource of the answer."""
        answer = self.session.ask(method, url, parameters=parameters, body=body, if_match=if_match)
        return self.decode(answer.document, answer.etag)

    def decode(self, document: JsonObject, etag: str | None = None) -> Resource:
        """Return the resource of a document of the API."""
        return decode(document, TYPES, etag)


def _named(type_: type[Resource], fields: Mapping[str, Any]) -> JsonObject:
    """Return fields under their names in the API. Raises TypeError for one that the type has not."""
    names = dict(zip(type_.__struct_fields__, type_.__struct_encode_fields__, strict=True))
    unknown = [name for name in fields if name not in names]
    if unknown:
        raise TypeError(f"{type_.__name__} has no field {', '.join(unknown)}")
    return {names[name]: encode(value) if isinstance(value, Resource) else value for name, value in fields.items()}


def _condition(resource: Resource, only_if_unchanged: bool) -> str | None:
    if not only_if_unchanged:
        return None
    if resource.etag is None:
        raise TrailbossError(f"this {resource.type} was part of a list: refresh it, then it is known what it was")
    return resource.etag
