"""Batches formed online: of a fixed size, or by a window that the first arrival opens.

All arrivals are Poisson. The window of a batch is `wait_s` long; it closes early on the arrival that fills the batch to `cap`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf

import numpy as np
from numpy.typing import NDArray

_NEGLIGIBLE = 1e-17
"""Probability below which larger batches of an uncapped window are left out."""


def full_batch_latency(arrival_rate: float, service_rate: float, size: int) -> float:
    """Mean latency, seconds, when batches of exactly `size` are served one at a time by one exponential server.

    Parameters
    ----------
    arrival_rate : requests per second. service_rate : batches per second. size : K requests to a batch.

    Notes
    -----
    Batches arrive at an E_K/M/1 queue: a request waits (K - 1) / (2 lambda) on average for its batch to fill, the batch
    sigma / (mu (1 - sigma)) for the server, where sigma = (lambda / (lambda + mu (1 - sigma)))^K in (0, 1): Kendall, "Stochastic processes
    occurring in the theory of queues", Ann. Math. Statist. 24 (1953); Kleinrock, "Queueing Systems" vol. 1 (1975), chapter 6.
    """
    if arrival_rate >= size * service_rate:
        raise ValueError(f"arrival rate {arrival_rate:g} is not below {size} x {service_rate:g} per second: there is no stationary regime")
    before, sigma = -1.0, 0.0
    while sigma != before:  # rises to the smaller root and stops where rounding does
        before, sigma = sigma, max(sigma, (arrival_rate / (arrival_rate + service_rate * (1 - sigma))) ** size)
    return (size - 1) / (2 * arrival_rate) + sigma / (service_rate * (1 - sigma)) + 1 / service_rate


def window_sizes(arrival_rate: float, wait_s: float, cap: float = inf) -> NDArray[np.float64]:
    """P(size = 1), P(size = 2), ... of a batch, shape (cap,); without a cap up to where the rest is negligible.

    The first arrival opens the window; N ~ Poisson(lambda w) follow within it, so the size is min(1 + N, cap) (elementary).
    """
    joiners = arrival_rate * wait_s
    probabilities, probability, j = [], exp(-joiners), 0
    while j < cap - 1 and not (j > joiners and probability < _NEGLIGIBLE):
        probabilities.append(probability)
        j += 1
        probability *= joiners / j
    if cap < inf:
        probabilities.extend([0.0] * (int(cap) - 1 - len(probabilities)))
        probabilities.append(max(0.0, 1 - sum(probabilities)))
    return np.array(probabilities)


def window_mean_size(arrival_rate: float, wait_s: float, cap: float = inf) -> float:
    """Mean size of a batch: 1 + sum over j = 1 .. cap - 1 of P(N >= j); without a cap 1 + lambda w."""
    if cap == inf:
        return 1 + arrival_rate * wait_s
    return 1 + float(_at_least(arrival_rate, wait_s, cap)[1:].sum())


def window_wait(arrival_rate: float, wait_s: float, cap: float = inf) -> float:
    """Mean time, seconds, from a request's arrival to the close of its window.

    Notes
    -----
    With j joiners j + 1 requests wait, for P(N >= j + 1) / lambda on average: the time that a Poisson process stopped at w spends in state j.
    So W = sum over j = 0 .. cap - 2 of (j + 1) P(N >= j + 1) / (lambda E[size]); without a cap w (1 + lambda w / 2) / (1 + lambda w).
    """
    size = window_mean_size(arrival_rate, wait_s, cap)
    if cap == inf:
        return wait_s * (1 + arrival_rate * wait_s / 2) / size
    tail = _at_least(arrival_rate, wait_s, cap)[1:]
    return float(np.arange(1, len(tail) + 1) @ tail) / (arrival_rate * size)


def window_bill(arrival_rate: float, wait_s: float, cap: float, bill_usd: Callable[[int], float]) -> float:
    """Dollars per request when a batch of k is billed `bill_usd(k)`: sum of P(size = k) bill(k) over E[size] (renewal reward)."""
    sizes = window_sizes(arrival_rate, wait_s, cap)
    bills = np.array([bill_usd(k) for k in range(1, len(sizes) + 1)])
    return float(sizes @ bills / (sizes @ np.arange(1, len(sizes) + 1)))


def _at_least(arrival_rate: float, wait_s: float, cap: float) -> NDArray[np.float64]:
    """P(N >= j) for j = 0 .. cap - 1, shape (cap,): the share of batches of more than j requests."""
    return np.cumsum(window_sizes(arrival_rate, wait_s, cap)[::-1])[::-1]
