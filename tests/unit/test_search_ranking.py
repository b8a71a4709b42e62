"""Selection on seeds of its own."""

from __future__ import annotations

import numpy as np
import pytest

from sbsim.scenario import Constraint
from sbsim.search.evaluations import Evaluations, Task
from sbsim.search.objective import Goal, Outcome
from sbsim.search.optimize import Effort, search
from sbsim.search.ranking import SELECTION, SURE_ENOUGH, Selector
from sbsim.search.space import Values
from sbsim.seeds import Draws, derive
from tests.noisy import PROBLEMS

GOAL = Goal("total_cost_usd", (Constraint("sla_compliance", ">=", 0.95),))


def named(name: str) -> Values:
    """A candidate."""
    return (("name", name),)


class Bench:
    """Candidates with a mean cost, a share in time and noise, most of it common."""

    def __init__(self, truth: dict[str, tuple[float, float]], *, own: float = 0.05, saturated: tuple[str, ...] = ()) -> None:
        self.truth = truth
        self.own = own
        self.saturated = saturated
        self.ran: list[Task] = []

    def __call__(self, task: Task) -> Outcome:
        self.ran.append(task)
        name = str(dict(task.values)["name"])
        cost, share = self.truth[name]
        draws = Draws(derive(1, task.stream), task.replication)
        common, own, late = draws.one("common"), draws.one("own", name), draws.one("late")
        noise = 2 * (common - 0.5) + self.own * 2 * (own - 0.5)
        return Outcome({"total_cost_usd": cost + noise, "sla_compliance": share + 0.004 * (late - 0.5)}, name in self.saturated)

    def selector(self, budget: int = 200) -> Selector:
        """A selector against the candidate called today."""
        self.evaluations = Evaluations(self)
        return Selector(GOAL, self.evaluations, named("today"), budget=budget, seed=1)


def test_the_best_is_chosen_and_the_hopeless_are_run_no_further() -> None:
    """Clear losers meet one round; the choice is stated with its probability; all of it on the selection stream."""
    bench = Bench({"today": (12.0, 0.99), "good": (10.0, 0.99), "near": (10.02, 0.99), "bad": (11.0, 0.99)})
    chosen = bench.selector().select([named("near"), named("good"), named("bad")])
    assert chosen.choice in (named("good"), named("near"))
    assert chosen.is_eligible
    assert chosen.probability_best is not None
    assert chosen.probability_best >= SURE_ENOUGH
    assert chosen.replications[named("bad")] == chosen.replications[named("today")] == 5
    assert {task.stream for task in bench.ran} == {SELECTION}
    assert chosen.indifference == pytest.approx(0.005 * 12.0, rel=0.1)


def test_close_candidates_are_run_until_it_is_sure_or_the_budget_ends() -> None:
    """The noisier the difference the more rounds; what the budget does not allow is not run, and the probability says so."""
    truth = {"today": (10.5, 0.99), "a": (10.0, 0.99), "b": (9.9, 0.99)}
    long = Bench(truth, own=1.0).selector(budget=600).select([named("a"), named("b")])
    assert max(long.replications.values()) >= 10
    assert long.choice == named("b")
    bench = Bench(truth, own=1.0)
    short = bench.selector(budget=25).select([named("a"), named("b")])
    assert bench.evaluations.n_spent <= 25
    assert short.probability_best is not None
    assert short.probability_best < SURE_ENOUGH


def test_who_misses_a_constraint_is_not_chosen_however_cheap() -> None:
    """On these seeds the cheap one misses the constraint: the next takes its place."""
    bench = Bench({"today": (12.0, 0.99), "cheap": (8.0, 0.93), "good": (10.0, 0.99)})
    chosen = bench.selector().select([named("cheap"), named("good")])
    assert (chosen.choice, chosen.is_eligible) == (named("good"), True)
    assert chosen.replications[named("cheap")] == 5


def test_a_constraint_that_is_shown_to_be_met_goes_before_one_that_is_not() -> None:
    """The verdict will ask for a proof, so a candidate on the edge is passed over for a dearer one that is well inside."""
    bench = Bench({"today": (12.0, 0.99), "edge": (9.9, 0.9506), "safe": (10.0, 0.99)})
    assert bench.selector(budget=30).select([named("edge"), named("safe")]).choice == named("safe")


def test_a_saturated_candidate_is_never_chosen() -> None:
    """Not even if it is the cheapest and the baseline the only other."""
    bench = Bench({"today": (12.0, 0.99), "drowning": (1.0, 0.99)}, saturated=("drowning",))
    assert bench.selector().select([named("drowning")]).choice == named("today")


def test_nobody_meets_the_constraints() -> None:
    """The choice is the nearest miss, called what it is, and there is no probability of being the best."""
    bench = Bench({"today": (12.0, 0.90), "near": (20.0, 0.94), "far": (1.0, 0.5)})
    chosen = bench.selector().select([named("far"), named("near")])
    assert (chosen.choice, chosen.is_eligible, chosen.probability_best) == (named("near"), False, None)


def test_successors_take_over_from_finalists_that_were_lucky() -> None:
    """Finalists at the edge owed their place to the search's seeds; where all of them fail, those that would not are run instead."""
    truth = {
        "today": (12.0, 0.99),
        **{f"edge{k}": (9.0 + k / 10, 0.949) for k in range(3)},
        **{f"inside{k}": (9.5 + k / 10, 0.957) for k in range(3)},
    }
    bench = Bench(truth)
    selector = bench.selector()
    others = [named(f"inside{k}") for k in range(3)]
    bench.evaluations.run([Task(named(name), "search", 0) for name in truth])
    chosen = selector.select([named(f"edge{k}") for k in range(3)], others)
    assert chosen.choice == named("inside0")
    bench = Bench(truth)
    selector = bench.selector()
    bench.evaluations.run([Task(named(name), "search", 0) for name in truth])
    assert selector.select([named(f"edge{k}") for k in range(3)]).choice == named("today")


@pytest.mark.parametrize("name", ["constrained", "ridge", "modes"])
def test_search_and_selection_together_choose_what_holds(name: str) -> None:
    """With constraints as noisy as their margins, ten of ten choices meet them in truth, and are eligible."""
    problem = PROBLEMS[name]
    for seed in range(10):
        evaluations = problem.evaluations(seed, in_time=0.003)
        found = search(problem.space, problem.goal, evaluations, problem.baseline, Effort(150), seed)
        chosen = Selector(problem.goal, evaluations, problem.baseline, budget=75, seed=seed).select(found.finalists, found.others)
        assert chosen.is_eligible
        assert np.isfinite(problem.cost(chosen.choice))
