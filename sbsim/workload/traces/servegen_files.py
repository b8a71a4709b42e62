"""The two files of a ServeGen client, checked and read; what becomes of them is the business of `servegen`."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import gamma, isfinite, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbsim.documents.faults import one_of, shown
from sbsim.errors import TraceError
from sbsim.workload.traces.bad_rows import BadRows, Fault

PATTERNS = ("Gamma", "Weibull")
_COLUMNS = ("start", "rate", "cv", "pattern", "shape", "scale")
_SHAPES = {"Gamma": (1e-4, 1e9), "Weibull": (0.02, 1e9)}
"""Shapes whose gaps floats can hold: a CV of up to 100 for Gamma, and of 10^14 for Weibull."""
_TOLERANCE = 1e-3
"""How far the probabilities of a histogram may be from 1 in sum; they are rescaled."""
_USUAL_WIDTH_S = 600.0
_LATEST_S = 1e9


class Window(NamedTuple):
    """A stretch of time in which a client asks `rate` times a second, with gaps of a law of this pattern and shape (0 where nothing comes)."""

    start_s: float
    end_s: float
    rate: float
    cv: float
    pattern: str
    shape: float


class Histogram(NamedTuple):
    """Values in rising order, and the probability of each and all below it."""

    values: NDArray[np.int64]
    below: NDArray[np.float64]

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.int64]:
        """The value at each uniform."""
        return self.values[np.minimum(np.searchsorted(self.below, u, side="left"), self.values.size - 1)]


@dataclass(frozen=True)
class Client:
    """One client. `datasets` are its histograms by name, from `dataset_starts` on; the first one holds before that too."""

    number: int
    windows: tuple[Window, ...]
    dataset_starts: NDArray[np.float64]
    datasets: tuple[Mapping[str, Histogram], ...]

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of everything that a histogram is given of, in order."""
        return tuple(sorted({name for histograms in self.datasets for name in histograms}))

    def dataset_at(self, at: NDArray[np.float64]) -> NDArray[np.int64]:
        """Index of the histograms that hold at each instant."""
        return np.maximum(np.searchsorted(self.dataset_starts, at, side="right") - 1, 0)

    def rate_at(self, instant: float) -> float:
        """Requests per second."""
        return next((window.rate for window in self.windows if window.start_s <= instant < window.end_s), 0.0)


def read_client(number: int, trace: Path, dataset: Path, bad_rows: BadRows) -> Client:
    """A client's two files. Raises TraceError: file, line, column, given, allowed."""
    starts, histograms = _datasets(dataset)
    return Client(number, _windows(trace, bad_rows), starts, histograms)


# -- windows -----------------------------------------------------------------------------------------------------------------
def _windows(path: Path, bad_rows: BadRows) -> tuple[Window, ...]:
    read: list[Window] = []
    here = BadRows(str(path), is_skipped=bad_rows.is_skipped)
    for line, cells in enumerate((text.split(",") for text in _text(path).splitlines()), 1):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            start_s = _number("start", cells[0].strip())
            if start_s > _LATEST_S:
                raise _Bad("start", f"{cells[0]} is later than {_LATEST_S:g} s; it must be seconds from the start of the trace")
            if read and start_s <= read[-1].start_s:
                raise _Bad("start", f"{cells[0]} is not after the window before it, {read[-1].start_s:g}")
        except _Bad as error:
            here.report([Fault(line, error.column, str(error))])
            continue
        try:
            read.append(_window(start_s, cells))
        except _Bad as error:
            here.report([Fault(line, error.column, str(error))])
            read.append(Window(start_s, start_s, 0.0, 0.0, "", 0.0))  # it ends the window before it, and brings nothing
    bad_rows.n += here.n
    bad_rows.examples.extend(here.examples[: 3 - len(bad_rows.examples)])
    if not read and not here.n:
        raise TraceError(f"{path}: the file is empty; it must hold a window a line: {','.join(_COLUMNS)}")
    widths = [after.start_s - before.start_s for before, after in pairwise(read)]
    widths.extend((widths[-1:] or [_USUAL_WIDTH_S]) if read else [])
    return tuple(window._replace(end_s=window.start_s + width) for window, width in zip(read, widths, strict=True))


class _Bad(ValueError):
    def __init__(self, column: str | None, problem: str) -> None:
        super().__init__(problem)
        self.column = column


def _window(start: float, cells: list[str]) -> Window:
    if len(cells) != len(_COLUMNS):
        raise _Bad(None, f"{len(cells)} cells; a window has {len(_COLUMNS)}: {', '.join(_COLUMNS)}")
    given = dict(zip(_COLUMNS, map(str.strip, cells), strict=True))
    rate, cv = (_number(name, given[name]) for name in ("rate", "cv"))
    pattern = given["pattern"]
    if not pattern:
        if rate > 0:
            raise _Bad("pattern", f"empty, and the rate is {rate:g}; allowed: {one_of(PATTERNS)}")
        return Window(start, start, 0.0, 0.0, "", 0.0)
    if pattern not in PATTERNS:
        raise _Bad("pattern", f"{shown(pattern)} is not one of {one_of(PATTERNS)}")
    shape = _number("shape", given["shape"])
    _number("scale", given["scale"])
    low, high = _SHAPES[pattern]
    if rate > 0 and not low <= shape <= high:
        raise _Bad("shape", f"{given['shape']} must be from {low:g} to {high:g} for a {pattern} law that can be drawn from")
    return Window(start, start, rate, cv if cv > 0 or rate == 0 else _cv(pattern, shape), pattern, shape)


def _cv(pattern: str, shape: float) -> float:
    """Coefficient of variation of a law of this shape."""
    if pattern == "Gamma":
        return 1 / sqrt(shape)
    return sqrt(max(0.0, gamma(1 + 2 / shape) / gamma(1 + 1 / shape) ** 2 - 1))


def _number(column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _Bad(column, f"{shown(text)} is not a number") from None
    if not (isfinite(value) and value >= 0) or "_" in text:
        raise _Bad(column, f"{shown(text)} must be a finite number, 0 or more")
    return value


# -- histograms --------------------------------------------------------------------------------------------------------------
def _datasets(path: Path) -> tuple[NDArray[np.float64], tuple[Mapping[str, Histogram], ...]]:
    try:
        document = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        where = f":{error.lineno}:{error.colno}: not JSON: {error.msg}" if isinstance(error, json.JSONDecodeError) else ": nested too deeply"
        raise TraceError(f"{path}{where}; try getting it anew") from None
    if not isinstance(document, dict) or not document:
        raise TraceError(f"{path}: no JSON object of windows; allowed: {{start of a window in seconds: {{name: histogram}}}}")
    read: dict[float, Mapping[str, Histogram]] = {}
    for start, given in document.items():
        try:
            start_s = _number("start", str(start))
            if not isinstance(given, dict):
                raise _Bad(None, f"{shown(given)} is not an object of histograms")
            histograms = {name: _histogram(name, value) for name, value in given.items()}
        except _Bad as error:
            column = "" if error.column is None else f"{error.column}: "
            raise TraceError(f"{path}: window {shown(start)}: {column}{error}") from None
        if all(histogram is not None for histogram in histograms.values()):  # an empty one: nothing was asked for in this window
            read[start_s] = {name: histogram for name, histogram in histograms.items() if histogram is not None}
    if not read:
        raise TraceError(f"{path}: every window has an empty histogram; a client needs one that says what it asks for")
    starts = sorted(read)
    return np.array(starts), tuple(read[start] for start in starts)


def _histogram(name: str, given: Any) -> Histogram | None:
    """A histogram, None for an empty one. Bins that are no whole numbers (shares) are not quantities to ask for, and count as their floor."""
    if isinstance(given, str):
        try:
            given = ast.literal_eval(given)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise _Bad(name, f"{shown(given)} is no Python dict such as {{136: 0.25, 372: 0.75}}") from None
    if not isinstance(given, dict):
        raise _Bad(name, f"{shown(given)} is no dict of value -> probability")
    if not given:
        return None
    try:
        pairs = sorted((float(value), float(p)) for value, p in given.items())
    except (TypeError, ValueError, OverflowError):
        raise _Bad(name, f"{shown(given)} must map numbers to probabilities") from None
    values, odds = (np.array(column) for column in zip(*pairs, strict=True))
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1e12):
        raise _Bad(name, f"its values run from {values.min():g} to {values.max():g}; they must lie between 0 and 10^12")
    if not (np.isfinite(odds).all() and odds.min() >= 0 and abs(odds.sum() - 1) <= _TOLERANCE):
        raise _Bad(name, f"its probabilities add up to {odds.sum():g}; they must be 0 or more, and add up to 1")
    return Histogram(np.floor(values).astype(np.int64), np.cumsum(odds) / odds.sum())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TraceError(f"{path}: not UTF-8 text ({error.reason}); try getting it anew") from None
    except OSError as error:
        raise TraceError(f"{path}: the file cannot be read ({error.strerror})") from None
