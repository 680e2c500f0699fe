"""`Idempotency-Key`: a request that is sent again, because its answer was lost, is answered again and not done again.

The key belongs to one request of one caller: its method, path and fields. What was done and its answer are committed
together (`store/answers.py`), so a crash between commit and answer costs nothing. A request that is refused changes
nothing, and is not kept: sent again, it is looked at anew. Neither is where a live stream is to be had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request

from trailboss.api import render
from trailboss.api.access import Caller
from trailboss.api.write import Written
from trailboss.declare import registry
from trailboss.errors import ApiError
from trailboss.store import answers
from trailboss.store.transaction import Tx

HEADER = "idempotency-key"
REPEATED = "Idempotency-Replayed"
WITHHELD = "X-API-Withheld"
"""Names the fields that only the first answer has shown."""
_KEY = re.compile(r"[!-~]{1,255}")

Running = set[tuple[int, str]]


@dataclass(frozen=True)
class Once:
    """A request that is to be done once. caller: account whose keys were sent. asked: what it asks for, passwords that
    it may send included, so only a keyed digest of it is kept."""

    caller: int
    key: str
    asked: bytes = field(repr=False)

    @contextmanager
    def alone(self, running: Running) -> Iterator[None]:
        """Keep others with this key away meanwhile. Raises ApiError 409 if there is one already."""
        mine = (self.caller, self.key)
        if mine in running:
            raise ApiError(409, "RequestInProgress", "a request with this key is being done; ask again in a moment")
        running.add(mine)
        try:
            yield
        finally:
            running.discard(mine)

    def answered(self, tx: Tx) -> Written | None:
        """Return the answer that was given before. Raises ApiError 422 if that was to another request."""
        found = answers.find(tx, self.caller, self.key)
        if found is None:
            return None
        if not tx.connection.database.vault.is_digest(found.request, self.asked):
            message = "this key came with another request before; every request needs a key of its own"
            raise ApiError(422, "IdempotencyKeyReused", message)
        return Written(found.status, msgspec.json.decode(found.body), headers=found.headers | {REPEATED: "true"})

    def keep(self, tx: Tx, written: Written) -> None:
        """Keep an answer, without secrets, for when the request is repeated."""
        if written.stream is not None:
            return
        withheld = _secrets_in(written.document)
        document = render.unrevealed(written.document) | dict.fromkeys(withheld)
        headers = written.headers | ({WITHHELD: ", ".join(withheld)} if withheld else {})
        body, request = render.encode(document).decode(), tx.connection.database.vault.digest(self.asked)
        answers.keep(tx, self.caller, self.key, answers.Answer(request, written.status, headers, body))


def once(request: Request, method: str, caller: Caller, params: dict[str, Any]) -> Once | None:
    """Return how a request is to be done once; None if it carries no key. Raises ApiError 400 for what is no key."""
    key = request.headers.get(HEADER)
    if key is None or caller.role == "token":
        # a login is nobody's yet: its answer must not be kept for who guesses the key
        return None
    if not _KEY.fullmatch(key):
        raise ApiError(400, "InvalidIdempotencyKey", "an Idempotency-Key has 1 to 255 visible ASCII characters")
    asked = (method, request.scope["path"], caller.account_id, caller.role, params)
    return Once(caller.authenticated_id, key, msgspec.json.encode(asked, order="deterministic"))


def _secrets_in(document: dict[str, Any]) -> list[str]:
    """Return the names of the fields of a document that hold what is shown only once."""
    type_ = registry.get(document["type"])
    fields = type_.by_wire if type_ is not None else {}  # one that was added at run time has none
    secret = {wire for wire, field in fields.items() if field.secret or field.read_on_create_only}
    return [wire for wire in document if wire in secret and document[wire] is not None]
