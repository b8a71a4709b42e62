"""The figure of a recommendation: what every candidate costs against how long it takes, and which of them may be chosen.

It draws what the evidence of a recommendation says, as `Recommendation.evidence` or as read from an evidence.json; it judges nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sbsim.measure import KPI_BY_NAME, Estimate
from sbsim.report.figures import COLOURS, GREY, legend, literal
from sbsim.scenario import Constraint, Objective

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LATENCY = "p95_latency_s"
_SEARCH, _SELECTION, _REPORT = "search", "selection", "report"
_WIDE = 30
"""Greatest over least value from which an axis goes by ratios."""


@dataclass(frozen=True)
class Point:
    """A candidate: both KPIs, and whether it met every constraint on the runs that they are of."""

    x: Estimate
    y: Estimate
    is_eligible: bool


@dataclass(frozen=True)
class Points:
    """What is drawn.

    Attributes
    ----------
    x_kpi, y_kpi : names. constraints : of the objective. others : candidates that only the search ran. finalists : those that the selection ran on
    fresh seeds, but for the two that follow. today : the baseline. recommended : what is recommended, None where that is the baseline or nothing; on
    the seeds of the report, or of the selection for a trace, whose report is on other traffic. nearest : whether it is only the nearest miss.
    n_left_out : candidates without one of the two values.
    """

    x_kpi: str
    y_kpi: str
    constraints: tuple[Constraint, ...]
    others: list[Point]
    finalists: list[Point]
    today: Point | None
    recommended: Point | None
    nearest: bool
    n_left_out: int


def points_of(evidence: Mapping[str, Any]) -> Points:
    """The points of the document `sbsim.evidence/1`."""
    objective = Objective.model_validate(evidence["objective"])
    x_kpi = next((limit.kpi for limit in objective.subject_to if "_latency_s" in limit.kpi or "_wait_s" in limit.kpi), _LATENCY)
    marked = (_SELECTION,) if evidence["trace"] is not None else (_REPORT, _SELECTION)
    others: list[Point] = []
    finalists: list[Point] = []
    today = recommended = None
    n_left_out = 0
    for candidate in evidence["candidates"]:
        is_today = candidate["values"] == evidence["baseline"]
        is_choice = candidate["values"] == evidence["choice"] and evidence["verdict"] != "keep"
        point = _point(candidate, (*(marked if is_today or is_choice else ()), _SELECTION, _SEARCH), x_kpi, objective.minimise)
        if point is None:
            n_left_out += 1
        elif is_today:
            today = point
        elif is_choice:
            recommended = point
        else:
            (finalists if _SELECTION in candidate else others).append(point)
    nearest = evidence["verdict"] == "infeasible"
    return Points(x_kpi, objective.minimise, objective.subject_to, others, finalists, today, recommended, nearest, n_left_out)


def plot_candidates(evidence: Mapping[str, Any]) -> Figure:
    """Every candidate of a recommendation, the objective over latency: that of the first constraint on a latency or wait, else the 95th percentile.

    Parameters
    ----------
    evidence : `Recommendation.evidence`, or the document of an evidence.json.
    """
    from matplotlib.figure import Figure

    points = points_of(evidence)
    figure = Figure(figsize=(8.0, 5.5), layout="constrained")
    axes = figure.subplots()
    _draw_clouds(axes, points)
    _draw_marked(axes, points)
    _scale(axes, points)
    _draw_constraints(axes, points)
    n = len(evidence["candidates"])
    left_out = f", {points.n_left_out} of them without a value" if points.n_left_out else ""
    axes.set_title(literal(f"{evidence['scenario']['name']}: {n} candidates{left_out}; verdict: {evidence['verdict']}"), fontsize="medium")
    axes.set(xlabel=_label(points.x_kpi), ylabel=_label(points.y_kpi))
    axes.grid(alpha=0.3)
    legend(axes, loc="best")
    return figure


def _point(candidate: Mapping[str, Any], streams: Sequence[str], x_kpi: str, y_kpi: str) -> Point | None:
    """A candidate on the first of the streams that it was run on; None without a value there."""
    stream = next((candidate[name] for name in streams if name in candidate), None)
    if stream is None:
        return None
    x, y = (Estimate(**stream["kpis"][kpi]) for kpi in (x_kpi, y_kpi))
    return None if x.mean is None or y.mean is None else Point(x, y, stream["eligible"])


def _draw_clouds(axes: Any, points: Points) -> None:
    missing = [one for one in points.others if not one.is_eligible]
    meeting = [one for one in points.others if one.is_eligible]
    for label, cloud, style in (
        ("misses a constraint, or saturated", missing, {"marker": "x", "color": GREY, "markersize": 5}),
        ("meets every constraint in the search", meeting, {"marker": "o", "color": COLOURS[4], "markersize": 5}),
    ):
        if cloud:
            axes.plot(_means(cloud, "x"), _means(cloud, "y"), linestyle="", label=label, **style)


def _draw_marked(axes: Any, points: Points) -> None:
    """Candidates that were run on fresh seeds, with their intervals."""
    met, missed = ([one for one in points.finalists if one.is_eligible is wanted] for wanted in (True, False))
    then = "the nearest miss" if points.nearest else "recommended"
    for label, marked, style in (
        ("finalist, on fresh seeds", met, {"marker": "o", "color": COLOURS[0], "markersize": 5}),
        ("finalist that misses a constraint", missed, {"marker": "X", "color": GREY, "markersize": 7}),
        ("today", [points.today], {"marker": "D", "color": COLOURS[1], "markersize": 8, "markeredgecolor": "black"}),
        (then, [points.recommended], {"marker": "*", "color": COLOURS[2], "markersize": 13, "markeredgecolor": "black"}),
    ):
        drawn = [one for one in marked if one is not None]
        if not drawn:
            continue
        x, y = (_means(drawn, axis) for axis in "xy")
        dx, dy = ([getattr(one, axis).half_width or 0.0 for one in drawn] for axis in "xy")
        axes.errorbar(x, y, xerr=dx, yerr=dy, linestyle="", elinewidth=1, capsize=2, ecolor="black", label=label, zorder=3, **style)


def _draw_constraints(axes: Any, points: Points) -> None:
    """Constraints on the two KPIs as lines, the forbidden side in grey; the axes stay as wide as they are, and reach the line."""
    for limit in points.constraints:
        if limit.kpi not in (points.x_kpi, points.y_kpi):
            continue
        is_x = limit.kpi == points.x_kpi
        low, high = axes.get_xlim() if is_x else axes.get_ylim()
        low, high = min(low, limit.bound * 0.9), max(high, limit.bound * 1.1)
        line, span = (axes.axvline, axes.axvspan) if is_x else (axes.axhline, axes.axhspan)
        line(limit.bound, color="black", linestyle="--", linewidth=1, label=literal(f"{limit.kpi} {limit.op} {limit.bound:g}"))
        if limit.op != "==":
            span(*((limit.bound, high) if limit.op[0] == "<" else (low, limit.bound)), color=GREY, alpha=0.12, linewidth=0)
        (axes.set_xlim if is_x else axes.set_ylim)(low, high)


def _scale(axes: Any, points: Points) -> None:
    from matplotlib.ticker import FuncFormatter

    drawn = [*points.others, *points.finalists, *(one for one in (points.today, points.recommended) if one is not None)]
    for axis in "xy":
        means = _means(drawn, axis)
        if means and min(means) > 0 and max(means) > _WIDE * min(means):
            axes.set(**{f"{axis}scale": "log"})
            getattr(axes, f"{axis}axis").set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    if axes.get_yscale() == "linear" and min(_means(drawn, "y"), default=0.0) >= 0:
        axes.set_ylim(bottom=0.0)  # so that heights compare


def _means(points: Sequence[Point], axis: str) -> list[float]:
    return [getattr(one, axis).mean for one in points]


def _label(kpi: str) -> str:
    return f"{kpi} ({KPI_BY_NAME[kpi].unit})"
