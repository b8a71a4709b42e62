"""What a named format is: its columns as fields of a request. Each format has a file of its own; `generic` reads columns by the names of the
fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sbsim.workload.traces.fields import Read


@dataclass(frozen=True)
class TraceFormat:
    """Where the fields of a request stand in a file.

    Attributes
    ----------
    columns : field -> column that every such file has. optional : field -> column that some have.
    defaults : field -> value for what the file does not say. readers : field -> how its cells are read, where that differs from the field's own way.
    blanks : cells that say nothing. by_name : columns that bear a field's name are read as it.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    readers: Mapping[str, Read] = field(default_factory=dict)
    blanks: frozenset[str] = frozenset(("",))
    by_name: bool = False
