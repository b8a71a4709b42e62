"""`recommend`: search the scenario's settings, select among the best on fresh seeds, report the choice against today's settings on others.

Owns the order of the three and what each is allowed to see. It neither prints nor writes results; finished evaluations alone are kept, in a folder
that the caller names, so that an interrupted search goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from sbsim.measure import Estimate, alerts, estimates
from sbsim.parallel import Progress
from sbsim.recommendation.evidence import evidence_of
from sbsim.recommendation.inquiry import Inquiry, inquire
from sbsim.recommendation.recommendation import Candidate, ConstraintReport, Recommendation
from sbsim.recommendation.verdict import KEEP, Comparison, Prediction, judge
from sbsim.recommendation.words import notes_of, traffic_of
from sbsim.scenario import Scenario, load
from sbsim.search.objective import Outcome, estimate_of
from sbsim.search.optimize import search
from sbsim.search.ranking import Selection, Selector
from sbsim.search.space import Values
from sbsim.search.trial import REPORT, WHOLE
from sbsim.seeds import derive

EVALUATIONS = 150
"""Runs spent in a search unless said otherwise: on test problems of 1,500 points that finds one within 1 % of the best in 29 of 30 seeds or more."""


def recommend(
    scenario: Scenario | str | PathLike[str],
    *,
    seed: int | None = None,
    evaluations: int = EVALUATIONS,
    replications: int | None = None,
    jobs: int = 1,
    keep_in: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Recommendation:
    """The settings that cost least within the constraints, against today's, with how sure that is.

    Parameters
    ----------
    scenario : or the file or shipped scenario of that name; its `search` names the settings to vary, its `config` is the baseline.
    seed : root seed in place of the scenario's. evaluations : runs that the search may spend; the selection of the best takes half as many at most.
    replications : of the report on the choice and the baseline; default twice the scenario's, 5 at least.
    jobs : processes; the answer does not depend on it. keep_in : folder where finished evaluations are kept until the answer is there.
    progress : called with (evaluations done, of how many at most).

    Raises
    ------
    ScenarioError, TraceError
        When the scenario, its `search` or its traffic means nothing. That no candidate is feasible is an answer and no error, see
        `Recommendation.verdict`.
    OutputError
        When `keep_in` cannot be written.
    """
    scenario = scenario if isinstance(scenario, Scenario) else load(str(scenario))
    inquiry = inquire(
        scenario,
        seed=scenario.seed if seed is None else seed,
        evaluations=evaluations,
        replications=replications,
        jobs=jobs,
        keep_in=keep_in,
        progress=progress,
    )
    is_finished = False
    try:
        answer = _answer(inquiry)
        is_finished = True
    finally:
        inquiry.evaluations.close(is_finished=is_finished)
    return answer


def _answer(inquiry: Inquiry) -> Recommendation:
    evaluations, goal, baseline, budget = inquiry.evaluations, inquiry.goal, inquiry.baseline, inquiry.effort.evaluations // 2
    seed = derive(inquiry.seed, "choices")
    found = search(inquiry.space, goal, evaluations, baseline, inquiry.effort, seed)
    selection = Selector(goal, evaluations, baseline, budget=budget, seed=seed).select(found.finalists, found.others)
    # Nothing is chosen from here on: the report seeds decide the verdict alone.
    today = inquiry.reported(baseline, REPORT)
    choice = _candidate(inquiry, selection.choice)
    is_baseline = selection.choice == baseline
    comparison = Comparison(today, inquiry.reported(selection.choice, REPORT))
    verdict = judge(goal, comparison, is_baseline=is_baseline, was_eligible=selection.is_eligible)
    is_kept = verdict == KEEP and not is_baseline
    return _recommendation(inquiry, selection, verdict, _candidate(inquiry, baseline) if is_kept else choice, choice if is_kept else None)


def _candidate(inquiry: Inquiry, values: Values) -> Candidate:
    """What the report seeds say of a candidate."""
    goal, outcomes = inquiry.goal, inquiry.reported(values, REPORT)
    comparison = Comparison(inquiry.reported(inquiry.baseline, REPORT), outcomes)
    stream = WHOLE if inquiry.is_trace else REPORT
    in_full = Comparison(inquiry.reported(inquiry.baseline, stream), inquiry.reported(values, stream)).savings()
    runs = inquiry.scenario.replications
    return Candidate(
        config=inquiry.scenario.with_values(dict(values)).config,
        kpis=_kpis(outcomes),
        saved=comparison.savings(),
        predicted=None if in_full is None else {part: Prediction.of(one, runs) for part, one in in_full.items()},
        improvement=comparison.improvement(goal),
        feasible=goal.feasible(outcomes),
        constraints=tuple(ConstraintReport(limit, estimate_of(limit.kpi, outcomes), goal.is_met(limit, outcomes)) for limit in goal.constraints),
        why_no_saving=comparison.why_no_saving,
    )


def _kpis(outcomes: Sequence[Outcome]) -> dict[str, Estimate]:
    return estimates([one.kpis for one in outcomes])


def _recommendation(inquiry: Inquiry, selection: Selection, verdict: str, recommended: Candidate, alternative: Candidate | None) -> Recommendation:
    return Recommendation(
        scenario=inquiry.scenario,
        seed=inquiry.seed,
        verdict=verdict,
        baseline_kpis=_kpis(inquiry.reported(inquiry.baseline, REPORT)),
        recommended=recommended,
        alternative=alternative,
        probability_best=selection.probability_best,
        over="provider" if inquiry.is_trace else "traffic and provider",
        reported_on=traffic_of(inquiry.trial.parts[REPORT]),
        notes=tuple(notes_of(inquiry, selection, verdict, recommended, alternative)),
        alerts=tuple(alerts(recommended.kpis, inquiry.scenario)),
        evidence=evidence_of(inquiry, selection, verdict),
    )
