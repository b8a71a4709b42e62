"""The ledger's waterfall as rows of a table and as a figure: from the individual cost, cause by cause, to the total."""

from __future__ import annotations

from sbsim.measure import Estimate
from sbsim.measure.waterfall import CAUSES
from sbsim.report.figures import file_bytes, steady_ids
from sbsim.report.tables import NOTHING, Row, figures
from sbsim.search.explain import Explanation

COLUMNS = ("cause", "dollars", "± 95 %", "of individual cost")
EFFECT_COLUMNS = ("without", "saved $", "± 95 %", "total $ without", "")

_TOTAL, _SAVED, _SPENT = "#7f7f7f", "#0072b2", "#d55e00"
"""Colours that the colour-blind tell apart (Okabe and Ito, 2008)."""


def waterfall_rows(explained: Explanation) -> list[Row | None]:
    """Rows of `COLUMNS`; None where a section ends. Causes that moved nothing in any replication are left out."""
    rows: list[Row | None] = [_row("individual cost", explained.individual_usd, explained), None]
    rows += [_row(label, estimate, explained) for label, estimate in _moved(explained)]
    rows += [None, _row("savings, the sum", explained.savings_usd, explained), _row("total cost", explained.total_usd, explained)]
    return rows


def effect_rows(explained: Explanation) -> list[Row]:
    """Rows of `EFFECT_COLUMNS`: a mechanism, what it saves beside all others, the total cost without it, and what to know of that."""
    return [[e.mechanism, *figures(e.saved_usd), figures(e.without_usd)[0], e.note] for e in explained.effects or ()]


def draw_waterfall(explained: Explanation, kind: str) -> bytes:
    """The figure as a file of the given kind ("png", "svg" or "pdf"), the same bytes for the same explanation."""
    from matplotlib.figure import Figure

    moved = _moved(explained)
    individual = explained.individual_usd.mean or 0.0
    bars: list[tuple[str, float, float, float | None, str]] = [("individual cost", individual, 0.0, None, _TOTAL)]
    level = individual
    for label, estimate in moved:
        saved = estimate.mean or 0.0
        bars.append((label, -saved, level, estimate.half_width, _SAVED if saved >= 0 else _SPENT))
        level -= saved
    bars.append(("total cost", explained.total_usd.mean or 0.0, 0.0, explained.total_usd.half_width, _TOTAL))
    with steady_ids():
        figure = Figure(figsize=(7.0, 1.2 + 0.36 * len(bars)), layout="constrained")
        axes = figure.subplots()
        for place, (_, width, start, half_width, colour) in enumerate(bars):
            axes.barh(place, width, left=start, color=colour, height=0.7, xerr=half_width, ecolor="black", capsize=2)
        axes.set_yticks(range(len(bars)), [label for label, *_ in bars])
        axes.invert_yaxis()
        axes.axvline(0.0, color="black", linewidth=0.8)
        axes.set(xlabel="dollars a run (blue saves, orange costs; bars: 95 % intervals)", title=explained.study.scenario.name)
        axes.use_sticky_edges = False  # bars that begin at the right edge would keep the margin away
        axes.margins(x=0.03)
        axes.grid(axis="x", alpha=0.3)
        return file_bytes(figure, kind)


def _moved(explained: Explanation) -> list[tuple[str, Estimate]]:
    """Label and estimate of every cause that moved something in any replication."""
    return [(cause.label, explained.causes[cause.name]) for cause in CAUSES if any(fall.causes[cause.name] for fall in explained.waterfalls)]


def _row(label: str, estimate: Estimate, explained: Explanation) -> Row:
    individual = explained.individual_usd.mean
    share = NOTHING if not individual or estimate.mean is None else f"{round(estimate.mean / individual, 3) + 0.0:.1%}"  # no "-0.0%"
    return [label, *figures(estimate), share]
