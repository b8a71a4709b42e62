"""What a file says of how its requests went: gathered row by row, and kept as durations from arrival, which no cut and no speedup bends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.workload.traces.fields import STATUSES, says_nothing
from sbsim.workload.traces.times import Instants
from sbsim.workload.traces.trace import Outcomes

MOMENTS = ("started_at", "finished_at")
"""Instants at which something happened to a request, on the clock of its arrival."""

Problems = dict[str, list[tuple[int, str]]]


class OutcomeRows:
    """The outcomes of the rows read so far.

    Parameters
    ----------
    said : names of the outcomes that the file has columns for. arrived : reads the arrivals. blanks : cells that say nothing.
    """

    def __init__(self, said: Sequence[str], arrived: Instants, blanks: frozenset[str]) -> None:
        self._arrived = arrived
        self._blanks = blanks
        self._instants = {name: arrived.alike() for name in MOMENTS if name in said}
        self._after_s: dict[str, list[NDArray[np.float64]]] = {name: [] for name in self._instants}
        self._said: dict[str, list[Any]] = {name: [] for name in said if name not in MOMENTS}
        self._lines: list[int] = []

    def moments(self, cells: Mapping[str, Sequence[Any]]) -> tuple[dict[str, list[Any]], Problems]:
        """(instants, {name: [(place, problem)]}) of a block; None where a cell says nothing or is bad."""
        values: dict[str, list[Any]] = {}
        problems: Problems = {}
        for name, column in cells.items():
            instants = self._instants[name]
            values[name], problems[name] = instants.read_some(column, lambda cell: says_nothing(cell, self._blanks))
            if instants.kind is not None and self._arrived.kind is not None and instants.is_absolute != self._arrived.is_absolute:
                said = [place for place, value in enumerate(values[name]) if value is not None]
                problems[name] += [(place, f"not on the clock of the arrivals: {instants.name}, and they are {self._arrived.name}") for place in said]
        if len(values) == 2 and not any(problems.values()):
            pairs = zip(values["started_at"], values["finished_at"], strict=True)
            early = [place for place, (start, end) in enumerate(pairs) if start is not None and end is not None and end < start]
            problems["finished_at"] = [(place, f"it ends before it starts ({cells['started_at'][place]})") for place in early]
        return values, problems

    def add(self, at: NDArray[Any], lines: Sequence[int], values: Mapping[str, Sequence[Any]]) -> None:
        """Keep the outcomes of good rows that arrived at `at`."""
        per_s = 1e9 if self._arrived.is_absolute else 1.0
        arrived = at.tolist()
        for name, kept in self._after_s.items():
            after = [np.nan if value is None else (value - start) / per_s for value, start in zip(values[name], arrived, strict=True)]
            kept.append(np.array(after))
        for name, column in self._said.items():
            column.extend(values[name])
        self._lines.extend(lines)

    def gathered(self) -> Outcomes | None:
        """All of them, or None where no row said anything."""
        n = len(self._lines)
        nothing = np.full(n, np.nan)
        after = {name: np.concatenate(parts) if parts else nothing for name, parts in self._after_s.items()}
        said = {name: column for name, column in self._said.items() if any(value is not None for value in column)}
        if not said and all(np.isnan(column).all() for column in after.values()):
            return None
        cost = np.array([np.nan if value is None else value for value in said["cost_usd"]]) if "cost_usd" in said else nothing
        providers: dict[str, int] = {}
        place_of = {name: k for k, name in enumerate(STATUSES)}
        return Outcomes(
            after.get("started_at", nothing),
            after.get("finished_at", nothing),
            cost,
            np.array([place_of.get(value, -1) for value in said.get("status", ())] or [-1] * n, dtype=np.int8),
            np.array([-1 if value is None else int(value) for value in said.get("cached", ())] or [-1] * n, dtype=np.int8),
            np.array(
                [-1 if value is None else providers.setdefault(value, len(providers)) for value in said.get("provider", ())] or [-1] * n,
                dtype=np.int32,
            ),
            np.array(self._lines, dtype=np.int64),
            tuple(providers),
        )
