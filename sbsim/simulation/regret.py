"""What it costs not to have known: a config that was chosen without an event, against the best of those that one would have chosen knowing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from sbsim.config import Config
from sbsim.errors import ScenarioError
from sbsim.measure import Estimate, mean_estimate, paired
from sbsim.scenario import Scenario
from sbsim.seeds import derive
from sbsim.simulation.replicate import replicate


@dataclass(frozen=True, slots=True)
class Regret:
    """Costs of a scenario with something that its config did not expect (outages, changing terms).

    Attributes
    ----------
    best : number of the candidate that does best knowing it, -1 when none does better than the scenario's own config.
    cost_usd, best_cost_usd : cost of a run, of the scenario's config and of the best. regret_usd : the difference, over runs that met the same luck.
    """

    best: int
    cost_usd: Estimate
    best_cost_usd: Estimate
    regret_usd: Estimate


def regret_of(
    scenario: Scenario,
    candidates: Sequence[Config],
    *,
    seed: int | None = None,
    replications: int | None = None,
    kpi: str = "total_cost_usd",
    jobs: int = 1,
) -> Regret:
    """Regret in dollars of `scenario`'s own config.

    The candidate is chosen on seeds of its own, and both are compared on fresh ones, all under common random numbers: the candidate that was luckiest
    where it was chosen would make the regret look too large (see the design of `search`). A config that is best itself has a regret of exactly 0.

    Parameters
    ----------
    scenario : with what happens in it. candidates : configs that one might have chosen knowing it, at least one.
    seed, replications : the scenario's by default. kpi : what is compared, a cost in dollars of a run. jobs : processes.

    Raises
    ------
    ScenarioError
        Without candidates, or when a run has no such cost.
    """
    if not candidates:
        raise ScenarioError(
            f"{scenario.name}: regret_of: candidates: none given, and without one there is nothing to regret; try the config of a recommendation"
        )
    seed = scenario.seed if seed is None else seed
    configs = [scenario.config, *candidates]

    def costs(config: Config, stream: str) -> list[float]:
        runs = replicate(scenario.with_config(config), seed=derive(seed, stream), replications=replications, jobs=jobs)
        values = [one.kpis.get(kpi) for one in runs]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            raise ScenarioError(f"{scenario.name}: regret_of: kpi: {kpi} is null in a run; try total_cost_usd")
        return known

    chosen = [fsum(costs(config, "regret/choose")) for config in configs]
    best = min(range(len(configs)), key=chosen.__getitem__)
    own = costs(configs[0], "regret/report")
    other = own if best == 0 else costs(configs[best], "regret/report")
    return Regret(best - 1, mean_estimate(own), mean_estimate(other), paired(own, other))
