"""What others are asked before a transaction or snapshot: a directory, a slow hash (`Behaviour.consult`).

Nothing is waited for while rows are read or written. So first a snapshot says what there is to ask; then it is asked,
in a thread of its own; then the request is done as any other, and finds the answer in `caller.consulted`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from trailboss.api import read as reading_
from trailboss.api import write
from trailboss.api.access import Caller
from trailboss.api.context import Context
from trailboss.api.render import Face
from trailboss.api.request import Target
from trailboss.api.schemas import TypeView
from trailboss.declare import ResourceType, registry
from trailboss.store.transaction import Read

Question = Callable[[], Any]

CREATE = "create"


async def answer_of(question: Question | None) -> Any:
    """Ask, in a thread. Raises what the question raises."""
    return await asyncio.to_thread(question) if question is not None else None


async def before_writing(
    context: Context,
    face_of: Callable[[Read], Face],
    view: TypeView,
    raw: str | None,
    action: str | None,
    body: Mapping[str, Any],
) -> None:
    """Ask what a creation or an action wants to know, and give the caller the answer. Raises ApiError."""
    what = CREATE if raw is None else action
    consult = view.type.behaviour.consult.get(what or "")
    if consult is None or what is None or (action == CREATE and raw is not None):
        return  # a row's process of that name is another thing

    def question(read: Read) -> tuple[Question | None, Caller]:
        face = face_of(read)
        row = reading_.find(read, view, raw, face.caller) if raw is not None else None
        values = write.checked_input(read, view, None if row is None else what, body, face)
        return consult(read, row, values, face.caller), face.caller

    asked, caller = await context.read(question)
    caller.consulted = await answer_of(asked)


def of_reading(target: Target) -> ResourceType | None:
    """Return the type whose reads ask others, if a URL names one."""
    return _asking().get((target.type or "").lower()) if target.link is None else None


def reading(
    read: Read, type_: ResourceType, raw: str | None, query: dict[str, Any], caller: Caller
) -> Question | None:  # fmt: skip
    """Return what a GET has to ask; None for nothing."""
    consult = type_.behaviour.consult.get("listed" if raw is None else "found")
    return consult(read, None, query if raw is None else {"id": raw}, caller) if consult else None


@cache
def _asking() -> Mapping[str, ResourceType]:
    types = [t for t in registry.values() if {"listed", "found"} & t.behaviour.consult.keys()]
    return {name.lower(): type_ for type_ in types for name in (type_.type, type_.plural)}
