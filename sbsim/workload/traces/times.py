"""Instants of a trace: relative seconds, epoch stamps or calendar stamps, kept exact.

Which of them a file uses shows in its first row, and holds for all: numbers below 10^8 are seconds from the trace's own zero, larger ones are
seconds, milliseconds, microseconds or nanoseconds since 1970 (10^8 s is March 1973); text such as "2026-11-23 16:57:50.25", with "T", a fraction of
up to nine digits and "Z" or an offset at will, is a calendar stamp, in UTC where it names no zone. Stamps are whole nanoseconds: a float of seconds
since 1970 has steps of a quarter of a microsecond.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.documents.faults import shown
from sbsim.units import parse_duration

_EPOCH_FROM = 1e8
_EPOCH_UNITS = (("seconds", 1e11, 10**9), ("milliseconds", 1e14, 10**6), ("microseconds", 1e17, 10**3), ("nanoseconds", 9.2e18, 1))
"""Name, upper end, nanoseconds in one."""
_ISO = re.compile(r"((?:1[789]|2[01])\d\d-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?")
_ALLOWED = 'allowed: seconds from the start, an epoch stamp, or a calendar stamp such as "2026-11-23T16:57:50Z"'


class Instants:
    """Reads one column of instants, block by block.

    Parameters
    ----------
    stops : at the first bad cell of a block, which ends the reading anyway.

    Attributes
    ----------
    kind : None before the first row, then "relative", "calendar", or "epoch seconds", "epoch milliseconds", …
    """

    def __init__(self, *, stops: bool = False) -> None:
        self.kind: str | None = None
        self._stops = stops

    @property
    def is_absolute(self) -> bool:
        """Whether instants are nanoseconds since 1970, int64, rather than seconds from the trace's zero, float64."""
        return self.kind not in (None, "relative")

    @property
    def name(self) -> str:
        """What its instants are, in words."""
        return _named(self.kind)

    def alike(self) -> Instants:
        """A reader of another column of the same file."""
        return Instants(stops=self._stops)

    def read(self, cells: Sequence[Any]) -> tuple[NDArray[Any], list[tuple[int, str]]]:
        """(instants, [(place, problem)]): shape of `cells` (one or more), 0 where a cell holds no instant, and what is wrong with those."""
        values = self._read_at_once(cells)
        if values is not None:
            return values, []
        instants: list[Any] = [0] * len(cells)
        problems: list[tuple[int, str]] = []
        for place, cell in enumerate(cells):
            try:
                kind, value = _instant(cell)
                if self.kind is None:
                    self.kind = kind
                if kind != self.kind:
                    raise ValueError(f"{shown(cell)} is {_named(kind)}, and the rows before it are {_named(self.kind)}; a trace uses one of them")
                instants[place] = value
            except ValueError as error:
                problems.append((place, str(error)))
                if self._stops:
                    break
        return np.array(instants, dtype=np.int64 if self.is_absolute else np.float64), problems

    def read_some(self, cells: Sequence[Any], is_blank: Callable[[Any], bool]) -> tuple[list[Any], list[tuple[int, str]]]:
        """(instants, [(place, problem)]) of cells of which some say nothing: None for those, and for the bad ones."""
        said = [place for place, cell in enumerate(cells) if not is_blank(cell)]
        instants: list[Any] = [None] * len(cells)
        if not said:
            return instants, []
        values, problems = self.read([cells[place] for place in said])
        bad = {place for place, _ in problems}
        for k, (place, value) in enumerate(zip(said, values.tolist(), strict=True)):
            if k not in bad:
                instants[place] = value
        return instants, [(said[k], problem) for k, problem in problems]

    def _read_at_once(self, cells: Sequence[Any]) -> NDArray[Any] | None:
        """All cells in bulk, or None when one of them wants a closer look."""
        if all(type(cell) is str for cell in cells):
            if self.kind in (None, "calendar"):
                stamps = _calendar_stamps(cells)
                if stamps is not None:
                    self.kind = "calendar"
                    return stamps
            if any("_" in cell for cell in cells):
                return None
        elif not all(type(cell) in (int, float) for cell in cells):
            return None
        try:
            numbers = np.array(cells, dtype=np.float64)
        except (ValueError, OverflowError):
            return None
        low, high = float(numbers.min()), float(numbers.max())  # nan spreads into both, and no comparison with it holds
        if low >= 0.0 and high < _EPOCH_FROM and self.kind in (None, "relative"):
            self.kind = "relative"
            return numbers
        start = _EPOCH_FROM
        for unit, end, nanoseconds in _EPOCH_UNITS:
            if start <= low and high < end and self.kind in (None, f"epoch {unit}"):
                self.kind = f"epoch {unit}"
                return _stamps_of(cells, numbers, nanoseconds)
            start = end
        return None


class Ticks(Instants):
    """Reads a column of instants that are numbers of ticks from the trace's own zero, however large.

    Parameters
    ----------
    tick_s : seconds of one tick.
    """

    def __init__(self, tick_s: float, *, stops: bool = False) -> None:
        super().__init__(stops=stops)
        self.kind = "relative"
        self._per_s = 1 / tick_s

    def alike(self) -> Instants:
        return Ticks(1 / self._per_s, stops=self._stops)

    def read(self, cells: Sequence[Any]) -> tuple[NDArray[Any], list[tuple[int, str]]]:
        instants = np.zeros(len(cells))
        problems: list[tuple[int, str]] = []
        for place, cell in enumerate(cells):
            try:
                if isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell):
                    raise ValueError
                value = float(cell)
                if not 0 <= value < inf:
                    raise ValueError
                instants[place] = value / self._per_s
            except (TypeError, ValueError, OverflowError):
                problems.append((place, f"{shown(cell)} is not an instant; allowed: a number, 0 or more, of {1e3 / self._per_s:g} ms each"))
                if self._stops:
                    break
        return instants, problems


def _stamps_of(cells: Sequence[Any], numbers: NDArray[np.float64], unit: int) -> NDArray[np.int64]:
    """Nanoseconds since 1970: exact for whole numbers, to the microsecond for fractions, which is all that a float of this size holds."""
    with contextlib.suppress(ValueError):
        if not any(type(cell) is float for cell in cells):
            return np.array(cells, dtype=np.int64) * unit
    whole = np.floor(numbers)
    return whole.astype(np.int64) * unit + np.rint((numbers - whole) * unit / 1000).astype(np.int64) * 1000


def _calendar_stamps(cells: Sequence[str]) -> NDArray[np.int64] | None:
    matches = list(map(_ISO.fullmatch, cells))
    if not all(matches):
        return None
    parts = [match.groups() for match in matches if match]
    try:
        stamps = np.array([f"{day}T{time}" if time else day for day, time, _ in parts], dtype="datetime64[ns]").astype(np.int64)
    except ValueError:
        return None  # a 13th month
    offsets = {zone: _offset_s(zone) for zone in {zone for _, _, zone in parts}}
    if any(offset is None for offset in offsets.values()):
        return None
    if any(offsets.values()):
        stamps -= np.array([offsets[zone] for _, _, zone in parts], dtype=np.int64) * 10**9
    return stamps


def _offset_s(zone: str | None) -> int | None:
    """Seconds east of UTC; None for a zone that cannot be."""
    if zone in (None, "Z", "UTC"):
        return 0
    assert zone is not None
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 18 or minutes > 59:
        return None
    return (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)


def _instant(cell: Any) -> tuple[str, float | int]:
    """(kind, value) of one cell. Raises ValueError."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        raise ValueError(f"empty; every row needs an instant; {_ALLOWED}")
    if isinstance(cell, np.datetime64):
        return "calendar", int(cell.astype(np.int64))
    if isinstance(cell, str):
        stamps = _calendar_stamps([cell.strip()])
        if stamps is not None:
            return "calendar", int(stamps[0])
    try:
        seconds = parse_duration(cell)
    except ValueError:
        raise ValueError(f"{shown(cell)} is not an instant; {_ALLOWED}") from None
    if seconds < 0:
        raise ValueError(f"{shown(cell)} is before the start of the trace; it must be >= 0 s")
    if seconds < _EPOCH_FROM:
        return "relative", seconds
    for unit, end, nanoseconds in _EPOCH_UNITS:
        if seconds < end:
            return f"epoch {unit}", int(_stamps_of([cell], np.array([seconds]), nanoseconds)[0])
    raise ValueError(f"{shown(cell)} is not an instant of this age; {_ALLOWED}")


def _named(kind: str | None) -> str:
    return {"relative": "seconds from the start", "calendar": "a calendar stamp"}.get(kind or "", f"{kind}")
