"""Rows that are not flat, or whose cells depend on each other, made into columns by their format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sbsim.workload.traces.bad_rows import BadRows, Fault, Unreadable
from sbsim.workload.traces.files import Block, Table


class UnpackedTable:
    """A file of rows, as its format makes columns of them.

    Attributes
    ----------
    columns : those of the file itself. is_sparse : always: what a row says shows when it is unpacked. promised : None.
    """

    is_sparse = True
    promised: Mapping[str, float] | None = None

    def __init__(self, table: Table, unpack: Callable[[Mapping[str, Any]], Mapping[str, Any]], bad_rows: BadRows) -> None:
        self.columns = table.columns
        self._table = table
        self._unpack = unpack
        self._bad_rows = bad_rows

    def blocks(self, wanted: tuple[str, ...], n_rows: int) -> Iterator[Block]:
        """The rows, at most `n_rows` at a time, with the cells of the wanted columns. Raises TraceError."""
        for given in self._table.rows(n_rows):
            rows: list[Mapping[str, Any]] = []
            lines: list[int] = []
            faults: list[Fault] = []
            for line, row in given:
                try:
                    rows.append(self._unpack(row))
                    lines.append(line)
                except Unreadable as error:
                    faults.append(Fault(line, error.column, str(error)))
                except RecursionError:
                    faults.append(Fault(line, None, "nested too deeply; no format here needs that"))
            if faults:
                self._bad_rows.report(faults)
            yield Block(lines, {name: [row.get(name) for row in rows] for name in wanted})
