"""Two candidates on the same luck, and what may be said of the better one: deploy, keep, or infeasible.

Owns the verdict and the numbers that it rests on. It sees outcomes of the report stream; no search, no scenario, no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sbsim.measure import Estimate, estimates, paired, paired_estimates, prediction_interval
from sbsim.search.objective import Goal, Outcome, by_replication

DEPLOY, KEEP, INFEASIBLE = "deploy", "keep", "infeasible"
PARTS = {"provider": "provider_cost_usd", "tier": "tier_cost_usd", "penalty": "penalty_cost_usd", "false_reuse": "false_reuse_cost_usd"}
"""What a saving is made of -> the KPI; together they are total_cost_usd."""


@dataclass(frozen=True)
class Prediction:
    """Where a saving will lie on seeds that nobody has seen, with probability 95 %: dollars, baseline minus recommended.

    Attributes
    ----------
    one_run : of one new run. mean : of the mean of `runs` new runs, which is what `sbsim run` prints.
    """

    one_run: tuple[float, float] | None
    mean: tuple[float, float] | None
    runs: int

    @classmethod
    def of(cls, saving: Estimate, runs: int) -> Prediction:
        """From a saving over paired replications."""
        return cls(prediction_interval(saving, 1), prediction_interval(saving, runs), runs)

    def to_plain(self) -> dict[str, object]:
        """Its JSON form."""
        return {"confidence": 0.95, "one_run": self.one_run, f"mean_of_{self.runs}_runs": self.mean}


@dataclass(frozen=True)
class Comparison:
    """Baseline and another candidate, replication by replication on the same luck."""

    baseline: Sequence[Outcome]
    other: Sequence[Outcome]

    @property
    def why_no_saving(self) -> str | None:
        """Why a difference in dollars means nothing here; None when it does."""
        for outcomes, who in ((self.baseline, "the baseline"), (self.other, "the recommended config")):
            if any(one.refusal for one in outcomes):
                return f"{who} is refused: {next(one.refusal for one in outcomes if one.refusal)}"
            if any(one.is_saturated for one in outcomes):
                return f"{who} is saturated: its backlog grows as long as the traffic lasts, so its cost depends on the horizon, not on the settings"
        return None

    def kpis(self) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
        """Every KPI of the baseline and of the other."""
        return estimates([one.kpis for one in self.baseline]), estimates([one.kpis for one in self.other])

    def savings(self) -> dict[str, Estimate] | None:
        """`total` saved, and its parts by the names of PARTS, in dollars; None where `why_no_saving` says why."""
        if self.why_no_saving is not None:
            return None
        saved = paired_estimates([one.kpis for one in self.baseline], [one.kpis for one in self.other])
        return {"total": saved["total_cost_usd"], **{part: saved[kpi] for part, kpi in PARTS.items()}}

    def improvement(self, goal: Goal) -> Estimate | None:
        """By how much the other's objective is smaller; None where `why_no_saving` says why."""
        if self.why_no_saving is not None:
            return None
        a, b = ([None if value != value else value for value in by_replication(goal.minimise, side).tolist()] for side in (self.baseline, self.other))
        return paired(a, b)


def judge(goal: Goal, comparison: Comparison, *, is_baseline: bool, was_eligible: bool) -> str:
    """The verdict on the choice of the selection.

    Infeasible when no candidate met the constraints in the selection and the choice, its nearest miss, is not shown to meet them here; deploy when
    the choice is shown to meet them and its objective is better with an interval above 0; else keep.

    Parameters
    ----------
    is_baseline : whether the choice is the baseline. was_eligible : whether it met the constraints in the selection.
    """
    feasible = goal.feasible(comparison.other)
    if not was_eligible and feasible is not True:
        return INFEASIBLE
    better = comparison.improvement(goal)
    is_better = better is not None and better.low is not None and better.low > 0
    return DEPLOY if feasible and is_better and not is_baseline else KEEP
