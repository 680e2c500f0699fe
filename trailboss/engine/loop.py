"""The loop that makes reconcilers run: claim -> load view -> reconcile -> apply the outcome -> finish.

One thread. A batch is claimed in one transaction; each resource is then loaded, decided and changed in a transaction
of its own, which the store's group commit puts into few commits. Reconcilers are pure and quick, so nothing is held
while anything waits, and a decision is never older than the rows it changes. What is next to do is learnt from each
commit (a wake-up), from the due times, and from a slow resync, so that a lost wake-up costs time and nothing else.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import Future

import structlog
from prometheus_client import Counter, Histogram

from trailboss import states
from trailboss.declare import Resource, registry
from trailboss.engine import work
from trailboss.engine.apply import apply
from trailboss.errors import ApiError, Lost, TrailbossError, Unreachable
from trailboss.outcome import Again, Done, Failed, Outcome
from trailboss.store.store import Commit, Store
from trailboss.store.transaction import Tx

log = structlog.get_logger()

BATCH = 64
LONGEST_SLEEP_S = 1.0
"""Between two looks at the queue without a wake-up: other servers' work on a shared database is found by it."""
RETENTION_MS = 7 * 24 * 3_600_000
"""How long a purged row can still be read by its id."""

RECONCILES = Counter("trailboss_engine_reconciles_total", "Reconciles", ["type", "result"])
BATCH_SIZE = Histogram("trailboss_engine_batch_size", "Resources claimed at once", buckets=(1, 2, 4, 8, 16, 32, 64))


class Engine:
    """Runs until stopped. owner: name of this server, for leases. jitter: returns 0..1; tests hand in their own."""

    def __init__(self, store: Store, owner: str, *, jitter: Callable[[], float] = random.random) -> None:
        self.store, self.owner, self.jitter = store, owner, jitter
        work.prepare(store.database)
        self._wake = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._unlisten = store.listen(self._heard)

    def start(self) -> None:
        """Take up what this server had in hand when it died, and begin."""
        self.store.write(lambda tx: work.forget_claims(tx, self.owner))
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether reconcilers run."""
        return self._thread.is_alive() and not self._stop

    def stop(self) -> None:
        """Finish the batch in hand and end."""
        self._stop = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        self._unlisten()

    def _heard(self, commit: Commit) -> None:
        if commit.due is not None:
            self._wake.set()

    def _run(self) -> None:
        while not self._stop:
            self._wake.clear()
            try:
                if self.run_batch() == 0 and not self._stop:
                    self._wake.wait(self._sleep_s())
            except Unreachable as error:
                log.warning("the engine waits for the database", error=str(error))
                self._wake.wait(LONGEST_SLEEP_S)
            except Exception:
                log.exception("the engine goes on after an error")
                self._wake.wait(LONGEST_SLEEP_S)

    def _sleep_s(self) -> float:
        due = self.store.read(work.next_due)
        if due is None:
            return LONGEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(0.0, (due - self.store.clock()) / 1000))

    def run_batch(self) -> int:
        """Work on what is due; return how many resources were looked at."""
        claims = self.store.write(lambda tx: work.claim(tx, self.owner, BATCH))
        running: list[tuple[work.Claim, Future[None]]] = []
        for claim in claims:
            running.append((claim, self.store.submit(_step(claim, self.jitter()), cause=claim.cause)))
        for claim, future in running:
            self._collect(claim, future)
        if claims:
            BATCH_SIZE.observe(len(claims))
        return len(claims)

    def _collect(self, claim: work.Claim, future: Future[None]) -> None:
        try:
            future.result()
            RECONCILES.labels(claim.type, "ok").inc()
        except Unreachable:
            raise
        except Exception as error:
            RECONCILES.labels(claim.type, "error").inc()
            expected = isinstance(error, TrailbossError)
            log.log(
                30 if expected else 40,
                "a reconcile failed and will be tried again",
                type=claim.type,
                id=claim.id,
                request=claim.cause,
                attempts=claim.attempts,
                error=str(error),
                exc_info=None if expected else error,
            )
            self.store.write(_failure(claim, error, self.jitter()), cause=claim.cause)


def _failure(claim: work.Claim, error: Exception, jitter: float) -> Callable[[Tx], None]:
    """Put a reconcile off that raised; what the user can understand of the reason becomes the row's message."""
    because = str(error) if isinstance(error, ApiError) else "An internal error; it is being tried again"

    def run(tx: Tx) -> None:
        row = tx.get(registry[claim.type], claim.id)
        if row is not None and type(row).machine is not None and states.is_moving(row):
            states.wait(tx, row, because)
        pause = 0.05 if isinstance(error, Lost) else work.pause_s(claim.attempts, jitter)
        work.put_off(tx, claim, pause, because, failed=True)

    return run


def _step(claim: work.Claim, jitter: float) -> Callable[[Tx], None]:
    """Return the transaction that looks at one resource and does what follows."""

    def run(tx: Tx) -> None:
        row = tx.get(registry[claim.type], claim.id)
        if row is None or type(row).machine is None:
            work.finish(tx, claim)
            return
        outcome = _decide(tx, row)
        again = apply(tx, row, outcome)
        if again is None:
            work.finish(tx, claim)
        else:
            pause = work.pause_s(claim.attempts, jitter) if again.after_s is None else again.after_s
            work.put_off(tx, claim, pause, again.because, failed=again.after_s is None)

    return run


def _decide(tx: Tx, row: Resource) -> Outcome:
    """Ask the type's reconciler, or settle a row of a type without one; rows that are gone only age."""
    state = row.values["state"]
    if state in ("removed", "purged"):
        return _age(tx, row, state)
    behaviour = type(row).behaviour
    if behaviour.load is None or behaviour.reconcile is None:
        return Done()
    outcome: Outcome = behaviour.reconcile(behaviour.load(tx, row))
    if isinstance(outcome, Failed) and outcome.process is None and type(row).on_failure:
        return Failed(outcome.because, type(row).on_failure, outcome.steps, outcome.values)
    return outcome


def _age(tx: Tx, row: Resource, state: str) -> Outcome:
    """Purge a removed row when its time has come; forget one that has been gone for the retention."""
    gone_at = row.values["remove_time"] or tx.now
    if row.values.get("purge_at_once"):
        gone_at = row.values["removed"] or tx.now
    if state == "removed" and "purge" in states.machine_of(row).processes:
        if gone_at <= tx.now:
            return Done(process="purge")
        return Again("It can be restored until it is purged", after_s=(gone_at - tx.now) / 1000)
    forget_at = gone_at + RETENTION_MS
    if forget_at > tx.now:
        return Again("It can be read until its retention ends", after_s=(forget_at - tx.now) / 1000)
    tx.erase(row)
    return Done()
