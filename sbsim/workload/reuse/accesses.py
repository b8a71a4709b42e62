"""A file of traffic as accesses to a cache: which content each request asks for, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.workload.identity import OWN, UNKNOWN, identities
from sbsim.workload.reuse.lines import LINES, is_plain, read_lines
from sbsim.workload.traces import Trace, read_trace


@dataclass(frozen=True)
class Accesses:
    """Requests in order of arrival; columns of shape (n,).

    Attributes
    ----------
    content : number of the content asked for, below `n_contents`; OWN for what nobody else may be given, which no cache keeps.
    at : seconds; None for a plain file of keys, which has no times. warnings : sentences for the reader.
    """

    path: str
    format: str
    content: NDArray[np.int64]
    at: NDArray[np.float64] | None
    n_contents: int
    warnings: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of requests."""
        return self.content.size


def read_accesses(
    path: str,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    on_bad_row: str = "error",
) -> Accesses:
    """The accesses in a file.

    Parameters
    ----------
    path : of a trace, or of a text file with one key a line. format : one of `traces.FORMATS`, "lines", or None: lines where the file is plain text
    without an `arrived_at`, else generic. The others are those of `traces.read_trace`.

    Raises
    ------
    TraceError, ScenarioError
        As `traces.read_trace`.
    """
    if format == LINES or (format is None and not columns and is_plain(path)):
        keys = read_lines(path)
        numbers: dict[str, int] = {}
        content = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
        return Accesses(path, LINES, content, None, len(numbers))
    trace = read_trace(path, format=format or "generic", columns=columns, defaults=defaults, on_bad_row=on_bad_row)
    return _of_trace(trace)


def _of_trace(trace: Trace) -> Accesses:
    known = identities(trace)
    warnings = trace.warnings()
    is_unknown = known == UNKNOWN
    if is_unknown.all():
        warnings.append(f"{trace.path}: no row says what it asks for (a prompt, a fingerprint or inputs), so each counts as content of its own")
    elif is_unknown.any():
        warnings.append(f"{trace.path}: {int(is_unknown.sum())} rows do not say what they ask for; each counts as content of its own")
    n_known = int(known.max(initial=-1)) + 1
    content = known.copy()
    content[is_unknown] = np.arange(n_known, n_known + int(is_unknown.sum()))
    _, content[content != OWN] = np.unique(content[content != OWN], return_inverse=True)  # rows that were cut off leave no gap
    return Accesses(trace.path, trace.format, content, trace.arrived_at, int(content.max(initial=-1)) + 1, tuple(warnings))
