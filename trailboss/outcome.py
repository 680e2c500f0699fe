"""What a reconciler gives back: an `Outcome`, often with a plan of steps that the engine takes in one transaction.

A reconciler is handed a view (all it may read), and returns one of:
  Done       what is desired is what is observed; a process under way has ended
  Again      not yet: look again after some seconds (or when something changes); says why
  Failed     it cannot succeed without a change by the user; says why
Each may carry steps. The engine (`engine/loop.py`) applies steps and outcome together, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trailboss.declare import Resource, ResourceType


@dataclass(frozen=True)
class Make:
    """Create a resource with the given (Python-named) values, through its type's own `prepare` and `created`."""

    type: ResourceType
    values: dict[str, Any]


@dataclass(frozen=True)
class Set:
    """Change fields of a row. look: have it looked at then."""

    row: Resource
    values: dict[str, Any]
    look: bool = True


@dataclass(frozen=True)
class Begin:
    """Start a process of a row; a row in whose state it is not legal is left alone."""

    row: Resource
    process: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """Remove a row that nobody has to be asked about, in one step from any state."""

    row: Resource


@dataclass(frozen=True)
class Mark:
    """Ask for another resource to be looked at."""

    type: ResourceType
    id: int
    after_s: float = 0


@dataclass(frozen=True)
class Hold:
    """Reserve a key for a row; if somebody else holds it, nothing of the plan happens and it is made anew."""

    row: Resource
    scope: str
    key: str


@dataclass(frozen=True)
class Release:
    """Give back what a row holds (of one scope, or all)."""

    row: Resource
    scope: str | None = None


Step = Make | Set | Begin | End | Mark | Hold | Release


@dataclass(frozen=True)
class Done:
    """Converged: a process under way has ended, a resource at rest stays as it is.

    values: stored along. chain False: do not go on with the process that usually follows. then: go on with this
    process instead, without resting between. process: begin this one (from a state at rest).
    failed: an error that stays with the resource although the process ended.
    """

    steps: tuple[Step, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    chain: bool = True
    then: str | None = None
    process: str | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Again:
    """Not yet. because: a sentence for the user, shown as transitioningMessage. after_s: look again then at the latest;
    None: back off by itself. progress: 0-100 if known."""

    because: str
    after_s: float | None = None
    progress: int | None = None
    steps: tuple[Step, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """It cannot succeed as it is. because: what is wrong and what to do. process: the one that leads to the error
    state, if the type has one; the message stays on the row either way."""

    because: str
    process: str | None = None
    steps: tuple[Step, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


Outcome = Done | Again | Failed
