"""Where a study's savings come from: the ledger's waterfall of every replication, as estimates, and on demand each mechanism's effect.

Owns the study of causes. Knows replications and the waterfall; no table and no file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sbsim.measure import Estimate, mean_estimate
from sbsim.measure.waterfall import CAUSES, Waterfall, waterfall
from sbsim.parallel import run_all
from sbsim.search.ablation import Effect, effects
from sbsim.simulation.replicate import Replication, counted_of, replication_of, run
from sbsim.simulation.study import Study, study_of, warmup_instant
from sbsim.units import to_usd

if TYPE_CHECKING:
    from sbsim.scenario import Scenario

LEDGER = "what the runs' own bills say: every request's saving has one cause, and the causes add up to savings_usd to the nano-dollar"
ABLATION = (
    "another question than the ledger's: what the total would rise by if one mechanism were switched off and all others stayed. "
    "They step in for each other, so these effects neither add up to the savings nor equal the ledger's causes"
)


@dataclass(slots=True)
class Explanation:
    """Savings by cause, over the replications of a study.

    Attributes
    ----------
    study : the study explained, with every KPI. waterfalls : one per replication, in whole nano-dollars.
    individual_usd, total_usd, savings_usd : estimates, dollars. causes : likewise by name, in the order of `measure.waterfall.CAUSES`.
    effects : of the mechanisms that are on, switched off one at a time; None where nobody asked.
    """

    study: Study
    waterfalls: list[Waterfall]
    individual_usd: Estimate
    total_usd: Estimate
    savings_usd: Estimate
    causes: dict[str, Estimate]
    effects: list[Effect] | None

    def to_plain(self) -> dict[str, Any]:
        """The JSON document `sbsim.explain/1`."""
        study, falls = self.study, self.waterfalls
        document: dict[str, Any] = {
            "schema": "sbsim.explain/1",
            "scenario": study.scenario.name,
            "digest": study.scenario.digest,
            "seed": study.seed,
            "replications": len(falls),
            "over": study.over,
            "warmup_s": study.warmup_s,
            "saturated": study.saturated,
            "incomplete": study.incomplete,
            "warnings": study.warnings,
            "individual_cost_usd": self.individual_usd.to_plain(),
            "causes_usd": {name: estimate.to_plain() for name, estimate in self.causes.items()},
            "total_cost_usd": self.total_usd.to_plain(),
            "savings_usd": self.savings_usd.to_plain(),
            "nano_dollars": {
                "individual_cost": [fall.individual_nano for fall in falls],
                "causes": {name: [fall.causes[name] for fall in falls] for name in self.causes},
                "total_cost": [fall.total_nano for fall in falls],
            },
            "ablation": None,
        }
        if self.effects is not None:
            document["ablation"] = {"answers": ABLATION, "mechanisms": [effect.to_plain() for effect in self.effects]}
        return document


def explain(
    scenario: Scenario, *, seed: int | None = None, ablation: bool = False, jobs: int = 1, progress: Callable[[int, int], None] | None = None
) -> Explanation:
    """The savings of `scenario` by cause.

    Parameters
    ----------
    seed : in place of the scenario's. ablation : whether each mechanism is switched off in turn, on the same traffic and the same luck.
    jobs : processes; the result is the same. progress : called with (done, total) of the ledger's replications.

    Raises
    ------
    ScenarioError, TraceError
        When the scenario or its traffic means nothing.
    """
    seed = scenario.seed if seed is None else seed
    warmup_s = warmup_instant(scenario, seed=seed, jobs=jobs)
    done = list(run_all(partial(_one, scenario, seed, warmup_s), range(scenario.replications), jobs=jobs, progress=progress))
    study = study_of(scenario, seed, [replication for replication, _ in done], warmup_s)
    falls = [fall for _, fall in done]
    return Explanation(
        study=study,
        waterfalls=falls,
        individual_usd=_estimate([fall.individual_nano for fall in falls]),
        total_usd=_estimate([fall.total_nano for fall in falls]),
        savings_usd=_estimate([fall.individual_nano - fall.total_nano for fall in falls]),
        causes={cause.name: _estimate([fall.causes[cause.name] for fall in falls]) for cause in CAUSES},
        effects=effects(study, jobs=jobs) if ablation else None,
    )


def _one(scenario: Scenario, seed: int, warmup_s: float, replication: int) -> tuple[Replication, Waterfall]:
    finished = run(scenario, seed=seed, replication=replication)
    counted = counted_of(finished, scenario, warmup_s)
    return replication_of(counted), waterfall(counted)


def _estimate(nano: list[int]) -> Estimate:
    return mean_estimate([to_usd(one) for one in nano])
