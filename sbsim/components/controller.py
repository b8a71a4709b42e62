"""Moves batch size, waiting time and thresholds while the layer runs, from what it observes: a waiting room, and the rule as a pure function.

The rule is additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance in
computer networks", Computer Networks and ISDN Systems 17, 1989), as Crankshaw et al. use it for the size of batches under a latency objective
("Clipper: a low-latency online prediction serving system", NSDI 2017, section 4.3.1). What is increased is company: it makes content cheaper where a
call has a price of its own, and later. One step, in this order:

1. Too many attempts fail (`MOST_ERRORS`): half the size, so that a failed call loses less.
2. Too many deliveries are late (`Bounds.max_late`): half the wait.
3. Too many come close to their deadlines (`CLOSE` of the time they have): nothing. This band between "more" and "less" is what keeps it from
   swinging: an increase stops before it makes anything late.
4. Company does not pay (batches of two or more cost what their members cost alone): half the wait, since the same bill can be had sooner. What was
   seen of that is remembered for `REMEMBERED` looks: without company nobody sees it, and a wait that comes and goes would be the price of asking.
5. Company pays, or nobody knows: a twentieth of the range more of what binds. That is size where most batches are full, else the wait; and where the
   longest wait still leaves batches three quarters empty, a lower similarity threshold.
6. Near-duplicates, where they are reused: a stricter threshold while reuse abounds, a looser one while it is scarce, with a band between.

Contract. Every knob stays within its bounds once it is moved, and a knob without reason stays as it is. Equal observations move equally: nothing is
drawn and no clock is read. `due_at` is armed by the first observation after a look and is inf without one, so an idle layer is left alone. `wake`
looks only at work that began after the last move, and moves nothing before it has seen `LEAST` deliveries or attempts of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple, TypeVar

from sbsim.records import Call, Item, Outcome

LEAST = 20
"""Deliveries that a move is founded on at least."""
MOST_ERRORS = 0.2
"""Share of attempts that fail from which batches are made smaller."""
CLOSE = 0.8
"""Share of its time after which a delivery counts as close to its deadline."""
LEAST_SAVING = 0.01
"""Share of the list price that company must save to pay."""
COMPANY = 1.5
"""Items in a batch on average from which its bill tells whether company pays."""
REMEMBERED = 60
"""Looks after which it is asked anew whether company pays."""
SCARCE, ABUNDANT = 0.3, 0.6
"""Shares of requests answered from memory between which the threshold of near-duplicates is left alone (the first is that of the alert)."""

_T = TypeVar("_T", int, float)


class Knobs(NamedTuple):
    """What is moved: items, seconds, and two fractions."""

    max_batch_size: int
    max_wait_s: float
    similarity_threshold: float
    near_duplicate_threshold: float


class Bounds(NamedTuple):
    """Lowest and highest value of every knob, and the share of deliveries that may be late."""

    low: Knobs
    high: Knobs
    max_late: float = 0.05
    moves_near: bool = False


class Seen(NamedTuple):
    """What was observed: shares are fractions, `mean_size` is items in a batch, `saving` the share of list prices that calls of batches with company
    did not cost (None: nobody knows)."""

    late: float = 0.0
    close: float = 0.0
    errors: float = 0.0
    mean_size: float = 1.0
    full: float = 0.0
    saving: float | None = None
    reused: float = 0.0


def moved(knobs: Knobs, seen: Seen, bounds: Bounds) -> Knobs:
    """One step of the rule above."""
    low, high = bounds.low, bounds.high
    size, wait_s, similarity, near = knobs
    if seen.errors > MOST_ERRORS:
        size = _within(low.max_batch_size, size // 2, high.max_batch_size)
    elif seen.late > bounds.max_late:
        wait_s = _within(low.max_wait_s, _halved(wait_s), high.max_wait_s)
    elif seen.close <= bounds.max_late:
        if seen.saving is not None and seen.saving < LEAST_SAVING:
            wait_s = _within(low.max_wait_s, _halved(wait_s), high.max_wait_s)
        elif seen.full > 0.5:
            size = _within(low.max_batch_size, size + max(1, (high.max_batch_size - low.max_batch_size) // 20), high.max_batch_size)
        elif wait_s < high.max_wait_s:
            wait_s = _within(low.max_wait_s, round(wait_s + (high.max_wait_s - low.max_wait_s) / 20, 3), high.max_wait_s)
        elif seen.mean_size < size / 4:
            similarity = _within(low.similarity_threshold, round(similarity - 0.05, 4), high.similarity_threshold)
    if bounds.moves_near and not SCARCE <= seen.reused <= ABUNDANT:
        step = 0.02 if seen.reused > ABUNDANT else -0.02
        near = _within(low.near_duplicate_threshold, round(near + step, 4), high.near_duplicate_threshold)
    return Knobs(size, wait_s, similarity, near)


def _halved(wait_s: float) -> float:
    """Half of it; what is below a tenth of a second counts as nothing, or it would never end."""
    return round(wait_s / 2, 3) if wait_s > 0.1 else 0.0


def _within(low: _T, value: _T, high: _T) -> _T:
    return min(max(value, low), high)


class Controller:
    """Observes, and looks every `interval_s` seconds while there is something to see.

    Attributes
    ----------
    due_at : when to look; inf while nothing has been observed. n_moves : how often it moved something.
    """

    __slots__ = (
        "_bill_nano", "_list_nano", "_moved_at", "_n_answered", "_n_batches", "_n_close", "_n_delivered", "_n_errors", "_n_full", "_n_items",
        "_n_late", "_n_looks", "_n_reused", "_n_submitted", "_saving", "bounds", "due_at", "interval_s", "n_moves",
    )  # fmt: skip

    def __init__(self, bounds: Bounds, interval_s: float) -> None:
        self.bounds = bounds
        self.interval_s = interval_s
        self.due_at = inf
        self.n_moves = 0
        self._n_submitted = self._n_reused = 0
        self._moved_at = -inf
        self._saving: float | None = None  # the last that was seen of it, and how many looks ago
        self._n_looks = 0
        self._forget()

    def delivered(self, items: Sequence[Item], now: float) -> None:
        """These were delivered to all who waited."""
        for item in items:
            if item.opened_at < self._moved_at:
                continue
            for request in item.requests:
                self._n_delivered += 1
                if now > request.deadline_at:
                    self._n_late += 1
                if now > request.arrived_at + CLOSE * (request.deadline_at - request.arrived_at):
                    self._n_close += 1
        if self.due_at == inf:
            self.due_at = now + self.interval_s

    def answered(self, call: Call, outcome: Outcome, now: float) -> None:
        """An attempt has ended and its bill is known."""
        if self.due_at == inf:
            self.due_at = now + self.interval_s
        batch = call.batch
        if batch.opened_at < self._moved_at or outcome.error == "not_sent":
            return
        self._n_answered += 1
        if outcome.error is not None:
            self._n_errors += 1
            return
        n = len(call.items)
        share = n / len(batch.items)  # of the batch: it may make several calls
        self._n_items += n
        self._n_batches += share
        if len(batch.items) >= batch.max_size:
            self._n_full += share
        self._bill_nano += call.bill_nano
        self._list_nano += sum([item.content.individual_nano for item in call.items])

    def wake(self, knobs: Knobs, n_submitted: int, n_reused: int, now: float) -> Knobs | None:
        """Look, and say where the knobs should stand; None: as they are. The counts are those of the whole run so far."""
        self.due_at = inf
        if self._n_delivered < LEAST and self._n_answered < LEAST:
            return None
        self._n_looks += 1
        wanted = moved(knobs, self.seen(n_submitted, n_reused), self.bounds)
        self._n_submitted, self._n_reused = n_submitted, n_reused
        self._forget()
        if wanted == knobs:
            return None
        self._moved_at = now
        self.n_moves += 1
        return wanted

    def seen(self, n_submitted: int, n_reused: int) -> Seen:
        """What was observed since the last look."""
        n = self._n_delivered or 1
        batches = self._n_batches or 1.0
        if self._n_items and self._n_items / batches >= COMPANY and self._list_nano:
            self._saving, self._n_looks = 1.0 - self._bill_nano / self._list_nano, 0
        elif self._n_looks >= REMEMBERED:
            self._saving = None
        return Seen(
            late=self._n_late / n,
            close=self._n_close / n,
            errors=self._n_errors / (self._n_answered or 1),
            mean_size=self._n_items / batches if self._n_items else 1.0,
            full=self._n_full / batches,
            saving=self._saving,
            reused=(n_reused - self._n_reused) / max(n_submitted - self._n_submitted, 1),
        )

    def _forget(self) -> None:
        self._n_delivered = self._n_late = self._n_close = self._n_answered = self._n_errors = self._n_items = 0
        self._n_batches = self._n_full = 0.0
        self._bill_nano = self._list_nano = 0
