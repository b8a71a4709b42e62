"""Batches as they were first sent: how large, how alike, and which part of each is counted.

Owns the reconstruction of batches from the log's item rows. Knows the counted columns' arrays; no KPI.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Score = Callable[[int, float, int, float], float]
"""(shape, duration, shape, duration) -> similarity in [0, 1]."""


class FirstSends:
    """Batches, numbered 0 .. n_batches - 1 in order of formation, and their items.

    Parameters
    ----------
    batch : per item of a first send, its batch's serial. is_counted : whether a counted request pays for it.

    Attributes
    ----------
    number : per item, its batch's number. size : (n_batches,) items. share : (n_batches,) counted items over items, 0 to 1.
    """

    def __init__(self, batch: Ints, is_counted: Bools) -> None:
        self.is_counted = is_counted
        serials, self.number = np.unique(batch, return_inverse=True)
        self.n_batches = len(serials)
        self.size: Ints = np.bincount(self.number, minlength=self.n_batches)
        self.share: Floats = _sums(self.number, is_counted, self.n_batches) / self.size

    @cached_property
    def n_counted_items(self) -> int:
        """Items that counted requests pay for."""
        return int(np.count_nonzero(self.is_counted))

    def mean_similarity(self, shape: Ints, duration_s: Floats, score: Score) -> float | None:
        """Mean over counted batches of two or more of the mean similarity of their pairs; None when there is no such batch.

        A pair's similarity is what its shapes alone decide (`score` at equal durations) less what unequal durations take away, which is linear in
        shorter / longer. So the pairs need not be listed: ratios are summed over ascending durations, shapes over cells of equal shape.

        Parameters
        ----------
        shape, duration_s : per item, in the rows' order.
        """
        weight = np.where(self.size >= 2, self.share, 0.0)
        if not weight.any():
            return None
        n_pairs = self.size * (self.size - 1) / 2
        lost = (n_pairs - self._ratio_sums(duration_s)) * (1 - _at_zero_ratio(score))
        total = self._shape_sums(shape, score) - lost
        return float(weight @ (total / np.maximum(n_pairs, 1)) / weight.sum())

    def _ratio_sums(self, duration_s: Floats) -> Floats:
        """(n_batches,) sum over pairs of shorter / longer duration; 1 for two of no duration."""
        order = np.lexsort((duration_s, self.number))
        number, ascending = self.number[order], duration_s[order]
        starts = np.concatenate(([0], np.cumsum(self.size)))[:-1]
        sums = np.cumsum(ascending)
        shorter = sums - ascending - (sums[starts] - ascending[starts])[number]  # of the same batch, before this item
        place = np.arange(len(order)) - starts[number]
        ratios = np.where(ascending > 0, shorter / np.where(ascending > 0, ascending, 1.0), place)
        return _sums(number, ratios, self.n_batches)

    def _shape_sums(self, shape: Ints, score: Score) -> Floats:
        """(n_batches,) sum over pairs of what their shapes alone decide."""
        n_shapes = int(shape.max(initial=0)) + 1
        cells, n_items = np.unique(self.number * n_shapes + shape, return_counts=True)
        cell_number, cell_shape = np.divmod(cells, n_shapes)
        within = n_items * (n_items - 1) / 2 * _scores(cell_shape, cell_shape, score)
        sums = _sums(cell_number, within, self.n_batches)
        alive = np.arange(len(cells))
        for offset in range(1, len(cells)):  # the cell and the one `offset` later, as long as any two are of one batch
            alive = alive[alive + offset < len(cells)]
            alive = alive[cell_number[alive] == cell_number[alive + offset]]
            if not len(alive):
                break
            other = alive + offset
            between = n_items[alive] * n_items[other] * _scores(cell_shape[alive], cell_shape[other], score)
            sums += _sums(cell_number[alive], between, self.n_batches)
        return sums


def _sums(number: Ints, values: Floats | Bools, n: int) -> Floats:
    """(n,) sum of the values of each number."""
    return np.asarray(np.bincount(number, weights=values, minlength=n), dtype=np.float64)


def _at_zero_ratio(score: Score) -> float:
    """The similarity of two contents of one shape whose durations have nothing in common: 1 less the weight of duration."""
    return score(0, 0.0, 0, 1.0)


def _scores(a: Ints, b: Ints, score: Score) -> Floats:
    """Similarity of shapes at equal durations, elementwise."""
    width = int(max(a.max(initial=0), b.max(initial=0))) + 1
    pairs, where = np.unique(a * width + b, return_inverse=True)
    return np.array([score(int(pair // width), 1.0, int(pair % width), 1.0) for pair in pairs], dtype=np.float64)[where]
