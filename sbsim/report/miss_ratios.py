"""The figure of miss-ratio curves: a line a policy, entries on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence

from sbsim.report.figures import file_bytes, steady_ids
from sbsim.workload.reuse.miss_ratios import BOUNDS, Curve


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
        axes.set(xlabel="entries", ylabel="miss ratio", xscale="log", ylim=(0.0, 1.0))
        axes.grid(alpha=0.3)
        axes.legend()
        return file_bytes(figure, kind)
