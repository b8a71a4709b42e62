"""Selection: finalists run again on seeds of their own, in paired rounds, until the best of them is known well enough.

Owns who stays in, who is chosen and how sure that is (statistics: `posterior`). Nothing of the seeds that proposed a candidate is used to choose it:
the best of many noisy numbers is a lucky one. It sees candidates and evaluations; no scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from sbsim.scenario import Constraint
from sbsim.search.evaluations import Evaluations, Task
from sbsim.search.objective import Goal, Outcome, Standing, by_replication, estimate_of
from sbsim.search.posterior import posterior_draws, probabilities_best, probability_within, probability_worse
from sbsim.search.race import SEARCH
from sbsim.search.space import Values
from sbsim.seeds import derive

SELECTION = "selection"
"""Stream of seeds that finalists are compared on."""
ROUND = 5
"""Replications in a round."""
SURE_ENOUGH = 0.95
STILL_IN = 0.01
"""A finalist less likely than this to be the best is run no further."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Who was chosen.

    Attributes
    ----------
    choice : the candidate; the nearest miss where none meets the constraints. is_eligible : whether it met every constraint here.
    probability_best : posterior probability that it is the best of the finalists or within the indifference of it; None where there was no choice to
        make among candidates that meet the constraints.
    replications : by finalist, how often it was run here. indifference : in units of the objective.
    """

    choice: Values
    is_eligible: bool
    probability_best: float | None
    replications: dict[Values, int]
    indifference: float


class Selector:
    """Rounds of paired replications.

    Parameters
    ----------
    baseline : always a finalist. indifference_share : of the baseline's objective; differences below it do not matter.
    budget : evaluations at most. seed : of the draws from posteriors.
    """

    def __init__(self, goal: Goal, evaluations: Evaluations, baseline: Values, *, budget: int, seed: int, indifference_share: float = 0.005) -> None:
        self._goal = goal
        self._evaluations = evaluations
        self._baseline = baseline
        self._most = evaluations.n_spent + budget
        self._seed = derive(seed, "posterior")
        self._indifference_share = indifference_share
        self._replications: dict[Values, int] = {}
        self._out: dict[Values, None] = {}  # too costly
        self._missed: dict[Values, None] = {}  # does not meet the constraints

    def select(self, finalists: Sequence[Values], others: Sequence[Values] = ()) -> Selection:
        """The choice among `finalists` and the baseline.

        Parameters
        ----------
        others : further candidates of the search. Where no finalist meets the constraints on these seeds, those of them take over that would, by
            what the finalists' KPIs lost on the way here.
        """
        n = 0
        in_play = list(dict.fromkeys([*finalists, self._baseline]))
        waiting = [values for values in others if values not in in_play]
        while in_play and self._fits(in_play, n + ROUND):
            n += ROUND
            self._run(in_play, n)
            in_play = self._meeting(in_play, n)
            while fresh := self._successors(in_play, waiting, n, len(finalists)):
                waiting = [values for values in waiting if values not in fresh]
                self._run(fresh, n)
                in_play += self._meeting(fresh, n)
            in_play = self._in_the_running(in_play, n)
            if self._is_settled(in_play, n):
                break
        return self._concluded(in_play, n)

    # -- rounds ------------------------------------------------------------------------------------------------------------
    def _fits(self, candidates: Sequence[Values], n: int) -> bool:
        tasks = [Task(values, SELECTION, r) for values in candidates for r in range(n)]
        return self._evaluations.n_spent + self._evaluations.cost(tasks) <= self._most or not self._replications

    def _run(self, candidates: Sequence[Values], n: int) -> None:
        self._evaluations.run([Task(values, SELECTION, r) for r in range(n) for values in candidates])
        self._replications.update((values, n) for values in candidates)

    def _outcomes(self, values: Values, n: int) -> list[Outcome]:
        return self._evaluations.of(values, SELECTION, n)

    def _standing(self, values: Values, n: int) -> Standing:
        return self._goal.standing(self._outcomes(values, n))

    def _cost(self, values: Values, n: int) -> NDArray[np.float64]:
        return by_replication(self._goal.minimise, self._outcomes(values, n))

    def _meeting(self, candidates: Sequence[Values], n: int) -> list[Values]:
        """Those that meet the constraints; the others are out."""
        met = []
        for values in candidates:
            if self._standing(values, n).is_eligible and not np.isnan(self._cost(values, n)).any():
                met.append(values)
            else:
                self._missed[values] = None
        return met

    def _successors(self, in_play: Sequence[Values], waiting: Sequence[Values], n: int, most: int) -> list[Values]:
        """Who takes the place of finalists that missed the constraints: those waiting that would meet them and cost less than what is left.

        Candidates at the edge of a constraint were chosen for their luck with it, and under common random numbers they all had the same: their KPIs
        are expected to lose here what those of the candidates run here lost, and two standard errors more.
        """
        n_missing = most - sum(values != self._baseline for values in in_play)
        if not self._missed or n_missing <= most / 2 or not waiting:
            return []
        goal = self._goal.shifted({limit.kpi: self._loss(limit) for limit in self._goal.constraints})
        standing = {values: goal.standing(self._evaluations.of(values, SEARCH, 1)) for values in waiting}
        to_beat = min((self._goal.standing(self._evaluations.of(values, SEARCH, 1)).cost for values in in_play), default=inf)
        fresh = sorted((v for v in waiting if standing[v].is_eligible and standing[v].cost < to_beat), key=standing.__getitem__)[:n_missing]
        return fresh if self._fits(fresh, n) else []

    def _loss(self, limit: Constraint) -> float:
        """How far a constraint's bound has to be moved, so that who meets it on the search's first seed is expected to meet it here."""
        lost = [loss for values in self._replications if (loss := self._lost(limit.kpi, values)) is not None]
        errors = [estimate_of(limit.kpi, self._outcomes(values, n)).standard_error or 0.0 for values, n in self._replications.items()]
        margin = {"<": -2.0, ">": 2.0, "=": 0.0}[limit.op[0]] * max(errors)
        return margin - (sum(lost) / len(lost) if lost else 0.0)

    def _lost(self, kpi: str, values: Values) -> float | None:
        here = estimate_of(kpi, self._outcomes(values, self._replications[values])).mean
        there = estimate_of(kpi, self._evaluations.of(values, SEARCH, 1)).mean
        return None if here is None or there is None else here - there

    # -- who is best -------------------------------------------------------------------------------------------------------
    def _pool(self, candidates: Sequence[Values], n: int) -> list[Values]:
        """Those that the choice is among: whose constraints are shown to be met, if there are any; the verdict will ask for that."""
        shown = [values for values in candidates if self._goal.feasible(self._outcomes(values, n))]
        return shown or list(candidates)

    def _best(self, pool: Sequence[Values], n: int) -> int:
        return min(range(len(pool)), key=lambda k: (float(self._cost(pool[k], n).mean()), k))

    def _draws(self, pool: Sequence[Values], n: int) -> NDArray[np.float64]:
        return posterior_draws(np.array([self._cost(values, n) for values in pool]), derive(self._seed, str(n)))

    def _in_the_running(self, candidates: Sequence[Values], n: int) -> list[Values]:
        if len(candidates) < 2:
            return list(candidates)
        chances = probabilities_best(self._draws(candidates, n))
        pool = self._pool(candidates, n)
        best = pool[self._best(pool, n)]
        kept = [values for values, chance in zip(candidates, chances, strict=True) if chance > STILL_IN or values == best]
        self._out.update((values, None) for values in candidates if values not in kept)
        return kept

    def _is_settled(self, candidates: Sequence[Values], n: int) -> bool:
        """Whether the choice is sure enough, and no cheaper candidate is left whose constraints are met but not shown to be."""
        if not candidates:
            return False
        pool = self._pool(candidates, n)
        if self._probability(pool, n) < SURE_ENOUGH:
            return False
        to_beat = float(self._cost(pool[self._best(pool, n)], n).mean()) - self._indifference()
        return all(values in pool or float(self._cost(values, n).mean()) >= to_beat for values in candidates)

    def _probability(self, pool: Sequence[Values], n: int) -> float:
        """The choice is at most the indifference worse than any of the pool, and than any that went before it (their chances added up: a bound)."""
        k, indifference = self._best(pool, n), self._indifference()
        probability = probability_within(self._draws(pool, n), k, indifference) if len(pool) > 1 else 1.0
        for values in self._out:
            n_both = min(self._replications[values], n)
            probability -= probability_worse(self._cost(pool[k], n_both) - self._cost(values, n_both), indifference)
        return max(probability, 0.0)

    def _indifference(self) -> float:
        """A share of the baseline's objective, as far as it exists."""
        cost = self._goal.cost(self._outcomes(self._baseline, self._replications.get(self._baseline, 0)))
        return 0.0 if cost.mean is None else self._indifference_share * abs(cost.mean)

    def _concluded(self, in_play: Sequence[Values], n: int) -> Selection:
        indifference = self._indifference()
        if in_play:
            pool = self._pool(in_play, n)
            choice = pool[self._best(pool, n)]
            probability: float | None = self._probability(pool, n)
        else:
            choice = min(self._replications, key=lambda values: self._standing(values, self._replications[values]), default=self._baseline)
            probability = None
        return Selection(choice, bool(in_play), probability, dict(self._replications), indifference if indifference < inf else 0.0)
