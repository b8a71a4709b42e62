"""What a batcher has done so far, in running sums: a recorder beside the run log, which it feeds.

It has the run log's methods, so the driver tells it everything once; what it keeps does not grow with the requests served.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sbsim.components.controller import CLOSE
from sbsim.records import HOW, JOINED, MEMORY, NEAR, SERVED, Call, Entry, Item, Outcome, Request
from sbsim.runlog import RunLog
from sbsim.units import NANO

_BATCHES_KEPT = 10_000
"""Batches whose first sending is remembered, so that a batch of several calls counts once."""


class Metrics:
    """Sums over what was answered, by the definitions of the KPI table.

    Parameters
    ----------
    log : where everything is recorded as well; None: nowhere.

    Attributes
    ----------
    ended : requests by how they ended (a name of `records.HOW`). latency_s : sum over delivered requests. n_late : delivered past their deadlines.
    n_close : delivered when most of their time was gone.
    individual_nano, billed_nano : list prices of the delivered requests, and bills of all calls.
    n_full : batches that had no room left. company_list_nano, company_nano : of calls of batches of two or more, list prices and bills.
    """

    def __init__(self, log: RunLog | None) -> None:
        self._log = log
        self.ended = dict.fromkeys(HOW, 0)
        self.latency_s = 0.0
        self.n_late = self.n_close = self.n_batched_requests = 0
        self.n_calls = self.n_retries = self.n_rate_limited = self.n_errors = 0
        self.n_batches = self.n_batched_items = self.n_full = 0
        self.company_nano = self.company_list_nano = 0
        self.individual_nano = self.billed_nano = 0
        self._seen: dict[int, None] = {}

    # -- what the driver tells -----------------------------------------------------------------------------------------------
    def reserve(self, serial: int) -> None:
        if self._log is not None:
            self._log.reserve(serial)

    def hit(self, request: Request, entry: Entry, how: int, now: float) -> None:
        self._delivered(request, how, now)
        if self._log is not None:
            self._log.hit(request, entry, how, now)

    def sent(self, call: Call, now: float) -> None:
        self.n_calls += 1
        self.n_retries += call.attempt > 1
        batch = call.batch
        if call.path == "" and call.attempt == 1:
            self.n_batched_items += len(call.items)
            if batch.serial not in self._seen:
                self.n_batches += 1
                self.n_full += len(batch.items) >= batch.max_size
                self._seen[batch.serial] = None
                if len(self._seen) > _BATCHES_KEPT:
                    del self._seen[next(iter(self._seen))]
        if self._log is not None:
            self._log.sent(call, now)

    def answered(self, call: Call, outcome: Outcome | None, now: float) -> None:
        self.billed_nano += call.bill_nano
        failed = outcome is not None and outcome.error is not None
        self.n_errors += failed
        self.n_rate_limited += outcome is not None and outcome.error == "rate_limited"
        if not failed and len(call.batch.items) > 1:
            self.company_nano += call.bill_nano
            self.company_list_nano += sum(item.content.individual_nano for item in call.items)
        if self._log is not None:
            self._log.answered(call, outcome, now)

    def delivered(self, items: Sequence[Item], how: int, call: Call | None, now: float) -> None:
        for item in items:
            code = how if item.ends_at != float("-inf") else JOINED
            for request in item.requests:
                self._delivered(request, code, now)
                self.n_batched_requests += code == SERVED and call is not None and len(call.items) > 1
                code = JOINED
        if self._log is not None:
            self._log.delivered(items, how, call, now)

    def asked(self, tier: int, items: Iterable[Item]) -> None:
        if self._log is not None:
            self._log.asked(tier, items)

    def failed(self, items: Sequence[Item], error: str, now: float) -> None:
        self.ended["failed"] += sum(len(item.requests) for item in items)
        if self._log is not None:
            self._log.failed(items, error, now)

    def refused(self, requests: Sequence[Request], reason: str, now: float) -> None:
        self.ended["refused"] += len(requests)
        if self._log is not None:
            self._log.refused(requests, reason, now)

    def cancelled(self, request: Request, now: float) -> None:
        self.ended["cancelled"] += 1
        if self._log is not None:
            self._log.cancelled(request, now)

    # -- what users ask ------------------------------------------------------------------------------------------------------
    def summary(self) -> dict[str, Any]:
        """Names and numbers; a ratio over 0 is 0."""
        ended = self.ended
        exact = ended[HOW[MEMORY]] + ended["redis"] + ended["cdn"]
        served = ended[HOW[SERVED]]
        n_delivered = exact + ended[HOW[NEAR]] + ended[HOW[JOINED]] + served
        n = sum(ended.values())
        saved_nano = self.individual_nano - self.billed_nano
        return {
            "n_requests": n,
            "n_delivered": n_delivered,
            "n_failed": ended["failed"],
            "n_refused": ended["refused"],
            "n_cancelled": ended["cancelled"],
            "n_calls": self.n_calls,
            "n_retries": self.n_retries,
            "n_rate_limited": self.n_rate_limited,
            "retry_amplification": _ratio(self.n_calls, self.n_calls - self.n_retries),
            "cache_hit_ratio": _ratio(exact, n),
            "near_duplicate_hit_ratio": _ratio(ended[HOW[NEAR]], n),
            "coalesced_ratio": _ratio(ended[HOW[JOINED]], n),
            "batching_efficiency": _ratio(self.n_batched_requests, served),
            "average_batch_size": _ratio(self.n_batched_items, self.n_batches),
            "api_call_reduction": 1.0 - self.n_calls / n if n else 0.0,
            "individual_cost": self.individual_nano / NANO,
            "total_cost": self.billed_nano / NANO,
            "total_cost_saved": saved_nano / NANO,
            "savings_fraction": _ratio(saved_nano, self.individual_nano),
            "cost_per_request": _ratio(self.billed_nano / NANO, n),
            "mean_latency_s": _ratio(self.latency_s, n_delivered),
            "sla_compliance": _ratio(n_delivered - self.n_late, n),
            "close_share": _ratio(self.n_close, n_delivered),
            "full_share": _ratio(self.n_full, self.n_batches),
            **({"batch_saving": 1.0 - self.company_nano / self.company_list_nano} if self.company_list_nano else {}),
            "error_rate": _ratio(ended["failed"] + ended["refused"], n),
            "attempt_error_rate": _ratio(self.n_errors, self.n_calls),
        }

    def _delivered(self, request: Request, how: int, now: float) -> None:
        self.ended[HOW[how]] += 1
        self.latency_s += now - request.arrived_at
        self.n_late += now > request.deadline_at
        self.n_close += now > request.arrived_at + CLOSE * (request.deadline_at - request.arrived_at)
        self.individual_nano += request.content.individual_nano


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0
