"""The loop that makes reconcilers run: claim -> load view -> reconcile -> apply the outcome -> finish.

One thread. What takes a type long is worked out first. Then each claimed resource is loaded, decided and changed in a
transaction of its own, and the next batch is claimed behind them, so that the store's group commit puts all that into
one commit. Reconcilers are pure and quick, so nothing is held while anything waits, and a decision is never older than
the rows it changes. A process that chains into the next is followed in the same transaction. What is next to do is
learnt from each commit (a wake-up), from the due times, and from a slow resync (`resync.py`), so that a lost wake-up
costs time and nothing else.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import structlog
from prometheus_client import Counter, Histogram

from trailboss import states
from trailboss.declare import Resource, registry
from trailboss.engine import resync, work
from trailboss.engine.apply import apply
from trailboss.errors import ApiError, Lost, TrailbossError, Unreachable
from trailboss.outcome import Again, Done, Failed, Outcome
from trailboss.store import answers, journal
from trailboss.store.store import Commit, Store
from trailboss.store.transaction import Tx

log = structlog.get_logger()

BATCH = 48
"""Less than the store puts into one commit, so that the next claim and a few requests fit in."""
LONGEST_CHAIN = 8
RESYNC_S = 180.0
"""From the beginning of one round of the slow resync to the next."""
RESYNC_PACE_S = 1.0
"""Between two slices of a round."""
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
        self._claimed: list[work.Claim] = []
        self._in_doubt = True
        self._round = resync.Round(left=[])
        self._round_at = self._slice_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._unlisten = store.listen(self._heard)

    def start(self) -> None:
        """Begin, with what this server had in hand when it died."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether reconcilers run."""
        return self._thread.is_alive() and not self._stop

    def stop(self) -> None:
        """Finish the batch in hand, give back what is claimed, and end."""
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
                self._resync()
                if self.run_batch() == 0 and not self._stop:
                    self._wake.wait(self._sleep_s())
            except Unreachable as error:
                log.warning("the engine waits for the database", error=str(error))
                self._in_doubt = True
                self._wake.wait(LONGEST_SLEEP_S)
            except Exception:
                log.exception("the engine goes on after an error")
                self._in_doubt = True
                self._wake.wait(LONGEST_SLEEP_S)
        self._give_back()

    def _give_back(self) -> None:
        try:
            self.store.write(lambda tx: work.forget_claims(tx, self.owner))
        except Unreachable as error:
            log.warning("claims are left to run out", error=str(error))

    def _sleep_s(self) -> float:
        due = self.store.read(work.next_due)
        if due is None:
            return LONGEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(0.0, (due - self.store.clock()) / 1000))

    def run_batch(self) -> int:
        """Work on what is due; return how many resources were looked at. Raises Unreachable."""
        if self._in_doubt:
            self.store.write(lambda tx: work.forget_claims(tx, self.owner))
            self._claimed, self._in_doubt = [], False
        claims = self._claimed or self._claim().result()
        if not claims:
            return 0
        for claim in claims:
            self._think(claim)
        running = [(claim, self.store.submit(_step(claim, self.jitter()), cause=claim.cause)) for claim in claims]
        ahead = self._claim()
        for claim, future in running:
            self._collect(claim, future)
        self._claimed = ahead.result()
        BATCH_SIZE.observe(len(claims))
        return len(claims)

    def _think(self, claim: work.Claim) -> None:
        """Let a type work out ahead, on this thread, what would hold up all writers in its transaction."""
        ahead = registry[claim.type].behaviour.ahead
        if ahead is None:
            return
        row = self.store.read(lambda r: r.get(registry[claim.type], claim.id))
        try:
            if row is not None:
                ahead(row)
        except Exception as error:
            # it comes again in the transaction, where it is the failure of this one resource
            log.debug("a thought failed", type=claim.type, id=claim.id, error=str(error))

    def _claim(self) -> Future[list[work.Claim]]:
        return self.store.submit(lambda tx: work.claim(tx, self.owner, BATCH))

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

    def _resync(self) -> None:
        """Mark the next slice of what should be looked at although nothing asks for it, if it is time."""
        now = time.monotonic()
        if not self._round.left and now >= self._round_at:
            self._round, self._round_at = resync.Round(), now + RESYNC_S
            self.store.write(journal.prune)
            self.store.write(answers.prune)
        if not self._round.left or now < self._slice_at:
            return
        self._slice_at = now + RESYNC_PACE_S
        found = self.store.read(self._round.look)
        if found:
            log.debug("resync", type=found[0][0].type, rows=len(found))
            self.store.write(lambda tx: resync.mark(tx, found))


def _failure(claim: work.Claim, error: Exception, jitter: float) -> Callable[[Tx], None]:
    """Put a reconcile off that raised; what the user can understand of the reason becomes the row's message.

    What is refused as wrong (422) cannot succeed by trying: a type that has an error state goes there.
    """
    because = str(error) if isinstance(error, ApiError) else "An internal error; it is being tried again"

    def run(tx: Tx) -> None:
        row = tx.get(registry[claim.type], claim.id)
        if row is None or type(row).machine is None or not states.is_moving(row):
            work.put_off(tx, claim, work.pause_s(claim.attempts, jitter), because, failed=True)
            return
        if isinstance(error, ApiError) and error.status == 422 and type(row).on_failure:
            apply(tx, row, Failed(because, type(row).on_failure))
        elif not isinstance(error, Lost):
            states.wait(tx, row, because)
        pause = 0.05 if isinstance(error, Lost) else work.pause_s(claim.attempts, jitter)
        work.put_off(tx, claim, pause, because, failed=True)

    return run


def _step(claim: work.Claim, jitter: float) -> Callable[[Tx], None]:
    """Return the transaction that looks at one resource and does what follows."""

    def run(tx: Tx) -> None:
        held = work.renew(tx, claim)
        for _ in range(LONGEST_CHAIN):
            if held is None:
                return
            looked, again = held, _look(tx, held)
            held = work.renew(tx, claim)
            if again is not None or held is None or held.marks == looked.marks:
                break
        if again is None:
            work.finish(tx, looked)
        else:
            pause = work.pause_s(claim.attempts, jitter) if again.after_s is None else again.after_s
            work.put_off(tx, looked, pause, again.because, failed=again.after_s is None)

    return run


def _look(tx: Tx, claim: work.Claim) -> Again | None:
    """Decide about one resource as it is now, and apply that."""
    row = tx.get(registry[claim.type], claim.id)
    if row is None or type(row).machine is None:
        return None
    return apply(tx, row, _decide(tx, row))


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
    if states.may(row, "purge"):
        if gone_at <= tx.now:
            return Done(process="purge")
        return Again("It can be restored until it is purged", after_s=(gone_at - tx.now) / 1000)
    # from its removal at least: the moment from which it may be purged can be moved to the past
    forget_at = max(gone_at, row.values["removed"] or 0) + RETENTION_MS
    if forget_at > tx.now:
        return Again("It can be read until its retention ends", after_s=(forget_at - tx.now) / 1000)
    tx.erase(row)
    return Done()
