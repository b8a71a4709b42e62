"""The real evaluation: settings put into a scenario and simulated; and which part of the traffic each stream of seeds runs on.

Owns what stands behind the streams: synthetic traffic is drawn anew for each, a trace is one history that is cut in time. A recommendation on a trace
is searched on its first two thirds and reported on the last, so that what was fitted is not what is reported; that the last third begins with an
empty cache and empty queues is part of the report. The only module of the search that knows scenarios.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sbsim.config import Config, is_inert, known_setting
from sbsim.errors import ScenarioError, TraceError
from sbsim.scenario import Knob, Scenario, is_whole
from sbsim.search.evaluations import Task
from sbsim.search.objective import Outcome
from sbsim.search.race import SEARCH
from sbsim.search.ranking import SELECTION
from sbsim.search.space import Dimension, Space, Values, choices, integers, reals
from sbsim.seeds import derive
from sbsim.simulation import NothingCounted, replicate
from sbsim.workload import prepare

REPORT = "report"
"""Stream of seeds that the winner and the baseline are reported on; nothing is chosen once one of them is drawn."""
WHOLE = "whole"
"""Stream of seeds for a trace in full, as `sbsim run` plays it."""
SEARCHED_SHARE = 2 / 3
"""Share of a trace's time that settings are searched on."""


@dataclass(frozen=True)
class Trial:
    """Runs tasks: an `Evaluate`.

    Attributes
    ----------
    parts : by stream, the scenario that it runs on. seeds : by stream, its root seed. warmup_s : the study's one warm-up instant.
    """

    parts: Mapping[str, Scenario]
    seeds: Mapping[str, int]
    warmup_s: float

    def __call__(self, task: Task) -> Outcome:
        scenario = self.parts[task.stream]
        try:
            scenario = scenario.with_values(dict(task.values))
        except ScenarioError as error:
            return Outcome({}, refusal=str(error))
        if task.share < 1.0:
            with suppress(NothingCounted):  # so few requests may end within the warm-up: then all of them are played
                return self._outcome(shortened(scenario, task.share, self.warmup_s), task)
        try:
            return self._outcome(scenario, task)
        except NothingCounted as error:
            if all(known_setting(path) is not None for path, _ in task.values):
                raise  # it is the scenario's own fault
            return Outcome({}, refusal=str(error))

    def _outcome(self, scenario: Scenario, task: Task) -> Outcome:
        done = replicate(scenario, seed=self.seeds[task.stream], replications=1, first=task.replication, warmup_s=self.warmup_s)[0]
        return Outcome({name: _plain(value) for name, value in done.kpis.items()}, done.is_saturated)


def space_of(scenario: Scenario) -> Space:
    """What the scenario's `search` section spans; today's values are on the grids where they lie within.

    Raises
    ------
    ScenarioError
        When there is nothing to search, or a knob is not a setting that could be deployed.
    """
    if not scenario.search:
        raise ScenarioError(
            "search: this scenario names no settings to vary; try adding search: {batching.max_batch_size: {low: 1, high: 25}, "
            "batching.max_wait: {low: 1s, high: 10min, log: true}}"
        )
    for path in scenario.search:
        if known_setting(path) is None:
            raise ScenarioError(f"search.{path}: not a setting of the batcher, so it cannot be recommended; try `sbsim sweep --vary {path}=…`")
    dimensions = tuple(dimension_of(path, knob).including(scenario.config.get(path)) for path, knob in scenario.search.items())
    return Space(dimensions, settling(scenario.config))


def settling(baseline: Config) -> Callable[[Values], Values]:
    """Knobs that do nothing in a candidate stay as they are today: what behaves alike is one candidate, and no change is recommended that is none."""

    @cache  # a search asks for the same few hundred points again and again, and reading settings takes a millisecond
    def settled(values: Values) -> Values:
        try:
            config = baseline.with_values(dict(values))
        except ScenarioError:
            return values  # they exclude each other: the evaluation says why
        fixed = tuple((path, baseline.get(path) if is_inert(path, config) else value) for path, value in values)
        return values if fixed == values else settled(fixed)

    return settled


def dimension_of(path: str, knob: Knob) -> Dimension:
    """The dimension of a knob: the choices it names, whole numbers where the setting is one, else real numbers."""
    if knob.choices is not None:
        return choices(path, knob.choices)
    if is_whole(path):
        return integers(path, int(knob.low), int(knob.high), is_log=knob.log)
    return reals(path, knob.low, knob.high, is_log=knob.log)


def baseline_of(scenario: Scenario, space: Space) -> Values:
    """The scenario's own settings of the searched paths."""
    return tuple((dimension.path, scenario.config.get(dimension.path)) for dimension in space.dimensions)


def parts_of(scenario: Scenario) -> dict[str, Scenario]:
    """The scenario that each stream of seeds runs on."""
    if scenario.workload.is_drawn:
        return {SEARCH: scenario, SELECTION: scenario, REPORT: scenario}
    searched, reported = cut(scenario)
    return {SEARCH: searched, SELECTION: searched, REPORT: reported, WHOLE: scenario}


def seeds_of(seed: int) -> dict[str, int]:
    """Root seed of each stream: disjoint, all from one."""
    return {stream: derive(seed, stream) for stream in (SEARCH, SELECTION, REPORT, WHOLE)}


def cut(scenario: Scenario) -> tuple[Scenario, Scenario]:
    """A trace's first two thirds in time and the rest, of the part of it that the scenario replays.

    Raises
    ------
    TraceError, ScenarioError
        When the trace cannot be read, lasts no time, or one of the parts holds no request.
    """
    arrived_at = prepare(scenario, scenario.seed, 0).arrived_at * scenario.workload.speedup
    start = 0.0 if scenario.workload.between is None else scenario.workload.between[0]
    offset = start - (float(arrived_at[0]) if scenario.workload.between is None else 0.0)  # `between` counts from the first arrival
    end = float(arrived_at[-1]) + offset
    if end <= start:
        raise ScenarioError(
            "workload.path: all requests of this trace arrive at one instant, so no part of its time can be kept for the report; try a trace that "
            "lasts, or sbsim sweep"
        )
    middle = start + SEARCHED_SHARE * (end - start)
    after = end + max(1e-3, 1e-9 * end)  # the last arrival belongs to the part, the one after it does not
    return (
        scenario.with_values({"workload.between": [start, middle]}),
        scenario.with_values({"workload.between": [middle, after]}),
    )


def shortened(scenario: Scenario, share: float, warmup_s: float) -> Scenario:
    """The same traffic at the same rate for a shorter time: `share` of the counted part, after the whole warm-up."""
    values: dict[str, float | int] = {}
    if scenario.horizon is not None:
        values["horizon"] = warmup_s + share * (scenario.horizon - warmup_s)
    if scenario.requests is not None:
        values["requests"] = max(1, round(share * scenario.requests))
    return scenario.with_values(values)


def trace_digest(scenario: Scenario) -> str | None:
    """Hex digest of the trace's bytes, of all files where it is a folder; None for synthetic traffic. Raises TraceError where it cannot be read."""
    if scenario.workload.source != "trace" or scenario.workload.path is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    place = Path(scenario.workload.path)
    try:
        for path in sorted(file for file in place.iterdir() if file.is_file()) if place.is_dir() else [place]:
            with path.open("rb") as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
    except (OSError, ValueError) as error:
        raise TraceError(f"{place}: cannot be read ({error.strerror if isinstance(error, OSError) else error}); try another workload.path") from None
    return digest.hexdigest()


def _plain(value: float | int | None) -> float | int | None:
    """A number that JSON can carry; numpy's are floats of their own kind."""
    return value if value is None or type(value) in (int, float) else float(value)
