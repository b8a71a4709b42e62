"""The whole table: experiments to trials, trials to lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from itertools import islice
from math import erfc, sqrt

from sbsim.errors import ScenarioError
from sbsim.measure import Counted
from sbsim.parallel import run_all
from sbsim.records import PENDING
from sbsim.scenario import Scenario
from sbsim.seeds import derive
from sbsim.simulation import run
from sbsim.verification.experiment import Experiment, Readings
from sbsim.verification.experiments import EXPERIMENTS
from sbsim.verification.line import HALF_WIDTH, Z_LIMIT, Line, judge
from sbsim.workload import forget

KINDS: Mapping[int, str] = {
    1: "M/M/1, M/M/3, M/D/1, M/G/1",
    2: "arrivals in groups",
    3: "batches of a fixed size",
    4: "batches of a window",
    5: "content that expires",
    6: "LRU cache",
    7: "a provider that is full",
    8: "strict priorities",
    9: "retries",
    10: "bisecting",
    11: "sliding limit, pacing",
    12: "hard budget",
    13: "Little's law",
}  # fmt: skip
"""What is verified, by number; the numbers are those of the design's list."""

_FEWEST = 5
"""Replications at any scale."""

_SLACK = 3
"""How much wider half-widths may be when they come from few replications, which know them badly: one from 5 is off by a third as often as not."""


def verify(
    *,
    only: Collection[int] | None = None,
    seed: int = 0,
    scale: float = 1.0,
    jobs: int = 1,
    plant: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Line]:
    """Simulate systems that have an exact solution and hold the results against it.

    Parameters
    ----------
    only : numbers of `KINDS`; None: all. seed : root seed; every experiment has draws of its own.
    scale : factor of the number of replications, of which there are 5 at least. Below 1 a half-width of 3 % / sqrt(scale) is good enough: such a
    table is a quick look.
    jobs : processes. plant : an error of the arrival rate, such as 0.02, that the lines that depend on it must show. progress : called with
    (replications done, in all).

    Returns
    -------
    One line per quantity, in the order of `KINDS`.

    Notes
    -----
    Half-widths and z come from independent replications. `false_alarm_chance` says how likely any line of a faultless simulator is to fail at a seed
    picked at random; the default seed is fixed, so that a failure is no matter of luck but of a change. No variance reduction is used: a control
    variate would hide an error of the very law that it controls for.

    Raises
    ------
    ScenarioError
        When `only` names an unknown kind, or `scale` or `plant` is out of range.
    """
    _check(only, scale, plant)
    chosen = [experiment for experiment in EXPERIMENTS if only is None or experiment.kind in only]
    n_of = {experiment.name: _n_replications(experiment, scale) for experiment in chosen}
    tasks = [(EXPERIMENTS.index(experiment), replication) for experiment in chosen for replication in range(n_of[experiment.name])]
    trials = run_all(partial(_trial, seed, plant or 0.0), tasks, jobs=jobs, progress=progress)
    lines: list[Line] = []
    for experiment in chosen:
        lines.extend(_lines(experiment, list(islice(trials, n_of[experiment.name])), scale))
    return lines


def false_alarm_chance(only: Collection[int] | None = None) -> float:
    """Probability that |z| reaches 3.5 on one line or more of a faultless simulator, at a seed picked at random; lines taken as independent."""
    n_lines = sum(len(experiment.exact(1.0)) for experiment in EXPERIMENTS if experiment.is_random and (only is None or experiment.kind in only))
    return 1 - (1 - erfc(Z_LIMIT / sqrt(2))) ** n_lines


def _check(only: Collection[int] | None, scale: float, plant: float | None) -> None:
    for kind in only or ():
        if kind not in KINDS:
            raise ScenarioError(f"verify: only: {kind!r} given, allowed: {', '.join(map(str, KINDS))}")
    if not 0 < scale <= 100:
        raise ScenarioError(f"verify: scale: {scale!r} given, allowed: above 0, at most 100; try 0.1")
    if plant is not None and not -0.2 <= plant <= 0.2:
        raise ScenarioError(f"verify: plant: {plant!r} given, allowed: between -0.2 and 0.2, or the queues have no mean; try 0.02")


def _n_replications(experiment: Experiment, scale: float) -> int:
    return max(_FEWEST, round(experiment.replications * scale)) if experiment.is_random else experiment.replications


@lru_cache(maxsize=4)
def _scenario(index: int, plant: float) -> Scenario:
    experiment = EXPERIMENTS[index]
    return Scenario.from_mapping(experiment.document(1.0 + plant, experiment.requests))


def _trial(seed: int, plant: float, task: tuple[int, int]) -> Readings | None:
    """One replication of one experiment; None when counted requests were left pending."""
    index, replication = task
    experiment = EXPERIMENTS[index]
    scenario = _scenario(index, plant)
    finished = run(scenario, seed=derive(seed, f"verify/{experiment.name}"), replication=replication)
    forget()  # no history is met twice
    counted = Counted(finished, scenario, float(scenario.warmup))
    return None if counted.n_ended(PENDING) else experiment.read(counted)


def _lines(experiment: Experiment, trials: list[Readings | None], scale: float) -> list[Line]:
    tolerated = HALF_WIDTH if scale >= 1 else _SLACK * HALF_WIDTH / sqrt(scale)
    return [
        judge(
            experiment.kind,
            f"{experiment.name}: {name}",
            [(None, None) if trial is None else trial[name] for trial in trials],
            exact,
            is_random=experiment.is_random,
            most_half_width=tolerated,
        )
        for name, exact in experiment.exact(1.0).items()
    ]
