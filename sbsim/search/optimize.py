"""The search: screening, pattern search, differential evolution where it pays; its result is a short list for the selection.

Owns the order of steps and how the budget is shared between them. It sees a space, a goal and something that evaluates; no scenario, no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from sbsim.search.evaluations import Evaluations
from sbsim.search.evolution import evolve, pays
from sbsim.search.objective import Goal
from sbsim.search.pattern import pattern_search
from sbsim.search.race import BudgetSpent, Race
from sbsim.search.space import Point, Space, Values
from sbsim.seeds import derive


@dataclass(frozen=True, slots=True)
class Effort:
    """How much a search may do.

    Attributes
    ----------
    evaluations : runs that may be spent in the search (a run of a part of the horizon counts as that part).
    replications : runs that a point has to win on. n_starts : walks before differential evolution, if the budget allows that.
    n_finalists : length of the short list. screening_share : share of the horizon that screening runs.
    """

    evaluations: int = 200
    replications: int = 2
    n_starts: int = 3
    n_finalists: int = 5
    screening_share: float = 1.0

    @property
    def is_thorough(self) -> bool:
        """Whether there is enough to settle everything else before words are exchanged; with less that is worse than going straight downhill."""
        return self.evaluations >= 120

    @property
    def n_screened(self) -> int:
        """Points of the screening: a power of two, which keeps a Sobol sequence balanced."""
        return 32 if self.is_thorough else 16 if self.evaluations >= 40 else 8


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brings home.

    Attributes
    ----------
    finalists : the short list, best first, each run on all replications of the search stream; never empty.
    others : every other candidate met, in the order of their standing on its first replication.
    """

    finalists: list[Values]
    others: list[Values]


def search(space: Space, goal: Goal, evaluations: Evaluations, baseline: Values, effort: Effort, seed: int) -> Found:
    """Look for candidates that are good on the search stream.

    Parameters
    ----------
    baseline : the settings of today, which are always a candidate, on the grid or not. seed : of the search's own choices (not of the runs).
    """
    kept_back = effort.n_finalists * (effort.replications - 1)
    race = Race(space, goal, evaluations, replications=effort.replications, budget=max(effort.evaluations - kept_back, effort.replications))
    try:
        race.try_all([baseline])
        _explore(race, space.to_internal(dict(baseline)), effort, seed)
    except BudgetSpent:
        pass
    by_first = sorted(race.met, key=race.first)
    finalists = _short_list(race.extended(kept_back), by_first, effort)
    return Found(finalists, [values for values in by_first if values not in finalists])


def _explore(race: Race, baseline: Point | None, effort: Effort, seed: int) -> None:
    space = race.space
    if space.size <= race.room:
        race.try_out(space.points())
        return
    screened = list(dict.fromkeys([*([] if baseline is None else [baseline]), *space.sobol(effort.n_screened, derive(seed, "screening"))]))
    race.try_out(screened, effort.screening_share)
    screened = race.ranked(screened, effort.screening_share)
    visited: set[tuple[Point, int, int]] = set()
    starts = iter(taking_turns(space, screened) if effort.is_thorough else screened)
    ends = [pattern_search(race, start, visited, keep_words=effort.is_thorough) for start in islice(starts, effort.n_starts)]
    if pays(race):
        evolve(race, [*dict.fromkeys(ends), *screened], derive(seed, "evolution"))
    for start in starts:
        pattern_search(race, start, visited, keep_words=effort.is_thorough)


def taking_turns(space: Space, screened: list[Point]) -> Iterator[Point]:
    """The screened points, best first, but in turns between combinations of words: a walk seldom finds its way across those."""
    words = [axis for axis, dimension in enumerate(space.dimensions) if not dimension.is_ordered]
    queues: dict[tuple[int, ...], list[Point]] = {}
    for point in screened:
        queues.setdefault(tuple(point[axis] for axis in words), []).append(point)
    return (point for row in zip_longest(*queues.values()) for point in row if point is not None)


def _short_list(race: Race, by_first: list[Values], effort: Effort) -> list[Values]:
    """The best on all replications: those that were run on all of them, and the best of the others as far as the budget goes."""
    for n in range(2 * effort.n_finalists, 0, -1):
        try:
            race.try_all(by_first[:n])
            break
        except BudgetSpent:
            continue
    complete = [values for values in by_first if race.is_complete(values)]
    return sorted(complete, key=race.standing)[: effort.n_finalists]
