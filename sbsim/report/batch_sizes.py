"""The figure of batch sizes: how many items calls carried, and what an item cost in a call of that size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sbsim.measure.counted import Counted, Floats
from sbsim.report.figures import colour, legend, literal, room_above
from sbsim.units import NANO

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 40
"""Sizes that get a bar of their own; where there are larger calls, a bar is a range of sizes, its ends by equal ratios."""

_FEWEST_BARS = 4
"""Room for so many, lest a single size fill the whole picture."""


class Sizes(NamedTuple):
    """The calls of a lane by size.

    Attributes
    ----------
    n_calls : calls that were sent for the first time, by bar; a call that carried uncounted requests too counts in part.
    item_usd : dollars billed for an item that was made, by bar, nan where none was: all bills of calls of that size, of those in vain too, over the
        items of those that succeeded.
    """

    n_calls: Floats
    item_usd: Floats


def edges_up_to(most: int) -> Floats:
    """Where bars begin and end, for calls of 1 to `most` items: around every whole number, or around ranges of them."""
    if most <= _MOST_BARS:
        return np.arange(0.5, most + 1.0)
    return np.unique(np.round(np.geomspace(1, most + 1, _MOST_BARS))) - 0.5


def sizes_of(history: Counted, lane: int, edges: Floats) -> Sizes:
    """The calls of a lane, by the bars between `edges`."""
    calls = history.log.calls
    share = np.where(calls["lane"] == lane, history.call_share, 0.0)
    n_items = calls["n_items"]

    def sums(weights: Floats) -> Floats:
        return np.histogram(n_items, bins=edges, weights=weights)[0].astype(np.float64)

    made = sums(share * n_items * ((calls["error"] == 0) & ~np.isnan(calls["answered_at"])))
    usd = sums(share * _bills(history))
    return Sizes(sums(share * calls["is_first"]), np.divide(usd, made, out=np.full(made.size, np.nan), where=made > 0))


def plot_batch_sizes(history: Counted) -> Figure:
    """Two panels over the items of a call: how many calls carried so many, and dollars an item in them beside an item alone.

    Parameters
    ----------
    history : of one replication, see `sbsim.simulation.Study.history`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    draw_on(figure, history)
    return figure


def draw_on(figure: Any, history: Counted) -> None:
    """Both panels into a figure or a part of one."""
    calls, cost = figure.subplots(2, 1, sharex=True)
    edges = edges_up_to(int(history.log.calls["n_items"].max(initial=1)))
    widths = np.diff(edges)
    for lane, provider in enumerate(history.scenario.providers):
        found = sizes_of(history, lane, edges)
        if not found.n_calls.any():
            continue
        name = literal(provider.name)
        calls.bar(edges[:-1] + 0.1 * widths, found.n_calls, 0.8 * widths, align="edge", color=colour(lane), alpha=0.6, label=name)
        has_any = ~np.isnan(found.item_usd)
        middle = np.sqrt((edges[:-1] + 0.5) * (edges[1:] - 0.5))
        cost.plot(middle[has_any], found.item_usd[has_any], "o-", markersize=4, linewidth=1, color=colour(lane), label=f"{name}, billed")
    paid = history.traffic.content_index[history.log.item_payer[history.is_counted_item]]
    if paid.size:
        alone = float(history.content_nano[paid].mean()) / NANO
        cost.axhline(alone, color="black", linestyle="--", linewidth=1, label="an item alone, by the price list")
    calls.set(ylabel="calls")
    calls.set_title("items of a call, and what an item costs in it", fontsize="medium")
    cost.set(xlabel="items of a call", ylabel="dollars an item")
    _scale(cost, edges)
    for axes in (calls, cost):
        room_above(axes, 1.1)
        axes.grid(alpha=0.3)
        legend(axes, loc="best")
    figure.align_ylabels([calls, cost])


def _scale(axes: Any, edges: Floats) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if edges.size > 1 and np.any(np.diff(edges) > 1):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlim(edges[0], max(edges[-1], edges[0] + _FEWEST_BARS))


def _bills(history: Counted) -> Floats:
    """Dollars that each call was billed."""
    bills: Floats = history.log.calls["bill_nano"] / NANO
    return bills
