"""Who pays which share of a call's bill: fixed parts equally, the rest by the items' own parts, odd nano-dollars to the lowest serials.

Whole nano-dollars in, whole nano-dollars out: the shares of a call add up to its bill exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def split(bill: int, fixed: int, parts: Sequence[int], serials: Sequence[int] | None = None) -> list[int]:
    """Shares of one call's bill, in nano-dollars, in the order of `parts`.

    Parameters
    ----------
    bill, fixed : nano-dollars of the call and of its fixed part (call fee, set-up, top-up to a minimum), 0 <= fixed <= bill.
    parts : non-negative weight of each item in the rest; all zero means equal shares.
    serials : who goes first when nano-dollars are left over (the lowest); the order given by default.
    """
    n = len(parts)
    order = range(n) if serials is None else sorted(range(n), key=serials.__getitem__)
    weights = parts if any(parts) else [1] * n
    total, rest = sum(weights), bill - fixed
    shares = [rest * weight // total for weight in weights]
    left = rest - sum(shares)
    each, odd = divmod(fixed, n)
    for position, k in enumerate(order):
        shares[k] += each + (position < odd) + (position < left)
    return shares


def split_many(
    bill: NDArray[np.int64], fixed: NDArray[np.int64], call: NDArray[np.int64], parts: NDArray[np.int64], serials: NDArray[np.int64]
) -> NDArray[np.int64]:
    """`split` for many calls at once.

    Parameters
    ----------
    bill, fixed : int64 (n_calls,), nano-dollars; below 2^50 (1.1 million dollars a call).
    call, parts, serials : int64 (n_items,): the item's call (a position in `bill`), its part and its payer's serial.

    Returns
    -------
    int64 (n_items,), nano-dollars; per call they add up to its bill.
    """
    n_calls = len(bill)
    n = np.bincount(call, minlength=n_calls)
    order = np.lexsort((serials, call))
    first = np.concatenate(([0], np.cumsum(n)[:-1])) if n_calls else np.zeros(0, dtype=np.int64)
    position = np.empty(len(call), dtype=np.int64)
    position[order] = np.arange(len(call)) - first[call[order]]

    total = _sums(parts, call, n_calls)
    weights = np.where(total[call] > 0, parts, 1)
    total = np.where(total > 0, total, n)
    rest = (bill - fixed)[call]
    shares = _floor_ratio(rest, weights, total[call])
    left = (bill - fixed) - _sums(shares, call, n_calls)
    n_or_one = np.maximum(n, 1)
    each, odd = fixed // n_or_one, fixed % n_or_one
    shares += each[call] + (position < odd[call]) + (position < left[call])
    return shares


def _sums(values: NDArray[np.int64], call: NDArray[np.int64], n_calls: int) -> NDArray[np.int64]:
    """Sum per call in whole numbers (bincount with weights would go through floats)."""
    sums = np.zeros(n_calls, dtype=np.int64)
    np.add.at(sums, call, values)
    return sums


def _floor_ratio(rest: NDArray[np.int64], weight: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.int64]:
    """floor(rest * weight / total) though the product does not fit 64 bits.

    The quotient by floats is right to within one; the true remainder lies within one `total` of [0, total), so it is right modulo 2^64 and tells
    which way the quotient is wrong.
    """
    guess = np.floor(rest * (weight / total)).astype(np.int64)
    with np.errstate(over="ignore"):
        remainder = rest * weight - guess * total
    return guess + (remainder >= total) - (remainder < 0)
