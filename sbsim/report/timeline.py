"""The figure of a run over time: requests that arrive, calls in flight, work that waits, and what was billed so far.

It draws one history as it was measured (`Study.history`); it simulates nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sbsim.measure.counted import Counted, Floats
from sbsim.report.figures import COLOURS, GREY, colour, legend, literal, room_above, thinned
from sbsim.report.traffic import time_unit
from sbsim.units import NANO

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 60
_RATES = (("second", 1.0), ("minute", 60.0), ("hour", 3600.0))
_MOST_STEPS = 400
_STRETCHES = 120


class Level(NamedTuple):
    """A level that changes in steps: from `at[k]` (seconds) on it is `n[k]`."""

    at: Floats
    n: Floats


def level_between(start: Floats, end: Floats) -> Level:
    """How many intervals [start, end) are open at once, at every instant at which that may change."""
    at, place = np.unique(np.concatenate([start, end]), return_inverse=True)
    change = np.bincount(place[: start.size], minlength=at.size) - np.bincount(place[start.size :], minlength=at.size)
    changes = change != 0  # who waits for no time at all is not seen
    return Level(at[changes], np.cumsum(change)[changes].astype(np.float64))


def total_of(at: Floats, amount: Floats) -> Level:
    """What has come together at every instant at which some of it came."""
    order = np.argsort(at, kind="stable")
    return Level(at[order], np.cumsum(amount[order]))


def in_flight(history: Counted, lane: int) -> Level:
    """Calls of a lane that are under way: sent, and not answered yet."""
    calls = history.log.calls
    mine = calls["lane"] == lane
    return level_between(calls["sent_at"][mine], _or_end(calls["answered_at"][mine], history))


def gathering(history: Counted) -> Level:
    """Requests that wait for company: arrived, and their batch not ready yet."""
    log, n = history.log, _n_seen(history)
    waits = ~np.isnan(log.ready_at[:n])
    return level_between(history.traffic.arrived_at[:n][waits], log.ready_at[:n][waits])


def queue(history: Counted) -> Level:
    """Requests whose batch is ready and was not sent yet: what limits, budget and concurrency hold up."""
    log = history.log
    waits = ~np.isnan(log.ready_at)
    left_at = np.where(np.isnan(log.sent_at), log.done_at, log.sent_at)[waits]
    return level_between(log.ready_at[waits], _or_end(left_at, history))


def billed(history: Counted) -> Level:
    """Dollars billed for the counted requests so far, by the answers that billed them; in the end that is `provider_cost_usd`, but for what plans
    cost in periods without a call."""
    mine = history.is_counted_item
    answered_at = _or_end(history.log.calls["answered_at"], history)[history.log.item_call[mine]]
    return total_of(answered_at, history.item_nano[mine] / NANO)


def alone(history: Counted) -> Level:
    """Dollars that the counted requests so far would have cost, each alone by the price list; in the end `individual_cost_usd`."""
    return total_of(history.arrived_at, history.individual_nano / NANO)


def plot_timeline(history: Counted) -> Figure:
    """Four panels over the time of one run: arrivals, calls in flight, requests that wait, dollars.

    Parameters
    ----------
    history : of one replication, see `sbsim.simulation.Study.history`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 7.5), layout="constrained")
    draw_on(figure, history)
    return figure


def draw_on(figure: Any, history: Counted) -> None:
    """The four panels into a figure or a part of one."""
    unit, size = time_unit(_end_at(history))
    arrivals, flight, waiting, money = panels = figure.subplots(4, 1, sharex=True)
    _draw_arrivals(arrivals, history, size)
    _draw_flight(flight, history, size)
    for name, level, hue in (("for company", gathering(history), COLOURS[0]), ("ready, not sent", queue(history), COLOURS[5])):
        _draw_level(waiting, level, history, size, label=name, color=hue)
    waiting.set(ylabel="requests waiting")
    for name, total, hue in (("each alone, by the price list", alone(history), GREY), ("billed", billed(history), COLOURS[0])):
        shown = thinned(total.at.size)
        money.plot(total.at[shown] / size, total.n[shown], drawstyle="steps-post", linewidth=1.5, label=name, color=hue)
    money.set(ylabel="dollars so far", xlabel=f"time ({unit})", xlim=(0.0, _end_at(history) / size))
    for axes in panels:
        room_above(axes, 1.3)  # for the legend
        axes.grid(alpha=0.3)
        legend(axes, loc="upper left", ncols=3)
        if history.start_at > 0:
            axes.axvspan(0.0, history.start_at / size, color=GREY, alpha=0.15, linewidth=0)
    warmup = ", its warm-up in grey" if history.start_at > 0 else ""
    figure.suptitle(literal(f"{history.scenario.name}: one run{warmup}; light areas are peaks, the lines in them means"), fontsize="medium")
    figure.align_ylabels(panels)


def _draw_arrivals(axes: Any, history: Counted, size: float) -> None:
    arrived_at = history.traffic.arrived_at[: history.traffic.n]
    counts, edges = np.histogram(arrived_at, bins=np.linspace(0.0, history.end_at, _BINS + 1))
    mean = arrived_at.size / history.end_at
    name, per = next((each for each in _RATES if mean * each[1] >= 1), _RATES[-1])
    axes.stairs(counts / np.diff(edges) * per, edges / size, fill=True, color=COLOURS[2], alpha=0.7, label="requests arriving")
    axes.axhline(mean * per, color="black", linewidth=1, linestyle="--", label=f"mean {mean * per:.3g}")
    axes.set(ylabel=f"per {name}")


def _draw_flight(axes: Any, history: Counted, size: float) -> None:
    for lane, provider in enumerate(history.scenario.providers):
        level = in_flight(history, lane)
        _draw_level(axes, level, history, size, label=literal(provider.name), color=colour(lane))
        most = _at_once(history, lane)
        if most is not None and most <= 2 * level.n.max(initial=0):  # a limit far above would flatten what there is to see
            axes.axhline(most, color=colour(lane), linewidth=1, linestyle=":", label=f"at most {most:g}")
    axes.set(ylabel="calls in flight")


def _at_once(history: Counted, lane: int) -> float | None:
    """Calls at once that a lane takes: the tightest of what its provider declares and what we set ourselves; None without a limit."""
    own = history.scenario.config.rate_limit.concurrency
    declared = [limit.n for limit in history.scenario.providers[lane].limits if limit.unit == "concurrency"]
    return min([*declared, *([] if own is None else [float(own)])], default=None)


def _draw_level(axes: Any, level: Level, history: Counted, size: float, *, label: str, color: str) -> None:
    """Every step of a level; where there are too many to tell apart, its mean over short stretches and, lighter, the highest in each."""
    if level.at.size <= _MOST_STEPS:
        label = label if level.at.size else f"{label}: none"
        axes.plot(level.at / size, level.n, drawstyle="steps-post", linewidth=1.2, label=label, color=color)
        return
    edges = np.linspace(0.0, _end_at(history), _STRETCHES + 1)
    means, peaks = stretches(level, edges)
    axes.stairs(peaks, edges / size, fill=True, alpha=0.25, color=color)
    axes.stairs(means, edges / size, linewidth=1.2, color=color, label=label)


def stretches(level: Level, edges: Floats) -> tuple[Floats, Floats]:
    """Mean over time and highest value of a level between each two `edges`, both of shape (n_edges - 1,)."""
    at, n = np.append(-np.inf, level.at), np.append(0.0, level.n)
    knots = np.unique(np.concatenate([level.at, edges]))
    area = np.append(0.0, np.cumsum(n[np.searchsorted(at, knots[:-1], side="right") - 1] * np.diff(knots)))
    means: Floats = np.diff(area[np.searchsorted(knots, edges)]) / np.diff(edges)
    first = np.searchsorted(at, edges[:-1], side="right") - 1  # the step that holds where a stretch begins
    last = np.searchsorted(at, edges[1:], side="left")
    return means, np.array([n[i:j].max() for i, j in zip(first, last, strict=True)])


def _end_at(history: Counted) -> float:
    """Seconds up to which is drawn: the traffic's end, or that of the last work where it comes later."""
    return max(history.log.ended_at, history.end_at)


def _n_seen(history: Counted) -> int:
    return min(history.log.how.size, history.traffic.arrived_at.size)


def _or_end(at: Floats, history: Counted) -> Floats:
    """Instants, the end of the run where there is none."""
    return np.where(np.isnan(at), history.log.ended_at, at)
