"""Evidence: all that a recommendation rests on, so that it can be repeated and doubted: digests, versions, seeds, every candidate's estimates."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from sbsim.recommendation.inquiry import Inquiry
from sbsim.search.objective import Outcome, estimate_of
from sbsim.search.optimize import Effort
from sbsim.search.race import SEARCH
from sbsim.search.ranking import SELECTION, Selection
from sbsim.search.space import Dimension, Values
from sbsim.search.trial import REPORT, WHOLE

_LIBRARIES = ("numpy", "scipy", "simpy", "joblib", "pydantic")
"""Libraries whose version can change a number."""
_ALWAYS = ("total_cost_usd", "provider_cost_usd", "penalty_cost_usd", "p95_latency_s")
"""KPIs that are kept of every candidate, whatever the objective: what it costs, and how long it takes."""


def evidence_of(inquiry: Inquiry, selection: Selection, verdict: str) -> dict[str, Any]:
    """The document `sbsim.evidence/1`: plain values only, nothing that depends on the clock, the machine's speed or the number of jobs."""
    scenario, trial = inquiry.scenario, inquiry.trial
    streams = [stream for stream in (SEARCH, SELECTION, REPORT, WHOLE) if stream in trial.parts]
    return {
        "schema": "sbsim.evidence/1",
        "scenario": {"name": scenario.name, "digest": scenario.digest, "study": scenario.study, "warmup_s": trial.warmup_s},
        "trace": None if inquiry.trace_digest is None else {"path": scenario.workload.path, "digest": inquiry.trace_digest, "parts": _parts(inquiry)},
        "versions": _versions(),
        "seeds": {"root": inquiry.seed, **{stream: trial.seeds[stream] for stream in streams}},
        "objective": {"minimise": inquiry.goal.minimise, "subject_to": [str(limit) for limit in inquiry.goal.constraints]},
        "space": [_dimension(dimension) for dimension in inquiry.space.dimensions],
        "effort": _effort(inquiry.effort, inquiry),
        "verdict": verdict,
        "baseline": dict(inquiry.baseline),
        "choice": dict(selection.choice),
        "choice_met_constraints_in_selection": selection.is_eligible,
        "probability_best": selection.probability_best,
        "indifference": selection.indifference,
        "candidates": [_candidate(inquiry, values, streams) for values in _ordered(inquiry)],
    }


def _ordered(inquiry: Inquiry) -> list[Values]:
    """Every candidate, best first by its first run in the search; those screened on a part of the horizon alone come last."""
    met = inquiry.evaluations.met()
    run = [values for values in met if inquiry.evaluations.known(values, SEARCH)]
    run.sort(key=lambda values: inquiry.goal.standing(inquiry.evaluations.known(values, SEARCH)[:1]))
    return [*run, *(values for values in met if values not in set(run))]


def _candidate(inquiry: Inquiry, values: Values, streams: list[str]) -> dict[str, Any]:
    known = {stream: inquiry.evaluations.known(values, stream) for stream in streams}
    refusal = inquiry.evaluations.refusal(values)
    return {
        "values": dict(values),
        **({"refused": refusal} if refusal else {}),
        **{stream: _estimates(inquiry, outcomes) for stream, outcomes in known.items() if outcomes and not refusal},
    }


def _estimates(inquiry: Inquiry, outcomes: list[Outcome]) -> dict[str, Any]:
    names = dict.fromkeys([inquiry.goal.minimise, *(limit.kpi for limit in inquiry.goal.constraints), *_ALWAYS])
    return {
        "runs": len(outcomes),
        "saturated": sum(one.is_saturated for one in outcomes),
        "eligible": inquiry.goal.standing(outcomes).is_eligible,
        "kpis": {name: estimate_of(name, outcomes).to_plain() for name in names},
    }


def _parts(inquiry: Inquiry) -> dict[str, Any]:
    return {stream: part.workload.between for stream, part in inquiry.trial.parts.items()}


def _dimension(dimension: Dimension) -> dict[str, Any]:
    return {"path": dimension.path, "ordered": dimension.is_ordered, "log": dimension.is_log, "grid": list(dimension.grid)}


def _effort(effort: Effort, inquiry: Inquiry) -> dict[str, Any]:
    return {
        "evaluations": effort.evaluations,
        "screening_share": effort.screening_share,
        "points": inquiry.space.size,
        "candidates": len(inquiry.evaluations.met()),
        "spent": inquiry.evaluations.n_spent,
        "report_replications": inquiry.n_report,
    }


def _versions() -> dict[str, str]:
    from sbsim import __version__

    return {"sbsim": __version__, "python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}
