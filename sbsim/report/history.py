"""One run in one picture: its timeline, its latencies against deadlines, and its batch sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbsim.measure.counted import Counted
from sbsim.report import batch_sizes, latencies, timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_history(history: Counted) -> Figure:
    """The figures of `plot_timeline`, `plot_latencies` and `plot_batch_sizes` side by side.

    Parameters
    ----------
    history : of one replication, see `sbsim.simulation.Study.history`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.0, 8.0), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.15, 1.0))[0]
    timeline.draw_on(left, history)
    above, below = right.subfigures(2, 1, squeeze=False)[:, 0]
    latencies.draw_on(above.subplots(), history)
    batch_sizes.draw_on(below, history)
    return figure
