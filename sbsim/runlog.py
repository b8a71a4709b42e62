"""One recorder for both drivers: what happened to every request and every call, in columns.

Preallocated arrays with one slot per request, one row per answered call, one row per item of every call. It records, it does not judge: KPIs are made
of it in `measure`. Times are seconds since the start of the run, money whole nano-dollars.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from math import inf, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.records import CANCELLED, FAILED, JOINED, NEAR, REFUSED, Call, Entry, Item, Outcome, Request

_PIECE = 4096
_OVER_BUDGET = ("no_bound", "over_budget", "never_affordable")
"""Reasons for which a budget turns work away for good."""
_CALL_COLUMNS = (
    ("serial", np.int64), ("lane", np.int64), ("batch", np.int64), ("m", np.int64), ("attempt", np.int64), ("is_first", np.bool_),
    ("n_items", np.int64), ("sent_at", np.float64), ("answered_at", np.float64), ("bill_nano", np.int64), ("fixed_nano", np.int64),
    ("error", np.int64), ("n_polls", np.int64), ("is_late", np.bool_),
)  # fmt: skip


class RunLog:
    """Columns of one run. While it runs they are arrays that grow; `freeze` turns them into numpy arrays.

    Attributes after `freeze`
    -------------------------
    how : int8 (n,), code of `records.HOW`. done_at, ready_at, sent_at : float64 (n,), nan where it did not happen; `ready_at` is when the request's
    batch was ready to go (never before its arrival; its sending where it waited for a batch API by choice, the lanes in `slow_lanes`), `sent_at` its
    first sending. call : int64 (n,), row of the call that delivered, -1 for none.
    calls : dict of columns, one row per call (an unanswered one has answered_at = nan and bill 0).
    item_call, item_payer, item_content, item_part_nano : int64, one row per item of every call: the call's row, the request that pays, the content's
    serial, the item's part of the bill before scaling.
    near_request, near_content : int64, one row per near-duplicate hit: the request, and the serial of the content that it was given.
    tier_asked, tier_payer : int64, one row per question to a lower tier and per entry put into one: the tier's number and the request that pays.
    tier_held : per lower tier, (instants, bytes held from then on), as the tier itself says; empty where nobody told.
    errors : names of the codes in calls["error"] (0 is ""). refusals, failures : reason -> count. ended_at : when the run ended.
    held_by_budget : int64, serials of the requests whose call a budget held, ascending. unaffordable : reason -> int64, serials of those that it
    turned away for good, ascending.
    exhausted_at : per window of the budget, when it first held a call (inf: never).
    """

    def __init__(self, n: int, slow_lanes: Collection[int] = ()) -> None:
        self.n = n
        self._slow_lanes = frozenset(slow_lanes)
        self._how = array("b", bytes(n))
        self._done_at = array("d", [nan]) * n
        self._ready_at = array("d", [nan]) * n
        self._sent_at = array("d", [nan]) * n
        self._call = array("q", [-1]) * n
        self._rows: list[tuple[Any, ...]] = []
        self._item_payer = array("q")
        self._item_content = array("q")
        self._item_part = array("q")
        self._error_of: dict[str | None, int] = {None: 0}
        self.refusals: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.counters: dict[str, int] = {}
        self._backlogged = array("q")
        self._near = array("q")  # request and content that it was given, of every near-duplicate hit, one after the other
        self._asked = array("q")  # tier and payer of every question to a lower tier and of every entry put into it, one after the other
        self._held_by_budget = array("q")
        self._unaffordable = {reason: array("q") for reason in _OVER_BUDGET}
        self.exhausted_at: tuple[float, ...] = ()
        self.ended_at = 0.0
        self.is_incomplete = False

    # -- what drivers report -----------------------------------------------------------------------------------------------
    def reserve(self, serial: int) -> None:
        """Make room for a request beyond the announced n (arrivals after the horizon of a steady study, a live run)."""
        while serial >= len(self._how):
            self._how.frombytes(bytes(_PIECE))
            for column in (self._done_at, self._ready_at, self._sent_at):
                column.extend([nan] * _PIECE)
            self._call.extend([-1] * _PIECE)

    def hit(self, request: Request, entry: Entry, how: int, now: float) -> None:
        k = request.serial
        self._how[k] = how
        self._done_at[k] = now
        if how == NEAR:
            self._near.extend((k, entry.serial))

    def sent(self, call: Call, now: float) -> None:
        """A call leaves: the first sending of its items, for whoever waits for them by now."""
        ready_at = now if call.lane in self._slow_lanes else call.batch.ready_at
        sent, ready = self._sent_at, self._ready_at
        for item in call.items:
            if item.n_sent == 0:
                for request in item.requests:
                    k = request.serial
                    sent[k] = now
                    ready[k] = ready_at

    def answered(self, call: Call, outcome: Outcome | None, now: float) -> None:
        """A call's end, after the pipeline has settled its bill and before its deliveries are carried out. One that was never sent was no call."""
        error = None if outcome is None else outcome.error
        if error == "not_sent":
            return
        code = self._error_of.get(error)
        if code is None:
            code = self._error_of[error] = len(self._error_of)
        items = call.items
        self._rows.append((
            call.serial, call.lane, call.batch.serial, call.m, call.attempt, call.attempt == 1, len(items), call.sent_at, now, call.bill_nano,
            call.fixed_nano, code, 0 if call.polled_at is None else len(call.polled_at), call.is_late,
        ))  # fmt: skip
        self._item_payer.extend([item.payer for item in items])
        self._item_content.extend([item.content.serial for item in items])
        self._item_part.extend(call.part_nano or [0] * len(items))

    def delivered(self, items: Iterable[Item], how: int, call: Call | None, now: float) -> None:
        """The first waiter of an item that was sent is served, the others joined it."""
        row = -1 if call is None else len(self._rows) - 1
        hows, done_at, calls = self._how, self._done_at, self._call
        for item in items:
            code = how if item.ends_at != -inf else JOINED
            for request in item.requests:
                k = request.serial
                hows[k] = code
                done_at[k] = now
                calls[k] = row
                code = JOINED

    def asked(self, tier: int, items: Iterable[Item]) -> None:
        """Lower tier number `tier` was asked for these, or given them, on behalf of their payers."""
        for item in items:
            self._asked.extend((tier, item.payer))

    def failed(self, items: Iterable[Item], error: str, now: float) -> None:
        for item in items:
            for request in item.requests:
                self._how[request.serial] = FAILED
                self._done_at[request.serial] = now
                self.failures[error] += 1
                if error in _OVER_BUDGET:
                    self._unaffordable[error].append(request.serial)

    def refused(self, requests: Iterable[Request], reason: str, now: float) -> None:
        for request in requests:
            self._how[request.serial] = REFUSED
            self._done_at[request.serial] = now
            self.refusals[reason] += 1
            if reason in _OVER_BUDGET:
                self._unaffordable[reason].append(request.serial)

    def cancelled(self, request: Request, now: float) -> None:
        self._how[request.serial] = CANCELLED
        self._done_at[request.serial] = now

    def waiting(self, batches: Iterable[Any]) -> None:
        """At the end: batches that were ready and never sent."""
        for batch in batches:
            if batch.lane in self._slow_lanes:
                continue
            for item in batch.items:
                if item.n_sent == 0 and not item.done:
                    for request in item.requests:
                        if self._ready_at[request.serial] != self._ready_at[request.serial]:
                            self._ready_at[request.serial] = batch.ready_at

    def backlogged(self, serials: Iterable[int]) -> None:
        """At the end: requests that found the queue full on arrival, in order. The limits held them from then on, whenever their batch was ready."""
        self._backlogged = array("q", serials)

    def budgeted(self, held: Iterable[int], exhausted_at: Iterable[float]) -> None:
        """At the end: the serials of requests whose call the budget ever held, and when each of its windows first did (inf: never)."""
        self._held_by_budget = array("q", sorted(held))
        self.exhausted_at = tuple(exhausted_at)

    @property
    def n_unaffordable(self) -> int:
        """Requests that a budget has turned away for good so far."""
        return sum(map(len, self._unaffordable.values()))

    # -- what drivers ask --------------------------------------------------------------------------------------------------
    def first_unsettled(self, start: int, stop: int) -> int:
        """The first serial in [start, stop) that is neither first sent nor ended; `stop` when there is none."""
        how, sent = self._how, self._sent_at
        while start < stop and (how[start] or sent[start] == sent[start]):
            start += 1
        return start

    # -- what measure reads ------------------------------------------------------------------------------------------------
    def freeze(self, arrived_at: NDArray[np.float64] | Sequence[float], n_seen: int, ended_at: float) -> RunLog:
        """Arrays to numpy, cut to the `n_seen` requests that arrived; `arrived_at` has at least the first n of them, shape (n,)."""
        self.ended_at = ended_at
        self.how: NDArray[np.int8] = np.frombuffer(self._how, dtype=np.int8)[:n_seen]
        self.done_at: NDArray[np.float64] = np.frombuffer(self._done_at, dtype=np.float64)[:n_seen]
        self.sent_at: NDArray[np.float64] = np.frombuffer(self._sent_at, dtype=np.float64)[:n_seen]
        self.ready_at: NDArray[np.float64] = np.frombuffer(self._ready_at, dtype=np.float64)[:n_seen].copy()
        known = min(n_seen, len(arrived_at))
        for k in self._backlogged[: bisect_left(self._backlogged, known)]:
            self.ready_at[k] = arrived_at[k]
        np.maximum(self.ready_at[:known], np.asarray(arrived_at[:known], dtype=np.float64), out=self.ready_at[:known])  # nan stays nan
        self.call: NDArray[np.int64] = np.frombuffer(self._call, dtype=np.int64)[:n_seen]
        columns = list(zip(*self._rows, strict=True)) if self._rows else [()] * len(_CALL_COLUMNS)
        self.calls: dict[str, NDArray[Any]] = {name: np.array(c, dtype=kind) for (name, kind), c in zip(_CALL_COLUMNS, columns, strict=True)}
        self.item_call: NDArray[np.int64] = np.repeat(np.arange(len(self._rows)), self.calls["n_items"])
        self.item_payer: NDArray[np.int64] = np.array(self._item_payer, dtype=np.int64)
        self.item_content: NDArray[np.int64] = np.array(self._item_content, dtype=np.int64)
        self.item_part_nano: NDArray[np.int64] = np.array(self._item_part, dtype=np.int64)
        asked = np.frombuffer(self._asked, dtype=np.int64).reshape(-1, 2) if self._asked else np.zeros((0, 2), dtype=np.int64)
        near = np.frombuffer(self._near, dtype=np.int64).reshape(-1, 2) if self._near else np.zeros((0, 2), dtype=np.int64)
        self.near_request: NDArray[np.int64] = near[:, 0]
        self.near_content: NDArray[np.int64] = near[:, 1]
        self.tier_held: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        self.tier_asked: NDArray[np.int64] = asked[:, 0]
        self.tier_payer: NDArray[np.int64] = asked[:, 1]
        self.held_by_budget: NDArray[np.int64] = np.array(self._held_by_budget, dtype=np.int64)
        self.unaffordable: dict[str, NDArray[np.int64]] = {
            reason: np.sort(np.array(serials, dtype=np.int64)) for reason, serials in self._unaffordable.items()
        }
        self.errors: list[str] = [name or "" for name in self._error_of]
        return self

    def unanswered(self, calls: Iterable[Call]) -> None:
        """At the end: calls still under way get a row without an answer or a bill."""
        for call in calls:
            self.answered(call, None, nan)
