"""From a file to a `Trace`: the rows of a traffic file in order of arrival, what each asks for, and what was wrong with the file.

Reads block by block; per row it keeps an instant and a few numbers, per *distinct* wish its fields once. It knows no price and no provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from math import inf
from typing import Any

from sbsim.documents.faults import nearest
from sbsim.errors import ScenarioError, TraceError
from sbsim.seeds import Draws
from sbsim.units import format_duration
from sbsim.workload.traces import azure_llm, generic, gentd26, litellm_spend_logs, mooncake, openai_batch, sbsim_trace, servegen
from sbsim.workload.traces.bad_rows import BadRows
from sbsim.workload.traces.fields import FIELDS, STYLE, reader
from sbsim.workload.traces.files import Table
from sbsim.workload.traces.formats import Rowed, TraceFormat
from sbsim.workload.traces.rows import Rows
from sbsim.workload.traces.trace import Trace
from sbsim.workload.traces.unpacking import UnpackedTable

FORMATS: Mapping[str, TraceFormat] = {
    "generic": generic.FORMAT,
    "sbsim": sbsim_trace.FORMAT,
    "azure-llm": azure_llm.FORMAT,
    "gentd26": gentd26.FORMAT,
    "mooncake": mooncake.FORMAT,
    "servegen": servegen.FORMAT,
    "openai-batch": openai_batch.FORMAT,
    "litellm-spend-logs": litellm_spend_logs.FORMAT,
}
_BLOCK = 65_536
_NEVER_BY_NAME = ("blocks",)
_INSTANTS = ("arriv", "submit", "request", "creat", "time", "stamp", "when", "date")
"""What a column of arrivals may have in its name, the likeliest first."""
"""Fields of one format, under a name that other files have for other things."""


def read_trace(
    path: str,
    *,
    format: str = "generic",
    columns: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    speedup: float = 1.0,
    between: tuple[float, float] | None = None,
    on_bad_row: str = "error",
    draws: Draws | None = None,
    until_s: float = inf,
    n_rows_per_block: int = _BLOCK,
) -> Trace:
    """The trace in a file.

    Parameters
    ----------
    path : of a csv (also gzipped), jsonl or Parquet file; its first bytes tell which. Of a folder, for "servegen".
    format : one of FORMATS. columns : field of a request -> column, beside those of the format. defaults : field -> value for
    what the file does not say, in base units or as text.
    speedup : instants are divided by it. between : seconds from the first arrival, [start, end): the part that is kept.
    on_bad_row : "error" or "skip". draws : of the history that a generator ("servegen") draws; by default those of seed 0. until_s : seconds from
    its beginning after which nothing is wanted of a generator, which then draws no more. n_rows_per_block : rows in memory as text at a time; it
    changes nothing else.

    Raises
    ------
    TraceError
        When the file, or a row that is not to be skipped, is not what it claims to be: file, line, column, given, allowed.
    ScenarioError
        When `format`, `columns` or `defaults` mean nothing.
    """
    known = FORMATS.get(format)
    if known is None:
        raise ScenarioError(
            f"workload.format: {format!r} is not a format that is read; allowed: {', '.join(FORMATS)}{nearest(format, FORMATS) or '; try generic'}"
        )
    bad_rows = BadRows(path, is_skipped=on_bad_row == "skip")
    table = _opened(path, known, bad_rows, draws or Draws(0, 0), until_s if between is None else min(until_s, between[1]))
    places = _places(table, known, dict(columns or {}), bad_rows)
    rows = Rows(places, known, bad_rows)
    for block in table.blocks(tuple(dict.fromkeys(places.values())), n_rows_per_block):
        rows.add(block)
    _check_found(rows, table, dict(columns or {}), bad_rows)
    used = known.reads.union(places.values())
    trace = rows.trace({**known.defaults, **_read_defaults(defaults or {})}, format, tuple(name for name in table.columns if name not in used))
    trace.promised = table.promised
    _cut(trace, speedup, between, first_at=None if known.generator is None else 0.0)
    return trace


def _opened(path: str, known: TraceFormat, bad_rows: BadRows, draws: Draws, until_s: float) -> Rowed:
    if known.generator is not None:
        return known.generator(path, bad_rows, draws, until_s)
    table = Table(path, bad_rows, may_be_document=known.may_be_document)
    if known.unpack is None:
        return table
    for column in known.needs:
        if column not in table.columns and not (table.is_sparse and bad_rows.is_skipped):
            raise TraceError(_no_column(path, _field_of(column, known), column, table.columns))
    return UnpackedTable(table, known.unpack, bad_rows)


def _field_of(column: str, known: TraceFormat) -> str:
    return next((name for name, its in {**known.columns, **known.optional}.items() if its == column), "the request")


def _read_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults as values: read like cells, so that a flag's text serves as well as a value in base units. Raises ScenarioError."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        if not (name in FIELDS or (name.startswith(STYLE) and Rows.is_field(name))):
            raise ScenarioError(f"defaults.{name}: no default for such a field; allowed: {', '.join(FIELDS)}{nearest(name, FIELDS)}")
        try:
            read = reader(name)(value)
        except ValueError as error:
            raise ScenarioError(f"defaults.{name}: {error}; try another value, or leaving it out") from None
        if name.startswith(STYLE):
            values.setdefault("style_params", {})[name.removeprefix(STYLE)] = read
        else:
            values[name] = dict(read) if name == "style_params" else read  # type: ignore[call-overload]  # its reader gives pairs
    return values


def _places(table: Rowed, known: TraceFormat, columns: dict[str, str], bad_rows: BadRows) -> dict[str, str]:
    """Field -> column of everything that is read. Raises ScenarioError, TraceError."""
    wanted = {**known.columns, **columns}
    if known.by_name:
        names = (*Rows.names, *(name for name in table.columns if name.startswith(STYLE))) if table.is_sparse else table.columns
        wanted = {**{name: name for name in names if Rows.is_field(name) and name not in wanted and name not in _NEVER_BY_NAME}, **wanted}
    is_there = known.unpack is not None or table.is_sparse
    wanted.update((name, column) for name, column in known.optional.items() if (is_there or column in table.columns) and name not in wanted)
    unknown = [name for name in wanted if not Rows.is_field(name)]
    if unknown:
        raise ScenarioError(
            f"workload.columns.{unknown[0]} (--column {unknown[0]}=…): unknown field of a request; allowed: {', '.join(Rows.names)}"
            f"{nearest(unknown[0], Rows.names)}"
        )
    for name, column in wanted.items():
        is_needed = known.unpack is None and (not table.is_sparse or (name == "arrived_at" and not bad_rows.is_skipped))
        if is_needed and column not in table.columns:
            raise TraceError(_no_column(bad_rows.path, name, column, table.columns))
    return wanted


def _no_column(path: str, name: str, column: str, columns: tuple[str, ...]) -> str:
    near = get_close_matches(column, columns, 1, 0.5)
    if name == "arrived_at" and not near:
        near = [each for word in _INSTANTS for each in columns if word in each.lower()]
    some = ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")
    fitting = [known for known, its in FORMATS.items() if its.generator is None and {*(its.needs or its.columns.values())} <= set(columns)]
    found = near[0] if near else "NAME"
    suggestion = f"format: {fitting[0]}" if fitting else f'columns: {{{name}: {found}}}, or --column "{name}={found}"'
    return f"{path}: no column {column!r} for {name}; the file has: {some}; try {suggestion}"


def _check_found(rows: Rows, table: Rowed, columns: dict[str, str], bad_rows: BadRows) -> None:
    """Raises TraceError when the file held nothing, or never a cell of a column that was asked for."""
    path = bad_rows.path
    for name, column in columns.items():
        if table.is_sparse and name != "id" and column not in rows.seen and rows.n:
            raise TraceError(_no_column(path, name, column, table.columns))
    if rows.n == 0:
        if bad_rows.n:
            raise TraceError(f"{path}: every one of its {bad_rows.n} rows is bad, and nothing is left; the first: {bad_rows.examples[0]}")
        if table.promised is not None:
            raise TraceError(f"{path}: its laws bring no request in this stretch of time; try a longer one, or another seed")
        raise TraceError(f"{path}: the file has a header but no rows; a trace needs at least one; try another file")


def _cut(trace: Trace, speedup: float, between: tuple[float, float] | None, *, first_at: float | None) -> None:
    """Keep what lies in `between`, from its start on, and divide instants by `speedup`; `first_at`: where `between` counts from, by default at the
    first arrival."""
    if between is not None:
        first_at = float(trace.arrived_at[0]) if first_at is None else first_at
        since = trace.arrived_at - first_at
        span = float(since[-1])
        keep = (since >= between[0]) & (since < between[1])
        if not keep.any():
            part = " to ".join(map(format_duration, between))
            raise TraceError(f"{trace.path}: no row in workload.between ({part}); the trace lasts {span:.6g} s; try another part of it")
        trace.kept(keep)
        trace.arrived_at = trace.arrived_at - first_at - between[0]
        if trace.starts_at_ns is not None:
            trace.starts_at_ns += round(between[0] * 1e9)
    if speedup != 1.0:
        trace.arrived_at = trace.arrived_at / speedup
