"""How alike two contents of one group are, from 0 to 1: a policy, a pure function of shapes and durations.

    similarity = engine + resolution x [same resolution] + duration x shorter / longer + style x share of equal style parameters

weighted by settings that sum to 1; content type, engine and tenant are equal within a group. Shapes are numbers of (resolution, style) pairs; the part that
depends on shapes alone is computed once per pair. For a fixed duration d, shorter / longer falls on both sides of d, so over members of one shape whose
durations lie in [a, b] its minimum is at a or b: `worst` is the exact pairwise minimum in O(shapes).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Protocol

Shape = tuple[str | None, tuple[tuple[str, Hashable], ...]]


class Weights(Protocol):
    """The settings `similarity.*`."""

    @property
    def engine_weight(self) -> float: ...
    @property
    def resolution_weight(self) -> float: ...
    @property
    def duration_weight(self) -> float: ...
    @property
    def style_weight(self) -> float: ...


class Similarity:
    """Similarity of contents by the numbers of their shapes.

    Parameters
    ----------
    shapes : (resolution, style) by shape number; the list may grow. weights : see above, normalised to sum 1.
    threshold : members of a batch are pairwise at or above it.
    """

    __slots__ = ("_duration_weight", "_pairs", "_shapes", "_weights", "threshold")

    def __init__(self, shapes: Sequence[Shape], weights: Weights, threshold: float) -> None:
        total = weights.engine_weight + weights.resolution_weight + weights.duration_weight + weights.style_weight
        total = total or 1.0
        self._weights = (weights.engine_weight / total, weights.resolution_weight / total, weights.style_weight / total)
        self._duration_weight = weights.duration_weight / total
        self._shapes = shapes
        self._pairs: dict[tuple[int, int], float] = {}
        self.threshold = threshold

    def score(self, shape_a: int, duration_a: float, shape_b: int, duration_b: float) -> float:
        """Similarity in [0, 1] of two contents; 1 for two of the same shape and duration."""
        return min(1.0, self._of_shapes(shape_a, shape_b) + self._duration_weight * _ratio(duration_a, duration_b))

    def worst(self, shape: int, duration_s: float, shapes: Mapping[int, Sequence[float]]) -> float:
        """The least similarity to any member of a group, given the shortest and longest duration of each shape in it; 1 for an empty group."""
        least = 1.0
        weight = self._duration_weight
        for other, (shortest, longest) in shapes.items():
            alike = self._pairs.get((shape, other))
            if alike is None:
                alike = self._of_shapes(shape, other)
            ratio = _ratio(duration_s, shortest)
            if longest != shortest:
                ratio = min(ratio, _ratio(duration_s, longest))
            if alike + weight * ratio < least:
                least = alike + weight * ratio
        return least

    def _of_shapes(self, a: int, b: int) -> float:
        alike = self._pairs.get((a, b))
        if alike is None:
            engine, resolution, style = self._weights
            (resolution_a, style_a), (resolution_b, style_b) = self._shapes[a], self._shapes[b]
            alike = engine + resolution * (resolution_a == resolution_b) + style * _share_equal(dict(style_a), dict(style_b))
            self._pairs[a, b] = self._pairs[b, a] = alike
        return alike


def _ratio(a: float, b: float) -> float:
    """Shorter over longer; two of no length are equal."""
    if a == b:
        return 1.0
    return a / b if a < b else b / a


def _share_equal(a: Mapping[str, Hashable], b: Mapping[str, Hashable]) -> float:
    """Share of the parameters that either names on which both agree; 1 when neither names any."""
    names = a.keys() | b.keys()
    return sum(name in a and name in b and a[name] == b[name] for name in names) / len(names) if names else 1.0
