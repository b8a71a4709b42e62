"""What a named format is: its columns as fields of a request. Each format has a file of its own; `generic` reads columns by the names of the
fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sbsim.seeds import Draws
from sbsim.workload.traces.bad_rows import BadRows
from sbsim.workload.traces.fields import Read
from sbsim.workload.traces.files import Block


class Rowed(Protocol):
    """Whatever gives rows: a file (`files.Table`), or a generator that stands in for one.

    Attributes
    ----------
    columns : names of its columns. is_sparse : whether later rows may have others. promised : of a generator, what its laws promise; else None.
    """

    columns: tuple[str, ...]
    is_sparse: bool
    promised: Mapping[str, float] | None

    def blocks(self, wanted: tuple[str, ...], n_rows: int) -> Iterator[Block]: ...


Generator = Callable[[str, BadRows, Draws, float], Rowed]
"""(path, where bad rows go, draws, seconds after which nothing is wanted) -> rows."""


@dataclass(frozen=True)
class TraceFormat:
    """Where the fields of a request stand in a file.

    Attributes
    ----------
    columns : field -> column that every such file has. optional : field -> column that some have.
    defaults : field of a `Wish` -> value for what the file does not say. readers : field -> how its cells are read, where that differs from the
    field's own way.
    blanks : cells that say nothing. by_name : columns that bear a field's name are read as it.
    tick_s : seconds of one unit of its instants, which are counted from the trace's own zero; None where `times` tells by their looks.
    unpack : makes the columns of a row that is not flat, or whose cells depend on each other; raises `bad_rows.Unreadable`. needs, reads : columns
    of the file that it cannot do without, and that it looks at.
    may_be_document : whether a file may be one JSON array, or an object that holds one under "data". assumes_most : where only the bound on the
    units out is known, all that may come out is taken to come out. generator : draws the rows, for a format that holds laws instead of rows.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    readers: Mapping[str, Read] = field(default_factory=dict)
    blanks: frozenset[str] = frozenset(("",))
    by_name: bool = False
    tick_s: float | None = None
    unpack: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    needs: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    may_be_document: bool = False
    assumes_most: bool = False
    generator: Generator | None = None
