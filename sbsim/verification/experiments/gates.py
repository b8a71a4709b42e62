"""Kinds 9 to 12: retries of calls that fail, poisoned batches, and what limits, pacing and a budget let through when everything asks at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.measure import Counted
from sbsim.verification import closed_forms as exact
from sbsim.verification.experiment import AT_ONCE, Document, Experiment, Readings, document, kpi, poisson, ratio_of

Rates = Mapping[str, float]

# -- 9: retries --------------------------------------------------------------------------------------------------------------
CALL_ERROR, TRIES, BASE_S, CAP_S = 0.8, 3, 1.0, 1.5
CALLS, LOST, BACKOFF = "calls per request", "share lost", "mean backoff, s"


def _failing(factor: float, requests: int) -> Document:
    """Calls take no time, so that all of a request's time is backoff; no breaker stops the lane for failing as often as it should."""
    return document(
        arrivals=poisson(factor),
        requests=requests,
        latency=AT_ONCE,
        provider={"failures": {"call_error": CALL_ERROR}},
        config={"retry": {"max_attempts": TRIES, "base": BASE_S, "cap": CAP_S}, "routing": {"allowed_failures": 10**9}},
    )


def _failing_exact(_: float) -> Rates:
    return {
        CALLS: exact.mean_attempts(CALL_ERROR, TRIES),
        LOST: exact.share_lost(CALL_ERROR, TRIES),
        BACKOFF: exact.mean_backoff(CALL_ERROR, TRIES, BASE_S, CAP_S),
    }


def _read_failing(counted: Counted) -> Readings:
    return {
        CALLS: ratio_of(counted, "n_calls", "n_requests"),
        LOST: ratio_of(counted, "n_failed", "n_requests"),
        BACKOFF: (float((counted.done_at - counted.arrived_at).sum()), float(counted.n)),
    }


# -- 10: bisecting -----------------------------------------------------------------------------------------------------------
POISON, POISONED_SIZE = 0.1, 7
BATCH_CALLS = f"calls per batch of {POISONED_SIZE}"


def _poisoned(factor: float, requests: int) -> Document:
    """Batches of one size, sent as they fill; the last one may stay open and is not counted."""
    return document(
        arrivals=poisson(factor),
        requests=requests,
        latency=AT_ONCE,
        provider={"api": {"takes": "list"}, "failures": {"poison": POISON}},
        config={"batching": {"max_batch_size": POISONED_SIZE, "max_wait": "1000h", "coalesce": False}},
        study="terminating",
    )


def _poisoned_exact(_: float) -> Rates:
    return {BATCH_CALLS: exact.bisected_calls(POISONED_SIZE, POISON)}


def _read_poisoned(counted: Counted) -> Readings:
    return {BATCH_CALLS: (kpi(counted, "n_calls"), float(counted.n // POISONED_SIZE))}


# -- 11 and 12: everything at once -------------------------------------------------------------------------------------------
def _crowd(factor: float, requests: int, config: Mapping[str, Mapping[str, Any]], **more: Any) -> Document:
    """All requests of the study arrive in one group."""
    arrivals = {"process": "batch", "rate": factor, "size": requests}
    return document(arrivals=arrivals, requests=requests, latency={"total": 1.0}, study="terminating", config=config, drain_limit="1000h", **more)


def _farthest(values: NDArray[Any], exact_value: float) -> float:
    """The value farthest from what all of them should be."""
    return float(values[np.argmax(np.abs(values - exact_value))])


GRANTED, WINDOW_S, N_WINDOWS, PACING_S = 7, 60.0, 4, 0.7
UNTIL_S = (N_WINDOWS - 0.5) * WINDOW_S
SENT, NEXT, GAP = f"calls sent within {UNTIL_S:g} s", f"from a call to the {GRANTED}th after it, s", "gap between calls, s"


def _sliding_exact(_: float) -> Rates:
    return {SENT: float(exact.sliding_window_calls(GRANTED, WINDOW_S, UNTIL_S)), NEXT: WINDOW_S}


def _read_sliding(counted: Counted) -> Readings:
    sent_at = counted.sent_at
    spans = sent_at[GRANTED:] - sent_at[:-GRANTED]
    return {SENT: (float(np.count_nonzero(sent_at <= sent_at[0] + UNTIL_S)), 1.0), NEXT: (_farthest(spans, WINDOW_S), 1.0)}


def _read_paced(counted: Counted) -> Readings:
    return {GAP: (_farthest(np.diff(counted.sent_at), PACING_S), 1.0)}


LIMIT_USD, CALL_USD, BUDGET_S = 1.00, 0.03, 3600.0
IN_A_WINDOW = "calls in a window"


def _budget_exact(_: float) -> Rates:
    return {IN_A_WINDOW: float(exact.budget_calls(LIMIT_USD, CALL_USD))}


def _read_budget(counted: Counted) -> Readings:
    """Windows (t - W, t] that end halfway between two bursts; the last, which may not be full, is left out."""
    since_s = counted.sent_at - counted.sent_at[0]
    per_window = np.bincount((since_s / BUDGET_S + 0.5).astype(np.int64))
    return {IN_A_WINDOW: (_farthest(per_window[:-1], exact.budget_calls(LIMIT_USD, CALL_USD)), 1.0)}


SLIDING = {"rate_limit": {"max_requests": GRANTED, "time_window": WINDOW_S}}
PACED = {"rate_limit": {"batch_pacing_interval": PACING_S}}
BUDGET = {"budget": {"limit": LIMIT_USD, "window": BUDGET_S}}
PRICE = {"price": {"rates": [{"per": "call", "usd": CALL_USD}]}}

GATES = (
    Experiment(9, f"retries, errors {CALL_ERROR:g}, {TRIES} tries", _failing, _failing_exact, _read_failing, 450),
    Experiment(10, f"bisecting, {POISON:g} poisoned", _poisoned, _poisoned_exact, _read_poisoned, 300 * POISONED_SIZE),
    Experiment(11, f"sliding limit, {GRANTED} in {WINDOW_S:g} s", partial(_crowd, config=SLIDING), _sliding_exact, _read_sliding,
        GRANTED * N_WINDOWS + 3, 4, is_random=False),
    Experiment(11, "pacing", partial(_crowd, config=PACED), lambda _: {GAP: PACING_S}, _read_paced, 500, 4, is_random=False),
    Experiment(12, "hard budget", partial(_crowd, config=BUDGET, provider=PRICE), _budget_exact, _read_budget, 150, 4, is_random=False),
)  # fmt: skip
