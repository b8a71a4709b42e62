"""What retries cost, and what limits and budgets let through when more is waiting than they grant."""

from __future__ import annotations

from math import floor

from sbsim.units import to_nano


def mean_attempts(error: float, tries: int) -> float:
    """Mean calls for one request when each fails with probability `error`, independently, and `tries` are made at most: (1 - p^m) / (1 - p)."""
    return float(sum(error**k for k in range(tries)))


def share_lost(error: float, tries: int) -> float:
    """Share of requests whose every try fails: p^m."""
    return float(error**tries)


def mean_backoff(error: float, tries: int, base_s: float, cap_s: float) -> float:
    """Mean seconds that a request, lost or not, spends between tries.

    The pause after failure k is uniform between 0 and min(cap, base x 2^(k-1)) ("full jitter": Brooker, "Exponential backoff and jitter", AWS
    Architecture Blog, 2015), so the sum over k = 1 .. m - 1 of p^k min(cap, base 2^(k-1)) / 2.
    """
    return float(sum(error**k * min(cap_s, base_s * 2 ** (k - 1)) / 2 for k in range(1, tries)))


def bisected_calls(n: int, poison: float) -> float:
    """Mean calls that a batch of n items makes when one is poisoned with probability `poison`, independently, and a call with a poisoned item fails.

    Every failed call of more than one item makes two of its halves, so 1 + 2 sum over the internal nodes v of the tree of halves of
    1 - (1 - q)^|v|, |v| the number of items under v.
    """
    if n == 1:
        return 1.0
    half = (n + 1) // 2
    return bisected_calls(half, poison) + bisected_calls(n - half, poison) - 1.0 + 2.0 * (1.0 - (1.0 - poison) ** n)


def sliding_window_calls(n: int, window_s: float, after_s: float) -> int:
    """Calls sent until `after_s` seconds after the first, when always one is waiting and any window (t - T, t] may hold n: n (floor(t / T) + 1)."""
    return n * (floor(after_s / window_s) + 1)


def budget_calls(limit_usd: float, call_usd: float) -> int:
    """Calls in a window when always one is waiting and their bills may not exceed `limit_usd`: floor(L / c), in whole nano-dollars."""
    return to_nano(limit_usd) // to_nano(call_usd)
