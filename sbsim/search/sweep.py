"""`sweep`: every point of a grid, every replication, one table.

Owns the table: a row per point in grid order, every KPI's mean and 95 % half-width over replications, nothing that depends on the clock or on who
computed what. All points meet the same luck. Finished runs are kept beside the table until it is written, so an interrupted sweep goes on where it
stopped, whatever workers a killed parent left behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbsim.errors import ScenarioError
from sbsim.measure import Estimate, estimates
from sbsim.parallel import Progress
from sbsim.scenario import Scenario, load
from sbsim.search.axes import Axis, axes_of, grid
from sbsim.search.checkpoint import Checkpoint
from sbsim.search.evaluations import Evaluations, Task
from sbsim.search.files import make_folder, write_files
from sbsim.search.objective import Outcome
from sbsim.search.space import Values
from sbsim.search.trial import Trial, trace_digest
from sbsim.simulation import warmup_instant

if TYPE_CHECKING:
    import pandas

TABLE = "sweep.parquet"
CHECKPOINT = "sweep.partial.jsonl"
"""Name of the file of finished runs; it is gone when the table is written."""
_STREAM = "sweep"


@dataclass(frozen=True)
class Row:
    """One point of the grid.

    Attributes
    ----------
    values : what was set, (path, value) pairs in the order of the axes. kpis : every KPI's estimate, none where the point is refused.
    n_saturated : replications that were saturated. refused : why the scenario does not allow these values together; empty when it does.
    """

    values: Values
    replications: int
    n_saturated: int
    refused: str
    kpis: Mapping[str, Estimate]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes
    ----------
    axes : what was varied. rows : in grid order, the last axis fastest. path : of the Parquet file, if there is one.
    """

    scenario: Scenario
    seed: int
    axes: tuple[Axis, ...]
    rows: list[Row]
    warmup_s: float
    path: Path | None = None

    def to_pandas(self) -> pandas.DataFrame:
        """The table as the Parquet file holds it."""
        from sbsim.search.table import table_of  # pyarrow takes 0.3 s to import

        frame: pandas.DataFrame = table_of(self).to_pandas()
        return frame


def sweep(
    scenario: Scenario | str | PathLike[str],
    vary: Sequence[str] | Mapping[str, Sequence[Any]],
    *,
    out: str | PathLike[str] | None = None,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Sweep:
    """Simulate every point of a grid.

    Parameters
    ----------
    scenario : or the file or shipped scenario of that name. vary : path -> values, or texts such as "batching.max_wait=1s:10min:8:log".
    out : folder for `sweep.parquet`; finished runs are kept there until it is written. seed, replications : in place of the scenario's.
    jobs : processes; the table does not depend on it. progress : called with (runs done, of how many).

    Raises
    ------
    ScenarioError, TraceError
        When scenario, traffic or grid mean nothing.
    OutputError
        When `out` cannot be written.
    """
    scenario = scenario if isinstance(scenario, Scenario) else load(str(scenario))
    axes = axes_of(vary, scenario)
    points = grid(axes)
    seed = scenario.seed if seed is None else seed
    n = scenario.replications if replications is None else replications
    if n < 1:
        raise ScenarioError(f"replications: {n} must be >= 1; try 10")
    folder = None if out is None else make_folder(out)
    warmup_s = warmup_instant(scenario, seed=seed, jobs=jobs)
    store = None if folder is None else Checkpoint(folder / CHECKPOINT, _identity(scenario, seed, warmup_s))
    evaluations = Evaluations(
        Trial({_STREAM: scenario}, {_STREAM: seed}, warmup_s), jobs=jobs, store=store, progress=progress, n_planned=len(points) * n
    )
    try:
        # Replications of all points side by side: a worker that has prepared a replication's traffic uses it for several points.
        evaluations.run([Task(values, _STREAM, r) for r in range(n) for values in points])
        rows = [_row(values, evaluations.of(values, _STREAM, n)) for values in points]
        done = Sweep(scenario, seed, axes, rows, warmup_s, None if folder is None else folder / TABLE)
        if done.path is not None:
            from sbsim.search.table import parquet_of

            write_files({done.path: parquet_of(done)})
    except BaseException:
        evaluations.close(is_finished=False)
        raise
    evaluations.close(is_finished=True)
    return done


def _row(values: Values, outcomes: Sequence[Outcome]) -> Row:
    refused = next((one.refusal for one in outcomes if one.refusal), "")
    kpis = {} if refused else estimates([one.kpis for one in outcomes])
    return Row(values, len(outcomes), sum(one.is_saturated for one in outcomes), refused, kpis)


def _identity(scenario: Scenario, seed: int, warmup_s: float) -> str:
    """What tells these runs from those of any other scenario; the grid may grow between two attempts."""
    from sbsim import __version__

    known = (__version__, scenario.digest, trace_digest(scenario), seed, warmup_s)
    return hashlib.blake2b(repr(known).encode(), digest_size=16).hexdigest()
