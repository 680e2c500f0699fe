"""Tasks: what the server does for its installation when asked, or again and again by a setting.

`execute` makes a `taskInstance`, by which every server learns of it; what one run does, and who notes its end, is in
`server/tasks.py`. Instances are kept for the setting `task.purge.after.seconds`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trailboss.declare import ADMIN_ONLY, Action, Behaviour, Resource, date, number, ref, text
from trailboss.resources.setting import number_of, value_of

if TYPE_CHECKING:
    from trailboss.store.transaction import Read, Tx

AGENT_PING = "agent.ping"
"""All agents look at their hosts, and report what is not as it was reported."""
PURGE_RESOURCES = "purge.resources"
"""What was removed and may be purged is purged, also if its time was moved."""
NAMES = (AGENT_PING, PURGE_RESOURCES)

SHORTEST_PERIOD_S = 0.1
SLICE = 1_000


class Task(Resource):
    """Something the server does again and again."""

    type = "task"
    roles = ADMIN_ONLY | {"superadmin": "r"}
    stored = True
    links = ("taskInstances",)
    actions = (Action("execute", None, "task"),)

    id = number(column=True)
    name = text(create=True, update=True, column=True, max_length=128)
    kind = text(column=True, read=())
    account_id = number(column=True, read=())
    removed = number(column=True, read=())


class TaskInstance(Resource):
    """One run of a task. server_id: which server noted its end."""

    type = "taskInstance"
    roles = ADMIN_ONLY | {"superadmin": "r"}
    stored = True

    end_time = date(column=True)
    exception = text(column=True)
    id = number(column=True)
    name = text(create=True, update=True, column=True, max_length=128)
    server_id = text(column=True, max_length=128, indexed=False)
    start_time = date(nullable=False, column=True)
    task_id = ref("task", nullable=False, column=True)
    kind = text(column=True, read=())
    account_id = number(column=True, read=())
    removed = number(column=True, read=())


def ensure(tx: Tx) -> None:
    """Make a row for each task that there is not one of yet."""
    present = {row.name for row in tx.find(Task)}
    for name in NAMES:
        if name not in present:
            tx.insert(Task, name=name)


def execute(tx: Tx, row: Task, input: dict[str, Any], caller: Any) -> Task:
    """Ask for a run."""
    begin(tx, row)
    return row


def begin(tx: Tx, row: Task) -> TaskInstance:
    """Note that a run is to be made."""
    return tx.insert(TaskInstance, task_id=row.id, name=row.name, start_time=tx.now)


def end(tx: Tx, number: int, server_id: str, exception: str | None = None) -> None:
    """Note that a run has ended, unless another server has. exception: why it has failed."""
    row = tx.get(TaskInstance, number)
    if row is not None and row.end_time is None:
        tx.change(row, end_time=tx.now, server_id=server_id[:128], exception=exception[:255] if exception else None)


def unfinished(read: Read) -> list[TaskInstance]:
    """Return the runs that nobody has noted the end of, the latest first."""
    return [row for row in read.find(TaskInstance, newest=True, limit=SLICE) if row.end_time is None]


def begin_scheduled(tx: Tx) -> int | None:
    """Begin a run of each task whose period is over; return when (ms) the next period is; None if none is set."""
    moments = []
    for row in tx.find(Task):
        period_s = _period_s(tx, row.name)
        if period_s is None:
            continue
        latest = tx.find(TaskInstance, task_id=row.id, newest=True, limit=1)
        due = (latest[0].start_time if latest else 0) + int(period_s * 1000)
        if due <= tx.now:
            due = begin(tx, row).start_time + int(period_s * 1000)
        moments.append(due)
    return min(moments, default=None)


def _period_s(read: Read, name: str) -> float | None:
    """Return the time between two runs of a task; None if it is not run by itself."""
    try:
        period_s = float(value_of(read, f"task.{name}.schedule") or 0)
    except ValueError:
        return None
    return max(period_s, SHORTEST_PERIOD_S) if 0 < period_s < float("inf") else None


def prune(tx: Tx) -> int:
    """Take away the oldest runs that are too old, at most a slice; return how many."""
    oldest_allowed = tx.now - number_of(tx, "task.purge.after.seconds") * 1000
    gone = [row for row in tx.find(TaskInstance, limit=SLICE) if row.start_time < oldest_allowed]
    for row in gone:
        tx.erase(row)
    return len(gone)


Task.behaviour = Behaviour(actions={"execute": execute})
