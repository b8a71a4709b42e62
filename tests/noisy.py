"""Search problems with a known answer: 1,500-point lattices, functions whose best point is found by trying all, noise that is common to all points.

What the tests of the search share. `Problem.evaluate` has the same shape as the real evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, sin
from typing import Any

from scipy.special import ndtri

from sbsim.scenario import Constraint
from sbsim.search.evaluations import Evaluations, Task
from sbsim.search.objective import Goal, Outcome
from sbsim.search.space import Dimension, Space, Values, choices, integers, reals
from sbsim.seeds import Draws, derive

Truth = Callable[[Space, Mapping[str, Any]], tuple[float, float]]
"""A point's true cost and the share of requests in time."""


@dataclass(frozen=True)
class Noisy:
    """A true function seen through noise: a factor common to all points of a replication, and a smaller one of each point's own."""

    space: Space
    truth: Truth
    seed: int
    common: float = 0.05
    own: float = 0.003
    in_time: float = 0.0003

    def __call__(self, task: Task) -> Outcome:
        cost, share = self.truth(self.space, dict(task.values))
        draws = Draws(derive(self.seed, task.stream), task.replication)
        common, own, late = (float(ndtri(draws.one(*key))) for key in (("common",), ("own", task.values), ("late",)))
        share += self.in_time * late if share < 1 else 0.0
        return Outcome({"total_cost_usd": cost * exp(self.common * common + self.own * own), "sla_compliance": share})


@dataclass(frozen=True)
class Problem:
    """A function on a lattice."""

    space: Space
    truth: Truth
    least_in_time: float | None = None
    known_best: float | None = None

    @property
    def goal(self) -> Goal:
        """Least cost, with the constraint if there is one."""
        return Goal("total_cost_usd", () if self.least_in_time is None else (Constraint("sla_compliance", ">=", self.least_in_time),))

    @cached_property
    def best(self) -> float:
        """The least true cost of a point that meets the constraint: known, or found by trying them all."""
        return self.known_best or min(self.cost(self.space.to_external(point)) for point in self.space.points())

    @property
    def baseline(self) -> Values:
        """A quarter of the way along every dimension."""
        return self.space.to_external(tuple(len(dimension.grid) // 4 for dimension in self.space.dimensions))

    def cost(self, values: Values) -> float:
        """True cost; infinite where the constraint is missed."""
        cost, share = self.truth(self.space, dict(values))
        return cost if self.least_in_time is None or share >= self.least_in_time else inf

    def evaluations(self, seed: int, **noise: float) -> Evaluations:
        """Fresh evaluations of this problem."""
        return Evaluations(Noisy(self.space, self.truth, seed, **noise))


_WAITS = Dimension("wait", tuple(round(1.6**k, 2) for k in range(12)), True, True)
WITH_WORDS = Space((integers("size", 1, 25), _WAITS, choices("mode", ["a", "b", "c", "d", "e"])))
IN_NUMBERS = Space((integers("size", 1, 20), reals("wait", 1.0, 600.0, is_log=True), choices("slots", [2, 4, 8])))
OF_SIX = Space((*(reals(f"x{k}", 0.0, 1.0) for k in range(4)), integers("n", 1, 16), choices("word", ["a", "b", "c"])))


def _valley(space: Space, values: Mapping[str, Any]) -> tuple[float, float]:
    """Narrow and oblique to the axes."""
    size, wait, mode = _position(space, values)
    a, b = (size - 15) / 8, (wait - 7) / 4
    return 10 + 2 * (a + b) ** 2 + 0.3 * (a - b) ** 2 + 0.4 * abs(mode - 3), 1.0


def _ripples(space: Space, values: Mapping[str, Any]) -> tuple[float, float]:
    """A bowl with waves, which stop short steps."""
    size, wait, mode = _position(space, values)
    bowl = ((size - 9) / 8) ** 2 + ((wait - 8) / 4) ** 2 + (0.3, 0.0, 0.5, 0.2, 0.6)[mode]
    return 10 + bowl + 0.3 * (sin(2.1 * size) + sin(1.7 * wait + mode)), 1.0


_MODES = {"a": (1.0, 0), "b": (0.97, -30), "c": (1.05, 20), "d": (1.2, 60), "e": (0.985, -10)}


def _modes(space: Space, values: Mapping[str, Any]) -> tuple[float, float]:
    """The best mode costs more than any other until the wait that it allows is used."""
    factor, allows = _MODES[values["mode"]]
    n = min(values["size"], 1 + 0.15 * values["wait"])
    late = 1 / (1 + exp(-(values["wait"] + 3 * n - (90 + allows)) / 12))
    return factor * (20 / n + 1) + 25 * late, 1 - late


def _service(values: Mapping[str, Any]) -> tuple[float, float, float]:
    """A worker that loads a model and draws n pictures: dollars of a picture, share in time, share of the slots' price."""
    size, wait, slots = values["size"], values["wait"], values["slots"]
    n = min(size, 1 + 0.5 * wait)
    busy_s = 20 + n
    load = 0.5 / n * busy_s / slots
    queue_s = busy_s * load**3 / (1 - load) / slots if load < 1 else 1e4
    latency_s = 0.6 * min(wait, (size - 1) / 0.5) + busy_s + queue_s
    late = 1 / (1 + exp(-min((latency_s - 60) / 10, 500)))
    return 0.7 * busy_s / n, 1 - late, 0.3 * slots / 8


def _penalised(space: Space, values: Mapping[str, Any]) -> tuple[float, float]:
    """Flat beyond the best wait, with a cliff where the slots are too few."""
    picture, in_time, slots = _service(values)
    return picture + 20 * (1 - in_time) + slots, in_time


def _constrained(space: Space, values: Mapping[str, Any]) -> tuple[float, float]:
    """The same, its best point at the edge of what is allowed."""
    picture, in_time, slots = _service(values)
    return picture + slots, in_time


def _ridge(space: Space, values: Mapping[str, Any]) -> tuple[float, float]:
    """A constraint's edge oblique to the axes, along which the cost falls."""
    size, wait, _ = _position(space, values)
    return 100 - size - 1.3 * wait + 0.02 * (size - wait) ** 2, 0.98 - 0.002 * max(0, size + wait - 20) - 0.001 * size / 20


def _six(space: Space, values: Mapping[str, Any]) -> tuple[float, float]:
    """Six knobs, some of which depend on each other."""
    *x, n, word = _position(space, values)
    z = [(at - best) / 8 for at, best in zip(x, (5, 18, 12, 20), strict=True)] + [(n - 10) / 5]
    return 20 + sum(at * at for at in z) + 0.5 * z[0] * z[1] + 0.8 * z[2] * z[4] + (0.4, 0.0, 0.6)[word], 1.0


def _position(space: Space, values: Mapping[str, Any]) -> tuple[int, ...]:
    point = space.to_internal(values)
    assert point is not None
    return point


PROBLEMS: Mapping[str, Problem] = {
    "valley": Problem(WITH_WORDS, _valley),
    "ripples": Problem(WITH_WORDS, _ripples),
    "modes": Problem(WITH_WORDS, _modes),
    "penalised": Problem(IN_NUMBERS, _penalised),
    "constrained": Problem(IN_NUMBERS, _constrained, 0.95),
    "ridge": Problem(IN_NUMBERS, _ridge, 0.95),
    "six": Problem(OF_SIX, _six, known_best=20.0),  # a positive definite form, 0 at its centre, and three words
}
