"""Blocks of cells to numbers: rows gathered until the file is read, distinct wishes kept once.

Owns what is remembered of a row; `trace` says where its cells come from and what becomes of the whole.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.records import NORMAL
from sbsim.workload.traces.bad_rows import BadRows, Fault
from sbsim.workload.traces.fields import FIELDS, OUTCOMES, STYLE, Read, reader, says_nothing
from sbsim.workload.traces.files import Block
from sbsim.workload.traces.formats import TraceFormat
from sbsim.workload.traces.outcomes import MOMENTS, OutcomeRows
from sbsim.workload.traces.times import Instants, Ticks
from sbsim.workload.traces.trace import Trace, Wish

_OF_THE_REQUEST = ("priority", "deadline_s", "job_id", "id")
"""Fields that say nothing about content."""
_SELDOM_REPEATED = ("prompt", "fingerprint", "inputs", "style_params", "blocks", "cost_usd")


class _Cells:
    """Reads the cells of one field, equal ones once.

    Parameters
    ----------
    is_remembered : whether equal cells are common enough to be looked up. stops : at the first bad cell of a block, which ends the reading anyway.
    """

    def __init__(self, read: Read, blanks: frozenset[str], *, is_remembered: bool, stops: bool) -> None:
        self._read = read
        self._blanks = blanks
        self._is_remembered = is_remembered
        self._stops = stops
        self._known: dict[tuple[type, Any], Hashable] = {}  # by type too: 1 and True are equal, and not the same

    def values(self, cells: Sequence[Any], bad: Container[int]) -> tuple[list[Hashable], list[tuple[int, str]]]:
        """(values, [(place, problem)]): None for a cell that says nothing or is bad, or stands in one of the rows that are `bad` already."""
        values: list[Hashable] = []
        problems: list[tuple[int, str]] = []
        known, read, is_remembered = self._known, self._value, self._is_remembered
        for place, cell in enumerate(cells):
            if bad and place in bad:
                values.append(None)
                continue
            try:
                if is_remembered:
                    key = (cell.__class__, cell)
                    if key in known:
                        values.append(known[key])
                        continue
                    value = known[key] = read(cell)
                else:
                    value = read(cell)
                values.append(value)
            except (ValueError, TypeError) as error:
                problems.append((place, str(error) if isinstance(error, ValueError) else f"{cell!r:.60} is a {type(cell).__name__}"))
                values.append(None)
                if self._stops:
                    values.extend([None] * (len(cells) - place - 1))
                    break
        return values, problems

    def _value(self, cell: Any) -> Hashable:
        return None if says_nothing(cell, self._blanks) else self._read(cell)


class Rows:
    """The rows read so far.

    Attributes
    ----------
    n : good rows. seen : columns of which any row had a cell.
    """

    names = ("arrived_at", *FIELDS, *MOMENTS, *OUTCOMES)

    def __init__(self, places: Mapping[str, str], known: TraceFormat, bad_rows: BadRows) -> None:
        self.n = 0
        self.seen: set[str] = set()
        self._arrived_in = places["arrived_at"]
        self._moments = {name: column for name, column in places.items() if name in MOMENTS}
        self._places = {name: column for name, column in places.items() if name not in ("arrived_at", "id", *MOMENTS)}
        self._cells = {
            name: _Cells(
                known.readers.get(name) or reader(name), known.blanks, is_remembered=name not in _SELDOM_REPEATED, stops=not bad_rows.is_skipped
            )
            for name in self._places
        }
        self._wish_fields = [name for name in self._places if name not in _OF_THE_REQUEST and name not in OUTCOMES]
        self._assumes_most = known.assumes_most
        self._bad_rows = bad_rows
        stops = not bad_rows.is_skipped
        self._instants = Instants(stops=stops) if known.tick_s is None else Ticks(known.tick_s, stops=stops)
        said = [name for name in places if name in MOMENTS or name in OUTCOMES]
        self._outcomes = OutcomeRows(said, self._instants, known.blanks) if said else None
        self._at: list[NDArray[Any]] = []
        self._wish: list[NDArray[np.int64]] = []
        self._of_request: dict[str, list[Hashable]] = {name: [] for name in ("priority", "deadline_s", "job_id") if name in self._places}
        self._wishes: dict[tuple[Hashable, ...], int] = {}
        self._wish_line: list[int] = []

    @classmethod
    def is_field(cls, name: str) -> bool:
        """Whether a request has this field."""
        return name in cls.names or (name.startswith(STYLE) and len(name) > len(STYLE))

    def add(self, block: Block) -> None:
        """Take the rows of a block. Raises TraceError for a bad one, unless bad rows are skipped."""
        if not block.lines:
            return
        faults: dict[int, Fault] = {}
        at, problems = self._instants.read(block.cells[self._arrived_in])
        _note(faults, problems, block.lines, self._arrived_in)
        values: dict[str, list[Any]] = {}
        if self._outcomes is not None:
            values, found = self._outcomes.moments({name: block.cells[column] for name, column in self._moments.items()})
            for name, problems in found.items():
                _note(faults, problems, block.lines, self._moments[name])
        for name, column in self._places.items():
            values[name], problems = self._cells[name].values(block.cells[column], faults)
            _note(faults, problems, block.lines, column)
            if column not in self.seen and any(cell is not None for cell in block.cells[column]):
                self.seen.add(column)
        self.seen.update((self._arrived_in, *self._moments.values()))
        lines = block.lines
        if faults:
            self._bad_rows.report(list(faults.values()))
            good = [place for place in range(len(lines)) if place not in faults]
            at, lines = at[good], [lines[place] for place in good]
            values = {name: [column[place] for place in good] for name, column in values.items()}
        if lines:
            self._keep(at, lines, values)

    def _keep(self, at: NDArray[Any], lines: list[int], values: Mapping[str, list[Hashable]]) -> None:
        wishes, number = self._wishes, self._wishes.setdefault
        columns = [values[name] for name in self._wish_fields]
        wanted = zip(*columns, strict=True) if columns else iter([()] * len(lines))
        index = np.fromiter([number(wish, len(wishes)) for wish in wanted], dtype=np.int64, count=len(lines))
        highest = np.maximum.accumulate(np.concatenate(([len(self._wish_line) - 1], index)))
        self._wish_line.extend([lines[place] for place in np.flatnonzero(highest[1:] > highest[:-1]).tolist()])
        self._at.append(at)
        self._wish.append(index)
        for name, column in self._of_request.items():
            column.extend(values[name])
        if self._outcomes is not None:
            self._outcomes.add(at, lines, values)
        self.n += len(lines)

    # -- the whole -----------------------------------------------------------------------------------------------------------
    def trace(self, defaults: Mapping[str, Any], format: str, unused: tuple[str, ...]) -> Trace:
        """All rows, sorted by instant, ties in the order of the file."""
        at, wish = np.concatenate(self._at), np.concatenate(self._wish)
        priority, deadline_s, job, jobs = self._requests(defaults)
        outcomes = None if self._outcomes is None else self._outcomes.gathered()
        n_out_of_order = int(np.count_nonzero(at[1:] < np.maximum.accumulate(at)[:-1]))
        if n_out_of_order:
            order = np.argsort(at, kind="stable")
            at, wish, priority = at[order], wish[order], priority[order]
            deadline_s, job = None if deadline_s is None else deadline_s[order], None if job is None else job[order]
            outcomes = None if outcomes is None else outcomes.kept(order)
        is_absolute = self._instants.is_absolute
        starts_at_ns = int(at[0]) if is_absolute else None
        arrived_at = (at - at[0]) / 1e9 if is_absolute else at.astype(np.float64)
        return Trace(
            self._bad_rows.path, format, self._bad_rows.unit, arrived_at, wish, priority, deadline_s, job, self._made(defaults), self._wish_line,
            jobs, starts_at_ns, n_out_of_order, self._bad_rows.n, self._bad_rows.examples, unused, outcomes,
        )  # fmt: skip

    def _made(self, defaults: Mapping[str, Any]) -> list[Wish]:
        """The distinct wishes, defaults filled in."""
        style_of = {str(name): value for name, value in dict(defaults.get("style_params", {})).items()}
        names = {"duration": "duration_s"}
        plain = {names.get(name, name): value for name, value in defaults.items() if names.get(name, name) in Wish._fields}
        made = []
        for values in self._wishes:
            said: dict[str, Any] = {}
            style = dict(style_of)
            for name, value in zip(self._wish_fields, values, strict=True):
                if value is None:
                    continue
                if name == "style_params":
                    style.update(value)  # type: ignore[call-overload]  # its reader gives pairs
                elif name.startswith(STYLE):
                    style[name.removeprefix(STYLE)] = value
                else:
                    said[names.get(name, name)] = value
            if self._assumes_most and said.get("max_units_out") is not None and "units_out" not in said and "units_out" not in plain:
                said["units_out"] = said["max_units_out"]
            made.append(Wish(**{**plain, **said, "style": tuple(sorted(style.items(), key=_named))}))
        return made

    def _requests(self, defaults: Mapping[str, Any]) -> tuple[NDArray[np.int8], NDArray[np.float64] | None, NDArray[np.int64] | None, list[str]]:
        """What rows say of the request: priority, deadline, job; names of the jobs."""
        plain = defaults.get("priority", NORMAL)
        given = self._of_request.get("priority")
        priority = np.full(self.n, plain, dtype=np.int8)
        if given is not None:
            priority = np.array([plain if value is None else value for value in given], dtype=np.int8)
        deadline_s, plain_s = None, defaults.get("deadline_s", np.nan)
        if "deadline_s" in self._of_request:
            deadline_s = np.array([plain_s if value is None else value for value in self._of_request["deadline_s"]], dtype=np.float64)
        elif "deadline_s" in defaults:
            deadline_s = np.full(self.n, plain_s, dtype=np.float64)
        numbers: dict[Hashable, int] = {}
        job = None
        if "job_id" in self._of_request:
            job = np.array([-1 if name is None else numbers.setdefault(name, len(numbers)) for name in self._of_request["job_id"]], dtype=np.int64)
        return priority, deadline_s, job, [str(name) for name in numbers]


def _named(pair: tuple[str, Any]) -> str:
    return pair[0]


def _note(faults: dict[int, Fault], problems: list[tuple[int, str]], lines: list[int], column: str) -> None:
    """The first problem of each bad row."""
    for place, problem in problems:
        faults.setdefault(place, Fault(lines[place], column, problem))
