"""A file of traffic as prompts: which content each request asks for, in which words, and within which scope other words will do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.components.fingerprint import normalised, scope_fingerprint
from sbsim.errors import TraceError
from sbsim.workload.identity import UNKNOWN, identities
from sbsim.workload.reuse.lines import LINES, is_plain, read_lines
from sbsim.workload.traces import Trace, as_identity, read_trace

PLAIN_TYPE = "image"
"""What a plain file of prompts is taken to ask for: case and inner white space of a prompt do not count."""


@dataclass(frozen=True)
class Prompts:
    """Requests in order of arrival.

    Attributes
    ----------
    content : number of the content asked for, by exact identity, shape (n,); negative for what no other request asks for, or does not say.
    prompts, scopes : of each content, by number; a scope of None: no other words will do. warnings : sentences for the reader.
    """

    path: str
    format: str
    content: NDArray[np.int64]
    prompts: list[str]
    scopes: list[str | None]
    warnings: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of requests."""
        return self.content.size


def read_prompts(
    path: str,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    on_bad_row: str = "error",
) -> Prompts:
    """The prompts in a file; parameters as of `accesses.read_accesses`.

    Raises
    ------
    TraceError, ScenarioError
        As `traces.read_trace`, and where no row has a prompt.
    """
    if format == LINES or (format is None and not columns and is_plain(path)):
        lines = read_lines(path)
        numbers: dict[str, int] = {}
        content = np.array([numbers.setdefault(normalised(line, PLAIN_TYPE), len(numbers)) for line in lines], dtype=np.int64)
        firsts = np.unique(content, return_index=True)[1].tolist()
        return Prompts(path, LINES, content, [lines[k] for k in firsts], [""] * len(firsts))
    return _of_trace(read_trace(path, format=format or "generic", columns=columns, defaults=defaults, on_bad_row=on_bad_row))


def _of_trace(trace: Trace) -> Prompts:
    known = identities(trace)
    rows, firsts = np.unique(known, return_index=True)
    firsts = firsts[rows >= 0]
    order = np.argsort(firsts)  # contents in order of first appearance
    numbers = np.full(int(known.max(initial=-1)) + 1, -1, dtype=np.int64)
    numbers[known[firsts[order]]] = np.arange(order.size)
    requests = [as_identity(wish, wish.content_type or "text") for wish in (trace.wishes[trace.wish[row]] for row in firsts[order].tolist())]
    if not any(request.prompt.strip() for request in requests):
        raise TraceError(
            f"{trace.path}: no row has a prompt to compare; try --column prompt=NAME, a trace with prompts, or a text file with one a line"
        )
    warnings = trace.warnings()
    n_unknown = int((known == UNKNOWN).sum())
    if n_unknown:
        warnings.append(f"{trace.path}: {n_unknown} rows do not say what they ask for; each counts as content of its own")
    content = np.where(known >= 0, numbers[known], known)
    return Prompts(
        trace.path, trace.format, content, [request.prompt for request in requests], list(map(scope_fingerprint, requests)), tuple(warnings)
    )
