"""Trials on several workloads as one answer: what each claim comes to, and what it depends on where workloads disagree.

Owns the words and the document. Knows trials; no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Any

from sbsim.claims.claim import CLAIMS, DEPENDS, FACTS, HOLDS, HOLDS_NOT, UNDECIDED, Claim, exceeds, summed_up
from sbsim.claims.trial import Trial


@dataclass(slots=True)
class Answer:
    """Claims on workloads.

    Attributes
    ----------
    trials : in the order in which they were made. left_out : name of a scenario that could not be tried -> why.
    """

    trials: Sequence[Trial]
    left_out: Mapping[str, str]

    def verdict(self, claim: Claim) -> str:
        """What the workloads say of a claim together."""
        return summed_up([trial.verdicts[claim.name] for trial in self.trials])

    def sentence(self, claim: Claim) -> str:
        """The verdict in words, with the facts that it may depend on: where workloads disagree, those that they disagree at."""
        verdict = self.verdict(claim)
        on = " and ".join(FACTS[name] for name in claim.depends_on)
        places: dict[str, list[str]] = {}
        for trial in self.trials:
            facts = ", ".join(fact_text(name, trial.facts[name]) for name in claim.depends_on)
            places.setdefault(trial.verdicts[claim.name], []).append(f"{facts} ({trial.study.scenario.name})")
        if verdict != DEPENDS:
            return f"{claim.promise}: {verdict}; {on}: {'; '.join(place for each in places.values() for place in each)}"
        where = "; ".join(f"{one} at {', '.join(places[one])}" for one in (HOLDS, HOLDS_NOT, UNDECIDED) if one in places)
        return f"{claim.promise}: depends on {on}: {where}"

    def to_plain(self) -> dict[str, Any]:
        """The JSON document `sbsim.claims/1`."""
        return {
            "schema": "sbsim.claims/1",
            "workloads": [_workload(trial) for trial in self.trials],
            "left_out": dict(self.left_out),
            "claims": [
                {
                    "claim": claim.name,
                    "promise": claim.promise,
                    "low": claim.low,
                    "high": claim.high,
                    "measured": claim.measured,
                    "depends_on": list(claim.depends_on),
                    "verdict": self.verdict(claim),
                    "workloads": [_measured(claim, trial) for trial in self.trials],
                }
                for claim in CLAIMS
            ],
        }


def fact_text(name: str, value: float) -> str:
    """A fact's value as read: a share in per cent, a number of requests as it is."""
    if name == "items_per_call":
        return "any number" if isinf(value) else f"{value:g}"
    return f"{value:.2g}" if name == "similarity_threshold" else f"{value:.1%}"


def _workload(trial: Trial) -> dict[str, Any]:
    study = trial.study
    return {
        "scenario": study.scenario.name,
        "digest": study.scenario.digest,
        "seed": study.seed,
        "replications": len(study.replications),
        "over": study.over,
        "saturated": study.saturated,
        "warnings": study.warnings,
        "facts": {name: None if isinf(value) else value for name, value in trial.facts.items()},
    }


def _measured(claim: Claim, trial: Trial) -> dict[str, Any]:
    value = trial.values[claim.name]
    return {
        "scenario": trial.study.scenario.name,
        "value": value.to_plain(),
        "verdict": trial.verdicts[claim.name],
        "more_than_promised": exceeds(claim, value),
        "note": trial.reasons.get(claim.name, ""),
    }
