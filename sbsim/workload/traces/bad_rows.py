"""What happens to a row that cannot be read: an error that says where, or counted and left out."""

from __future__ import annotations

from typing import NamedTuple

from sbsim.errors import TraceError

_N_SHOWN = 3


class Fault(NamedTuple):
    """Why a row is bad: its line (or row number), the column at fault or None for the whole row, and what is wrong, allowed, to try."""

    line: int
    column: str | None
    problem: str


class Unreadable(ValueError):
    """A row that its format does not allow: the column at fault or None, and what is wrong, allowed, to try."""

    def __init__(self, column: str | None, problem: str) -> None:
        super().__init__(problem)
        self.column = column


class BadRows:
    """Where readers report rows that they cannot use.

    Parameters
    ----------
    path : of the file, for messages. unit : "line" or "row". is_skipped : leave bad rows out instead of raising.

    Attributes
    ----------
    n : rows left out. examples : what was wrong with the first of them.
    """

    def __init__(self, path: str, *, is_skipped: bool) -> None:
        self.path = path
        self.unit = "line"
        self.n = 0
        self.examples: list[str] = []
        self.is_skipped = is_skipped

    def report(self, faults: list[Fault]) -> None:
        """Bad rows of one block, at most one fault a row. Raises TraceError for the first in the order of the file, unless bad rows are skipped."""
        for fault in sorted(faults):
            if not self.is_skipped:
                raise TraceError(f"{self.where(fault)}; try correcting it, or on_bad_row: skip (--skip-bad-rows)")
            self.n += 1
            if len(self.examples) < _N_SHOWN:
                self.examples.append(self.where(fault))

    def where(self, fault: Fault) -> str:
        """The fault with its place in the file."""
        column = "" if fault.column is None else f"column {fault.column!r}: "
        place = f"{self.path}:{fault.line}" if self.unit == "line" else f"{self.path}: row {fault.line}"
        return f"{place}: {column}{fault.problem}"
