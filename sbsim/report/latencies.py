"""The figure of latencies: which share of each priority was delivered within how long, beside what was promised."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sbsim.measure.counted import Counted, Floats
from sbsim.records import PRIORITIES
from sbsim.report.figures import COLOURS, legend, literal, thinned
from sbsim.units import format_duration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HUES = {"urgent": COLOURS[5], "normal": COLOURS[0], "background": COLOURS[2]}


class Delivered(NamedTuple):
    """How long the requests of a priority took.

    Attributes
    ----------
    latency_s : (n_delivered,) ascending. share : (n_delivered,) of all requests of the priority, delivered within that; what was not delivered keeps
    it below 1. n : requests. in_time : share delivered by the deadline with the right content. deadline_s : of all of them; None where they differ,
    inf where nothing was promised.
    """

    latency_s: Floats
    share: Floats
    n: int
    in_time: float
    deadline_s: float | None


def delivered(history: Counted, urgency: int) -> Delivered | None:
    """The counted requests of a priority; None where there are none."""
    mine = history.urgency == urgency
    n = int(np.count_nonzero(mine))
    if not n:
        return None
    latency_s = history.latencies(urgency)
    allowed_s = history.deadline_at[mine] - history.arrived_at[mine]
    promised_s = history.scenario.sla[urgency].deadline
    is_promised = bool(np.all(np.isinf(allowed_s))) if not isfinite(promised_s) else bool(np.allclose(allowed_s, promised_s, rtol=1e-9, atol=1e-6))
    share = np.arange(1, latency_s.size + 1) / n
    return Delivered(latency_s, share, n, float(np.mean(history.is_kept[mine])), promised_s if is_promised else None)


def plot_latencies(history: Counted) -> Figure:
    """The share of each priority's requests that was delivered within a time, deadlines as lines; the legend says which share was in time.

    Parameters
    ----------
    history : of one replication, see `sbsim.simulation.Study.history`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    draw_on(figure.subplots(), history)
    return figure


def draw_on(axes: Any, history: Counted) -> None:
    """The same into given axes."""
    from matplotlib.ticker import LogLocator

    shown = {name: found for name, urgency in PRIORITIES.items() if (found := delivered(history, urgency)) is not None}
    for name, found in shown.items():
        places = thinned(found.latency_s.size)
        label = literal(f"{name}: {words(found)}")
        axes.plot(found.latency_s[places], found.share[places], drawstyle="steps-post", color=_HUES[name], label=label)
        if found.deadline_s is not None and isfinite(found.deadline_s):
            axes.axvline(found.deadline_s, color=_HUES[name], linestyle="--", linewidth=1)
    axes.set_xscale("log", nonpositive="clip")  # what memory answers at once takes no time: the lines begin at its share
    axes.set(xlabel="latency (s), deadlines dashed", ylabel="share of requests delivered within", ylim=(0.0, 1.02), xlim=_span(list(shown.values())))
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=20))
    axes.xaxis.set_major_formatter(_plain_number)
    axes.set_title("latency against deadlines", fontsize="medium")
    axes.grid(alpha=0.3)
    legend(axes, loc="lower right", title="delivered in time", title_fontsize="small")


def words(found: Delivered) -> str:
    """How many of how many were in time, and what that means; never 100 % where one was not."""
    share = f"{found.in_time:.1%}"
    if share == "100.0%" and found.in_time < 1:
        share = "over 99.9%"
    if found.deadline_s is None:
        return f"{share} of {found.n:,}, each by its own deadline"
    return f"{share} of {found.n:,}, {f'within {format_duration(found.deadline_s)}' if isfinite(found.deadline_s) else 'no deadline'}"


def _span(shown: list[Delivered]) -> tuple[float, float]:
    """Seconds that the axis covers: all but the shortest hundredth of what took any time, and every deadline."""
    latency_s = np.concatenate([np.zeros(0), *(found.latency_s for found in shown)])
    deadlines = [found.deadline_s for found in shown if found.deadline_s is not None and isfinite(found.deadline_s)]
    positive = latency_s[latency_s > 0]
    shortest = float(np.quantile(positive, 0.01)) if positive.size else min(deadlines, default=1.0) / 10
    return shortest / 1.5, 1.5 * max([float(latency_s.max(initial=0.0)), *deadlines, shortest])


def _plain_number(value: float, _: int) -> str:
    return f"{value:,g}"
