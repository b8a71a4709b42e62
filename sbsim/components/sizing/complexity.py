"""Smaller batches for heavier content: about the same work in every batch."""

from __future__ import annotations

from sbsim.components.sizing.sizing import FixedSize
from sbsim.records import Content, Item

WEIGHT = 0.05
"""Weight of the newest group in the running mean; while there are fewer than 20 all weigh the same."""


class ComplexitySize(FixedSize):
    """`most` x (mean weight / weight of the content that opens the group), rounded down, 1 at least and `most` at most.

    A content weighs what it costs alone by the price list, which is what providers charge for work; where that is nothing, its seconds; else 1. The
    mean is that of the contents that opened groups of the same compatibility class, since an image and a video have no common measure. So a batch of
    such contents holds no more work than a full batch of average ones, and content lighter than the average goes in full batches.
    """

    def __init__(self) -> None:
        self._means: dict[int, tuple[int, float]] = {}  # by class: groups so far, running mean

    def size(self, item: Item, most: int) -> int:
        content = item.content
        weight = _weight(content)
        n, mean = self._means.get(content.group, (0, 0.0))
        n += 1
        mean += (weight - mean) * max(1.0 / n, WEIGHT)
        self._means[content.group] = (n, mean)
        return most if weight <= mean else max(1, int(most * (mean / weight)))


def _weight(content: Content) -> float:
    return float(content.individual_nano or content.duration_s or 1.0)
