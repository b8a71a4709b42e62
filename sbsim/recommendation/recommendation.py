"""`Recommendation`: what to deploy, what it saves, and how sure that is; as a value, as JSON and as evidence. It neither searches nor writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sbsim.config import Config
from sbsim.errors import InfeasibleError
from sbsim.measure import Estimate
from sbsim.recommendation.verdict import INFEASIBLE, Prediction
from sbsim.scenario import Constraint, Scenario, deployment


@dataclass(frozen=True)
class ConstraintReport:
    """One constraint on the report seeds: what it is, the KPI's estimate, and whether it is met (None: not shown)."""

    constraint: Constraint
    estimate: Estimate
    is_met: bool | None

    def to_plain(self) -> dict[str, Any]:
        """Its JSON form."""
        return {"constraint": str(self.constraint), "estimate": self.estimate.to_plain(), "met": self.is_met}


@dataclass(frozen=True)
class Candidate:
    """A config on the report seeds, against the baseline.

    Attributes
    ----------
    config : every setting. kpis : every KPI. saved : `total` and its parts in dollars (see `verdict.PARTS`), None where `why_no_saving` says why.
    predicted : where the total and its parts will lie on new runs of the scenario as it stands. improvement : of the objective.
    feasible : whether all constraints are met; None: not shown.
    """

    config: Config
    kpis: Mapping[str, Estimate]
    saved: Mapping[str, Estimate] | None
    predicted: Mapping[str, Prediction] | None
    improvement: Estimate | None
    feasible: bool | None
    constraints: tuple[ConstraintReport, ...]
    why_no_saving: str | None = None

    def saved_to_plain(self) -> dict[str, Any]:
        """The keys of the JSON document that speak of dollars saved."""
        saved, predicted = self.saved, self.predicted
        return {
            "saved_vs_baseline_usd": None if saved is None else saved["total"].to_plain(),
            "saved_by_part_usd": None if saved is None else {part: one.to_plain() for part, one in saved.items() if part != "total"},
            "saved_in_new_runs_usd": None if predicted is None else {part: one.to_plain() for part, one in predicted.items()},
            "why_no_saving": self.why_no_saving,
        }


@dataclass(frozen=True)
class Recommendation:
    """The answer to a search.

    Attributes
    ----------
    scenario : as it was asked about; its config is the baseline. seed : root seed.
    baseline_kpis : of the baseline on the report seeds. recommended : what to run: the best candidate where the verdict is deploy, the baseline where
        it is keep, the nearest miss where it is infeasible.
    alternative : with keep, the best candidate that is not recommended, if that is another than the baseline.
    verdict : deploy, keep or infeasible. probability_best : of the choice among the finalists, see `search.ranking.Selection`.
    over : what varies between replications. reported_on : in words, the traffic that the estimates are about. notes : sentences for the reader, the
        verdict's reason first. evidence : everything that it rests on, as plain values.
    """

    scenario: Scenario
    seed: int
    verdict: str
    baseline_kpis: Mapping[str, Estimate]
    recommended: Candidate
    alternative: Candidate | None
    probability_best: float | None
    over: str
    reported_on: str
    notes: tuple[str, ...]
    alerts: tuple[str, ...]
    evidence: Mapping[str, Any] = field(repr=False)

    @property
    def config(self) -> Config:
        """Every setting that is recommended."""
        return self.recommended.config

    @property
    def saved(self) -> Estimate | None:
        """Dollars saved against the baseline on the report seeds; None with the reason in `recommended.why_no_saving`."""
        return None if self.recommended.saved is None else self.recommended.saved["total"]

    @property
    def feasible(self) -> bool | None:
        """Whether the recommended config meets every constraint, at one-sided 95 % confidence; None: not shown."""
        return self.recommended.feasible

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """path -> (today's value, recommended value) of the settings that change."""
        return self.scenario.config.changes(self.config)

    def require_feasible(self) -> None:
        """Raises InfeasibleError, carrying this recommendation with the nearest miss, when no candidate meets the constraints."""
        if self.verdict == INFEASIBLE:
            raise InfeasibleError(self.notes[0], nearest=self)

    def deployment(self) -> dict[str, Any]:
        """Plain values of the file that runs in production: settings, providers and promises; no secrets, no laws of latency."""
        return deployment(self.scenario, self.config)

    def alternative_deployment(self) -> dict[str, Any] | None:
        """The same for the alternative, if there is one."""
        return None if self.alternative is None else deployment(self.scenario, self.alternative.config)

    def to_plain(self) -> dict[str, Any]:
        """The JSON document `sbsim.recommendation/1`."""
        return {
            "schema": "sbsim.recommendation/1",
            "scenario": self.scenario.name,
            "digest": self.scenario.digest,
            "seed": self.seed,
            "verdict": self.verdict,
            "feasible": self.feasible,
            "probability_best": self.probability_best,
            **self.recommended.saved_to_plain(),
            "changes": {path: {"baseline": old, "recommended": new} for path, (old, new) in self.changes.items()},
            "constraints": [one.to_plain() for one in self.recommended.constraints],
            "reported_on": self.reported_on,
            "over": self.over,
            "notes": list(self.notes),
            "alerts": list(self.alerts),
            "alternative": None if self.alternative is None else self._alternative_to_plain(self.alternative),
            "config": self.config.to_plain(),
            "baseline": {name: one.to_plain() for name, one in self.baseline_kpis.items()},
            "recommended": {name: one.to_plain() for name, one in self.recommended.kpis.items()},
        }

    def _alternative_to_plain(self, other: Candidate) -> dict[str, Any]:
        changes = self.scenario.config.changes(other.config)
        return {
            "changes": {path: {"baseline": old, "alternative": new} for path, (old, new) in changes.items()},
            "feasible": other.feasible,
            **other.saved_to_plain(),
            "constraints": [one.to_plain() for one in other.constraints],
        }
