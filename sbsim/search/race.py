"""What a search knows of points: their outcomes on the search stream, who beats whom, and how much of the budget is left.

Owns the comparison of points under noise. All meet the same luck (common random numbers), and most of what is tried is worse than what is held
already, so a challenger runs on the first replication alone; only one that wins there meets the others too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sbsim.errors import StateError
from sbsim.search.evaluations import Evaluations, Task
from sbsim.search.objective import Goal, Standing
from sbsim.search.space import Point, Space, Values

SEARCH = "search"
"""Stream of seeds that candidates are sought on."""


class BudgetSpent(StateError):
    """The next comparison does not fit the budget; what was found so far stands."""


class Race:
    """Points against each other.

    Parameters
    ----------
    space, goal, evaluations : what is searched, what is wanted, what runs it.
    replications : that a winner has to win on. budget : evaluations that may be spent here.
    """

    def __init__(self, space: Space, goal: Goal, evaluations: Evaluations, *, replications: int, budget: float) -> None:
        self.space = space
        self.replications = replications
        self._goal = goal
        self._evaluations = evaluations
        self._most = evaluations.n_spent + budget
        self._met: dict[Values, None] = {}

    @property
    def room(self) -> float:
        """Evaluations that are left."""
        return self._most - self._evaluations.n_spent

    @property
    def met(self) -> list[Values]:
        """Candidates that ran on the whole horizon, in order of appearance."""
        return list(self._met)

    def extended(self, budget: float) -> Race:
        """The same race, with what is left and `budget` more to spend."""
        return Race(self.space, self._goal, self._evaluations, replications=self.replications, budget=self.room + budget)

    def try_out(self, points: Iterable[Point], share: float = 1.0) -> None:
        """Run points on the first replication; `share` of the horizon. Raises BudgetSpent when they do not all fit."""
        self._run([Task(self.space.to_external(point), SEARCH, 0, share) for point in points])

    def try_all(self, candidates: Iterable[Values]) -> None:
        """Run candidates on every replication. Raises BudgetSpent when they do not all fit."""
        self._run([Task(values, SEARCH, r) for values in candidates for r in range(self.replications)])

    def ranked(self, points: Iterable[Point], share: float = 1.0) -> list[Point]:
        """Points that were tried out, best first by the first replication."""
        return sorted(points, key=lambda point: self.first(self.space.to_external(point), share))

    def first(self, values: Values, share: float = 1.0) -> Standing:
        """Standing of a candidate on the first replication."""
        return self._goal.standing(self._evaluations.run([Task(values, SEARCH, 0, share)]))

    def standing(self, values: Values) -> Standing:
        """Standing of a candidate on every replication."""
        return self._goal.standing(self._evaluations.of(values, SEARCH, self.replications))

    def is_complete(self, values: Values) -> bool:
        """Whether a candidate was run on every replication."""
        return len(self._evaluations.known(values, SEARCH)) >= self.replications

    def best_of(self, holder: Point, challengers: Sequence[Point]) -> Point:
        """The best of `holder` and the challengers; the holder keeps its place in a tie.

        Raises
        ------
        BudgetSpent
            Before anything is run that would not fit.
        """
        self.try_out([holder, *challengers])
        held = self.space.to_external(holder)
        to_beat = self.first(held)
        winners = [point for point in challengers if self.first(self.space.to_external(point)) < to_beat]
        if not winners:
            return holder
        self.try_all([held, *map(self.space.to_external, winners)])
        return min([holder, *self.ranked(winners)], key=lambda point: self.standing(self.space.to_external(point)))

    def _run(self, tasks: Sequence[Task]) -> None:
        if self._evaluations.cost(tasks) > self.room:
            raise BudgetSpent("the search budget is spent")
        self._met.update((task.values, None) for task in tasks if task.share == 1.0)
        self._evaluations.run(tasks)
