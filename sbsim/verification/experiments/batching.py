"""Kinds 3 and 4: batches of a fixed size that queue for one slot, and batches that a window closes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import inf

from sbsim.measure import Counted
from sbsim.verification import closed_forms as exact
from sbsim.verification.experiment import Document, Experiment, Readings, document, exponential, mean_of, poisson, ratio_of

Rates = Mapping[str, float]

# -- 3: E_K/M/1 --------------------------------------------------------------------------------------------------------------
SIZE, FULL_RATE, LATENCY = 3, 1.95, "mean latency, s"


def _full(factor: float, requests: int) -> Document:
    """No timer worth the name: a batch goes when it is full, and nobody joins it while it waits for the slot."""
    return document(
        arrivals=poisson(FULL_RATE * factor),
        requests=requests,
        latency=exponential(1.0),
        warmup_s=200.0,
        provider={"api": {"takes": "list", "max_items": SIZE}},
        config={
            "batching": {"max_batch_size": SIZE, "max_wait": "100000h", "late_join": False},
            "rate_limit": {"concurrency": 1},
        },
    )


def _full_exact(factor: float) -> Rates:
    return {LATENCY: exact.full_batch_latency(FULL_RATE * factor, 1.0, SIZE)}


def _read_full(counted: Counted) -> Readings:
    return {LATENCY: mean_of(counted, "mean_latency_s")}


# -- 4: windows --------------------------------------------------------------------------------------------------------------
WINDOW_RATE, WINDOW_S, CAP = 1.0, 4.0, 5
FEE_USD, ITEM_USD, DISCOUNT, DISCOUNT_FROM = 0.10, 0.02, 0.75, 4
MEAN_SIZE, MEAN_WAIT, PER_REQUEST = "mean batch size", "mean wait, s", "dollars per request"


def _window(factor: float, requests: int, cap: float) -> Document:
    """Nothing limits the calls: what is not waiting for its window is on its way."""
    price = {
        "rates": [{"per": "call", "usd": FEE_USD}, {"per": "item", "usd": ITEM_USD}],
        "tiers": [{"from": 1, "factor": 1.0}, {"from": DISCOUNT_FROM, "factor": DISCOUNT}],
    }
    size = 10**6 if cap == inf else int(cap)
    return document(
        arrivals=poisson(WINDOW_RATE * factor),
        requests=requests,
        latency={"total": 1.0},
        warmup_s=100.0,
        provider={"api": {"takes": "list", "max_items": size}, "price": price},
        config={"batching": {"max_batch_size": size, "max_wait": WINDOW_S}},
    )


def _bill_usd(size: int) -> float:
    return FEE_USD + (DISCOUNT if size >= DISCOUNT_FROM else 1.0) * ITEM_USD * size


def _window_exact(factor: float, cap: float) -> Rates:
    rate = WINDOW_RATE * factor
    return {
        MEAN_SIZE: exact.window_mean_size(rate, WINDOW_S, cap),
        MEAN_WAIT: exact.window_wait(rate, WINDOW_S, cap),
        PER_REQUEST: exact.window_bill(rate, WINDOW_S, cap, _bill_usd),
    }


def _read_window(counted: Counted) -> Readings:
    return {
        MEAN_SIZE: ratio_of(counted, "n_requests", "n_calls"),
        MEAN_WAIT: mean_of(counted, "mean_wait_s"),
        PER_REQUEST: ratio_of(counted, "total_cost_usd", "n_requests"),
    }


BATCHING = (
    Experiment(3, f"E_{SIZE}/M/1, load {FULL_RATE / SIZE:g}", _full, _full_exact, _read_full, 12_500),
    Experiment(4, f"windows of {WINDOW_S:g} s, at most {CAP}", partial(_window, cap=CAP), partial(_window_exact, cap=CAP), _read_window, 1_600),
    Experiment(4, f"windows of {WINDOW_S:g} s", partial(_window, cap=inf), partial(_window_exact, cap=inf), _read_window, 1_600),
)
