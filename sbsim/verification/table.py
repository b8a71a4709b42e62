"""The whole table: experiments to trials, trials to lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from math import prod

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
    11: "sliding limit, pacing",
    12: "hard budget",
    13: "Little's law",
}  # fmt: skip
"""What is verified, by number; the numbers are those of the design's list, and 10, bisecting poisoned calls, comes with part 3."""


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
    scale : factor of the length of every replication. Below 1 a half-width of 1 % / sqrt(scale) is good enough.
    jobs : processes. plant : an error of the arrival rate, such as 0.02, that the lines that depend on it must show. progress : called with
    (replications done, in all).

    Returns
    -------
    One line per quantity, in the order of `KINDS`.

    Notes
    -----
    Half-widths come from independent replications, so a z of 3.5 has the tail of Student's t with replications - 1 degrees of freedom.
    `false_alarm_chance` says how likely any line of a faultless simulator is to fail. The default seed is fixed, so that a failure is no matter of
    luck but of a change. No variance reduction is used: a control variate would hide an error of the very law that it controls for.

    Raises
    ------
    ScenarioError
        When `only` names an unknown kind, or `scale` or `plant` is out of range.
    """
    _check(only, scale, plant)
    chosen = [experiment for experiment in EXPERIMENTS if only is None or experiment.kind in only]
    tasks = [(EXPERIMENTS.index(experiment), replication) for experiment in chosen for replication in range(experiment.replications)]
    trials = iter(run_all(partial(_trial, seed, scale, plant or 0.0), tasks, jobs=jobs, progress=progress))
    lines = []
    for experiment in chosen:
        lines.extend(_lines(experiment, [next(trials) for _ in range(experiment.replications)], scale))
    return lines


def false_alarm_chance(only: Collection[int] | None = None) -> float:
    """Probability that one line or more of a faultless simulator fails at a seed picked at random, lines taken as independent (Sidak, 1967)."""
    from scipy.special import stdtr  # 0.3 s to import

    random = [experiment for experiment in EXPERIMENTS if experiment.is_random and (only is None or experiment.kind in only)]
    return 1 - prod((1 - 2 * float(stdtr(experiment.replications - 1, -Z_LIMIT))) ** len(experiment.exact(1.0)) for experiment in random)


def _check(only: Collection[int] | None, scale: float, plant: float | None) -> None:
    for kind in only or ():
        if kind not in KINDS:
            raise ScenarioError(
                f"verify: only: {kind!r} given, allowed: {', '.join(map(str, KINDS))}{'; 10 comes with part 3' if kind == 10 else ''}"
            )
    if not 0 < scale <= 100:
        raise ScenarioError(f"verify: scale: {scale!r} given, allowed: above 0, at most 100; try 0.1")
    if plant is not None and not -0.2 <= plant <= 0.2:
        raise ScenarioError(f"verify: plant: {plant!r} given, allowed: between -0.2 and 0.2, or the queues have no mean; try 0.02")


@lru_cache(maxsize=4)
def _scenario(index: int, scale: float, plant: float) -> Scenario:
    experiment = EXPERIMENTS[index]
    requests = max(200, round(experiment.requests * scale)) if experiment.is_random else experiment.requests
    return Scenario.from_mapping(experiment.document(1.0 + plant, requests))


def _trial(seed: int, scale: float, plant: float, task: tuple[int, int]) -> Readings | None:
    """One replication of one experiment; None when counted requests were left pending."""
    index, replication = task
    experiment = EXPERIMENTS[index]
    scenario = _scenario(index, scale, plant)
    finished = run(scenario, seed=derive(seed, f"verify/{experiment.name}"), replication=replication)
    counted = Counted(finished, scenario, float(scenario.warmup))
    return None if counted.n_ended(PENDING) else experiment.read(counted)


def _lines(experiment: Experiment, trials: list[Readings | None], scale: float) -> list[Line]:
    tolerated = HALF_WIDTH / min(scale, 1.0) ** 0.5
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
