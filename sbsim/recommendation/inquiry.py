"""`Inquiry`: all that a recommendation is made from, put together once: space, goal, streams of seeds, parts of the traffic, budget, evaluations.

It decides nothing about candidates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike

from sbsim.errors import ScenarioError
from sbsim.parallel import Progress
from sbsim.scenario import Scenario
from sbsim.search.checkpoint import Checkpoint
from sbsim.search.evaluations import Evaluations, Task
from sbsim.search.files import make_folder
from sbsim.search.objective import Goal, Outcome
from sbsim.search.optimize import Effort
from sbsim.search.race import SEARCH
from sbsim.search.space import Space, Values
from sbsim.search.trial import WHOLE, Trial, baseline_of, parts_of, seeds_of, space_of, trace_digest
from sbsim.simulation import warmup_instant

CHECKPOINT = "evaluations.partial.jsonl"
"""Name of the file of finished evaluations; it is gone when the recommendation is made."""
FEWEST_EVALUATIONS = 10
LONG_RUN = 40_000
"""Requests above which a steady study is screened on a part of its horizon: half as many requests, a quarter of the horizon at least."""


@dataclass(frozen=True)
class Inquiry:
    """A question about a scenario, ready to be answered.

    Attributes
    ----------
    seed : root seed. trial : what runs an evaluation; its parts and seeds are the streams. baseline : today's values of the searched settings.
    n_report : replications of the report. trace_digest : of the trace's bytes, None for synthetic traffic.
    """

    scenario: Scenario
    seed: int
    trial: Trial
    space: Space
    goal: Goal
    effort: Effort
    baseline: Values
    evaluations: Evaluations
    n_report: int
    trace_digest: str | None

    @property
    def is_trace(self) -> bool:
        """Whether the traffic is one recorded history."""
        return WHOLE in self.trial.parts

    def reported(self, values: Values, stream: str) -> Sequence[Outcome]:
        """A candidate on the replications of a report stream."""
        return self.evaluations.of(values, stream, self.n_report)


def inquire(
    scenario: Scenario,
    *,
    seed: int,
    evaluations: int,
    replications: int | None,
    jobs: int,
    keep_in: str | PathLike[str] | None,
    progress: Progress | None,
) -> Inquiry:
    """Put an inquiry together; the parameters are those of `recommend`. Raises ScenarioError, TraceError, OutputError."""
    if evaluations < FEWEST_EVALUATIONS:
        raise ScenarioError(f"evaluations: {evaluations} must be >= {FEWEST_EVALUATIONS}; try 150")
    if replications is not None and replications < 2:
        raise ScenarioError(f"replications: a report on {replications} has no interval; it must be >= 2; try 20")
    space, goal = space_of(scenario), Goal.of(scenario.objective)
    folder = None if keep_in is None else make_folder(keep_in)
    parts, seeds, digest = parts_of(scenario), seeds_of(seed), trace_digest(scenario)
    trial = Trial(parts, seeds, warmup_instant(parts[SEARCH], seed=seeds[SEARCH], jobs=jobs))
    n_report = max(5, 2 * scenario.replications) if replications is None else replications
    n_most = evaluations + evaluations // 2 + 2 * n_report * (2 if WHOLE in parts else 1)
    store = None if folder is None else Checkpoint(folder / CHECKPOINT, _identity(scenario, digest, seed, trial.warmup_s))
    baseline = baseline_of(scenario, space)
    kept = Evaluations(trial, jobs=jobs, store=store, progress=progress, n_planned=n_most)
    inquiry = Inquiry(scenario, seed, trial, space, goal, Effort(evaluations), baseline, kept, n_report, digest)
    return replace(inquiry, effort=replace(inquiry.effort, screening_share=_screening_share(inquiry)))


def _screening_share(inquiry: Inquiry) -> float:
    """Share of the horizon that shows which points are worth a whole run: all of it, but for long steady studies, whose hours are all alike."""
    if inquiry.scenario.study != "steady":
        return 1.0
    n = inquiry.evaluations.run([Task(inquiry.baseline, SEARCH, 0)])[0].kpis.get("n_requests") or 0
    return max(0.25, LONG_RUN / 2 / n) if n > LONG_RUN else 1.0


def _identity(scenario: Scenario, digest: str | None, seed: int, warmup_s: float) -> str:
    """What tells this study's evaluations from those of any other."""
    from sbsim import __version__

    return hashlib.blake2b(repr((__version__, scenario.digest, digest, seed, warmup_s)).encode(), digest_size=16).hexdigest()
