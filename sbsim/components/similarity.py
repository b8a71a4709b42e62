"""How alike two contents of one group are, from 0 to 1: a policy, a pure function of shapes and durations.

    similarity = 1 - resolution x [resolutions differ] - style x share of unequal style parameters - duration x (1 - shorter / longer)

with weights that are settings, scaled so that engine, resolution, duration and style sum to 1: within a group engine, content type and tenant are
equal, so the engine counts in full. A style parameter that only one of the two names is unequal. It is written as what is lacking from 1 so that
equal contents are exactly 1, whatever the weights round to.

Contract. In [0, 1]; symmetric, to the bit; 1 for equal shapes and durations. `worst` is exactly the minimum of `score` over the members of a group in
O(shapes): for a fixed duration d, shorter / longer falls on both sides of d (it is quasi-concave), so over members of one shape whose durations lie
in [a, b] its minimum is at a or at b.

A shape is the number of a (resolution, style) pair; what depends on shapes alone is computed once a pair.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Protocol

Shape = tuple[str | None, tuple[tuple[str, Hashable], ...]]


class Weights(Protocol):
    """The settings `similarity.*`: fractions of any scale, at least one above 0."""

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
    shapes : (resolution, style) by shape number; the list may grow. weights : the settings `similarity.*`.
    threshold : members of a batch are pairwise at or above it; kept here for whoever forms them.

    Raises
    ------
    ValueError
        When no weight is above 0.
    """

    __slots__ = ("_duration", "_resolution", "_rows", "_shapes", "_style", "threshold")

    def __init__(self, shapes: Sequence[Shape], weights: Weights, threshold: float) -> None:
        total = weights.engine_weight + weights.resolution_weight + weights.duration_weight + weights.style_weight
        if not total > 0.0:
            raise ValueError("similarity: the weights add up to 0; at least one must be > 0; try leaving them out")
        self._resolution = weights.resolution_weight / total
        self._duration = weights.duration_weight / total
        self._style = weights.style_weight / total
        self._shapes = shapes
        self._rows: dict[int, dict[int, float]] = {}  # by the two shapes: what durations are subtracted from
        self.threshold = threshold

    def score(self, shape_a: int, duration_a: float, shape_b: int, duration_b: float) -> float:
        """Similarity in [0, 1] of two contents, by shape and duration in seconds."""
        alike = self._alike(shape_a, shape_b)
        if duration_a == duration_b:
            return alike
        ratio = duration_a / duration_b if duration_a < duration_b else duration_b / duration_a
        score = alike - self._duration * (1.0 - ratio)
        return score if score > 0.0 else 0.0

    def worst(self, shape: int, duration_s: float, shapes: Mapping[int, Sequence[float]]) -> float:
        """The least similarity to any member of a group, given the shortest and longest duration of each shape in it; 1 for an empty group."""
        least = 1.0
        row = self._rows.get(shape, {})
        weight = self._duration
        for other, (shortest, longest) in shapes.items():
            alike = row.get(other)
            if alike is None:
                alike = self._alike(shape, other)
            if alike < least:
                least = alike
            # the farther end of [shortest, longest]; both ends when the duration lies between
            if duration_s < longest:
                score = alike - weight * (1.0 - duration_s / longest)
                if score < least:
                    least = score
            if duration_s > shortest:
                score = alike - weight * (1.0 - shortest / duration_s)
                if score < least:
                    least = score
        return least if least > 0.0 else 0.0

    def _alike(self, a: int, b: int) -> float:
        """Similarity of two contents of these shapes and of equal duration."""
        row = self._rows.setdefault(a, {})
        alike = row.get(b)
        if alike is None:
            (resolution_a, style_a), (resolution_b, style_b) = self._shapes[a], self._shapes[b]
            lacking = self._resolution * (resolution_a != resolution_b) + self._style * _share_unequal(dict(style_a), dict(style_b))
            alike = max(0.0, 1.0 - lacking)
            row[b] = self._rows.setdefault(b, {})[a] = alike
        return alike


def _share_unequal(a: Mapping[str, Hashable], b: Mapping[str, Hashable]) -> float:
    """Share of the parameters that either names on which the two differ; 0 when neither names any."""
    names = a.keys() | b.keys()
    n_equal = sum(name in a and name in b and a[name] == b[name] for name in names)
    return 1.0 - n_equal / len(names) if names else 0.0
