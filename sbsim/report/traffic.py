"""Recorded traffic as a picture: arrivals over time, gaps against a Poisson process, the mix, and repeats; and as a line of text for a terminal.

It draws what it is given; it reads no file and describes nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbsim.report.figures import file_bytes, steady_ids

if TYPE_CHECKING:
    from sbsim.workload import Description
    from sbsim.workload.traces import Trace

_STEPS = "▁▂▃▄▅▆▇█"
_MOST_CLASSES = 8
_MOST_POINTS = 2000
_UNITS = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0))


def sparkline(counts: Sequence[int]) -> str:
    """Counts as a row of bars, the highest of full height; an empty bin is a blank."""
    top = max(counts, default=0)
    return "".join(_STEPS[min(7, 8 * count // top)] if count else " " for count in counts) if top else ""


def time_unit(seconds: float) -> tuple[str, float]:
    """(name, seconds in one) of the unit that suits a length of time."""
    return next(((unit, size) for unit, size in _UNITS if seconds >= 2 * size), ("s", 1.0))


def draw_traffic(trace: Trace, described: Description, repeats: NDArray[np.bool_] | None, kind: str) -> bytes:
    """The figure as a file of the given kind, the same bytes for the same traffic.

    Parameters
    ----------
    repeats : shape (n,), whether a row asks for what an earlier one asked for; None where no row says what it asks for.
    """
    from matplotlib.figure import Figure

    with steady_ids():
        figure = Figure(figsize=(10.0, 6.5), layout="constrained")
        (over_time, gaps), (mix, repeated) = figure.subplots(2, 2)
        _draw_arrivals(over_time, described)
        _draw_gaps(gaps, np.diff(trace.arrived_at))
        _draw_mix(mix, described)
        _draw_repeats(repeated, trace, repeats)
        return file_bytes(figure, kind)


def _draw_arrivals(axes: Any, described: Description) -> None:
    unit, size = time_unit(described.span_s)
    edges, counts = np.array(described.arrivals.edges), np.array(described.arrivals.counts)
    axes.stairs(counts / np.diff(edges), edges / size, fill=True, alpha=0.7)
    if described.rate_per_s is not None:
        axes.axhline(described.rate_per_s, color="black", linewidth=1, linestyle="--", label=f"mean {described.rate_per_s:.4g}/s")
        axes.legend()
    axes.set(title="arrivals", xlabel=f"time ({unit})", ylabel="requests per second", ylim=(0.0, None))


def _draw_gaps(axes: Any, gaps: NDArray[np.float64]) -> None:
    """Share of gaps longer than a length, beside that of a Poisson process of the same rate."""
    axes.set(title="gaps", xlabel="gap (s)", ylabel="share of gaps that are longer")
    positive = np.sort(gaps[gaps > 0])
    if not positive.size:
        axes.text(0.5, 0.5, "all arrive at one instant", ha="center", va="center", transform=axes.transAxes)
        return
    longer = np.arange(positive.size - 1, -1, -1) / gaps.size
    thinned = np.unique(np.linspace(0, positive.size - 1, min(positive.size, _MOST_POINTS)).astype(np.int64))
    x = positive[thinned]
    axes.plot(x, longer[thinned], label="recorded")
    axes.plot(x, np.exp(-x / gaps.mean()), linestyle="--", color="black", linewidth=1, label="Poisson of this rate")
    axes.set(xscale="log", ylim=(0.0, 1.0))
    axes.legend()


def _draw_mix(axes: Any, described: Description) -> None:
    shares = dict(list(described.classes.items())[:_MOST_CLASSES])
    rest = 1.0 - sum(shares.values())
    if len(described.classes) > _MOST_CLASSES:
        shares[f"({len(described.classes) - _MOST_CLASSES} more)"] = rest
    names = [name if len(name) <= 30 else f"{name[:29]}…" for name in shares]
    axes.barh([str(k) for k in range(len(names))], list(shares.values()))
    axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names])
    axes.invert_yaxis()
    axes.set(title="mix", xlabel="share of requests")


def _draw_repeats(axes: Any, trace: Trace, repeats: NDArray[np.bool_] | None) -> None:
    axes.set(title="repeats", ylabel="share that repeat, so far")
    if repeats is None:
        axes.text(0.5, 0.5, "no row says what it asks for", ha="center", va="center", transform=axes.transAxes)
        return
    unit, size = time_unit(float(trace.arrived_at[-1] - trace.arrived_at[0]))
    share = np.cumsum(repeats) / np.arange(1, repeats.size + 1)
    thinned = np.unique(np.linspace(0, repeats.size - 1, min(repeats.size, _MOST_POINTS)).astype(np.int64))
    axes.plot((trace.arrived_at[thinned] - trace.arrived_at[0]) / size, share[thinned])
    axes.set(xlabel=f"time ({unit})", ylim=(0.0, 1.0))
