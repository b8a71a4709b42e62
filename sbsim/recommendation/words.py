"""A recommendation in sentences: the verdict's reason first, then what a reader must know before acting on it.

Owns wording only: every number comes from the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor, log10

from sbsim.measure import Estimate
from sbsim.recommendation.inquiry import Inquiry
from sbsim.recommendation.prices import why_batching_saves_nothing
from sbsim.recommendation.recommendation import Candidate, ConstraintReport
from sbsim.recommendation.verdict import DEPLOY, INFEASIBLE, Prediction
from sbsim.scenario import Scenario
from sbsim.search.ranking import Selection
from sbsim.search.trial import REPORT
from sbsim.workload import bills_of, prepare

_PART_WORDS = {"provider": "provider bills", "tier": "cache tiers", "penalty": "penalties", "false_reuse": "wrong reuses"}
_ALWAYS_SAID = ("provider", "penalty")


def notes_of(inquiry: Inquiry, selection: Selection, verdict: str, recommended: Candidate, alternative: Candidate | None) -> Iterator[str]:
    """Sentences for the reader."""
    yield _reason(inquiry, verdict, recommended, alternative)
    shown = alternative or recommended
    if shown.saved is not None and (shown.saved["total"].mean or shown.saved["total"].half_width):
        yield _split(shown.saved)
        if shown.predicted is not None:
            yield from _promise(inquiry, shown.predicted["total"])
    nothing = why_batching_saves_nothing(inquiry.scenario)
    if nothing is not None:
        yield nothing
    if inquiry.is_trace:
        yield _how_a_trace_is_used(inquiry)
        yield from _recorded_bill(inquiry)
    yield from _at_the_edge(inquiry, selection)
    yield from _refused(inquiry)
    yield from inquiry.scenario.warnings
    yield from prepare(inquiry.scenario, inquiry.seed, 0).warnings


def traffic_of(scenario: Scenario) -> str:
    """The traffic that a report is about, in words."""
    if scenario.workload.is_drawn:
        return "fresh traffic drawn from the scenario's laws"
    start, end = scenario.workload.between or (0.0, 0.0)
    unit, size = ("h", 3600.0) if end >= 2 * 3600 else ("min", 60.0)
    return f"the last third of the trace, from {start / size:.1f} to {end / size:.1f} {unit}"


def _reason(inquiry: Inquiry, verdict: str, recommended: Candidate, alternative: Candidate | None) -> str:
    n = len(inquiry.evaluations.met())
    if verdict == INFEASIBLE:
        missed = [_miss(one) for one in recommended.constraints if one.is_met is not True]
        return f"infeasible: none of {n} candidates meets every constraint; the nearest miss: {'; '.join(missed) or recommended.why_no_saving}"
    if verdict == DEPLOY:
        met = " and ".join(str(one.constraint) for one in recommended.constraints)
        return f"deploy: {_gain(inquiry, recommended)}{f', and is shown to meet {met}' if met else ''}"
    if alternative is None:
        return f"keep: none of {n} candidates was better than today's settings"
    if alternative.why_no_saving is not None:
        then = "meets every constraint and is not" if alternative.feasible else "is not shown to meet every constraint, or is"
        return f"keep: no saving can be stated, since {alternative.why_no_saving}. The best candidate {then} saturated"
    unshown = [_miss(one) for one in alternative.constraints if one.is_met is not True]
    if unshown:
        return f"keep: the best candidate is not shown to meet {'; '.join(unshown)}; {_gain(inquiry, alternative)}"
    return f"keep: the best candidate is not shown to be better than today's settings: {_gain(inquiry, alternative)}"


def _gain(inquiry: Inquiry, candidate: Candidate) -> str:
    """By how much a candidate's objective is better than today's."""
    kpi, gain = inquiry.goal.minimise, candidate.improvement
    today = inquiry.goal.cost(inquiry.reported(inquiry.baseline, REPORT)).mean
    if gain is None or gain.mean is None or today is None:
        return f"its {kpi} cannot be compared"
    if kpi == "total_cost_usd":
        what = f"it saves {_money(gain)}" if gain.mean >= 0 else f"it costs {_money(Estimate(-gain.mean, gain.half_width, gain.n))} more"
        return f"{what} of {_usd(today, 2)} a run"
    return f"it lowers {kpi} by {_number(gain)} from {today:.4g}"


def _miss(one: ConstraintReport) -> str:
    return f"{one.constraint} (it {'does not exist' if one.estimate.mean is None else f'is {_number(one.estimate)}'})"


def _split(saved: Mapping[str, Estimate]) -> str:
    parts = [
        f"{_money(one, signed=True)} in {_PART_WORDS[part]}"
        for part, one in saved.items()
        if part in _ALWAYS_SAID or (part in _PART_WORDS and (one.mean or one.half_width))
    ]
    return f"of what is saved, {', '.join(parts)}"


def _promise(inquiry: Inquiry, predicted: Prediction) -> Iterator[str]:
    if predicted.one_run is None or predicted.mean is None:
        return
    what = "the whole trace" if inquiry.is_trace else "the scenario"
    yield (
        f"on a fresh seed one run of {what} will save {_range(predicted.one_run)}, "
        f"the mean of {predicted.runs} runs {_range(predicted.mean)} (95 % prediction intervals)"
    )


def _how_a_trace_is_used(inquiry: Inquiry) -> str:
    return (
        "a trace is one history: settings were searched on the first two thirds of its time and are reported on "
        f"{traffic_of(inquiry.trial.parts[REPORT])}, which begins with an empty cache; half-widths are over providers and their faults, "
        "not over other traffic"
    )


def _recorded_bill(inquiry: Inquiry) -> Iterator[str]:
    """How well the price book reproduces the bill that was recorded with the trace."""
    billed = bills_of(inquiry.scenario)
    if billed is not None:
        yield billed.line
        yield from (f"warning: {warning}" for warning in billed.warnings)


def _at_the_edge(inquiry: Inquiry, selection: Selection) -> Iterator[str]:
    """A choice at the end of a range may say that the range was too narrow."""
    for dimension, (path, value) in zip(inquiry.space.dimensions, selection.choice, strict=True):
        if dimension.is_ordered and len(dimension.grid) > 2 and value in (dimension.grid[0], dimension.grid[-1]):
            which = "lower" if value == dimension.grid[0] else "upper"
            yield f"{path}: the best candidate lies at the {which} end of what was searched, {value:g}; a wider range may hold a better one"


def _refused(inquiry: Inquiry) -> Iterator[str]:
    refusals = [inquiry.evaluations.refusal(values) for values in inquiry.evaluations.met()]
    reasons = [reason for reason in refusals if reason]
    if reasons:
        yield f"{len(reasons)} of {len(refusals)} candidates exclude themselves, the first because {reasons[0]}"


def _money(estimate: Estimate, *, signed: bool = False) -> str:
    """Dollars with their half-width, in cents, or with two digits of a half-width below that."""
    decimals = _decimals(estimate.half_width, 2)
    text = _usd(estimate.mean or 0.0, decimals, signed=signed)
    return text if estimate.half_width is None else f"{text} ± {_usd(estimate.half_width, decimals)}"


def _range(ends: tuple[float, float]) -> str:
    decimals = _decimals((ends[1] - ends[0]) / 2, 2)
    return f"between {_usd(ends[0], decimals, signed=True)} and {_usd(ends[1], decimals, signed=True)}"


def _number(estimate: Estimate) -> str:
    decimals = _decimals(estimate.half_width, 0)
    text = f"{estimate.mean:.{decimals}f}" if estimate.half_width else f"{estimate.mean:.6g}"
    return text if not estimate.half_width else f"{text} ± {estimate.half_width:.{decimals}f}"


def _usd(value: float, decimals: int, *, signed: bool = False) -> str:
    sign = "-" if round(value, decimals) < 0 else "+" if signed and round(value, decimals) > 0 else ""
    return f"{sign}${abs(value):,.{decimals}f}"


def _decimals(half_width: float | None, least: int) -> int:
    """Decimals that show two digits of a half-width."""
    return least if not half_width else min(9, max(least, 1 - floor(log10(half_width))))
