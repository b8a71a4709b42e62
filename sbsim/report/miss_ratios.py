"""The figure of miss-ratio curves: a line a policy, entries on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence

from sbsim.report.figures import file_bytes, steady_ids
from sbsim.workload.reuse.miss_ratios import BOUNDS, Curve

_MOST_TICKS = 10
"""Places for ticks along the axis; more would be written over each other."""


def draw_miss_ratios(curves: Sequence[Curve], kind: str) -> bytes:
    """The figure as a file of the given kind, the same bytes for the same curves."""
    from matplotlib.figure import Figure

    with steady_ids():
        figure = Figure(figsize=(7.0, 4.5), layout="constrained")
        axes = figure.subplots()
        for curve in curves:
            sizes, ratios = [point.size for point in curve.points], [point.miss_ratio for point in curve.points]
            is_bound = curve.policy in BOUNDS
            axes.plot(sizes, ratios, label=curve.policy, linestyle="--" if is_bound else "-", marker=None if is_bound else "o", markersize=4)
        axes.set_xscale("log")
        axes.set_xticks(*_ticks([point.size for point in curves[0].points]), minor=False)
        axes.set_xticks([], minor=True)
        axes.set(xlabel="entries", ylabel="miss ratio", ylim=(0.0, 1.0))
        axes.grid(alpha=0.3)
        axes.legend()
        return file_bytes(figure, kind)


def _ticks(sizes: Sequence[int]) -> tuple[list[int], list[str]]:
    """The sizes that were tried, as ticks; of those that stand close together only the first."""
    positive = sorted({size for size in sizes if size > 0})
    ticks = positive[:1]
    for size in positive[1:]:
        if size >= ticks[-1] * (positive[-1] / positive[0]) ** (1 / _MOST_TICKS):
            ticks.append(size)
    return ticks, [f"{tick:,}" for tick in ticks]
