"""A trace as values: what its rows ask for, in order of arrival. How a file becomes one is the business of `reading` and `rows`."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbsim.records import NORMAL, ContentRequest


class Wish(NamedTuple):
    """What a row asks for: the fields of `ContentRequest` that decide about its content. None where neither the row nor a default says it.

    `is_measured` : its units were counted afterwards, and are no part of what was asked for.
    """

    content_type: str | None = None
    engine: str | None = None
    resolution: str | None = None
    duration_s: float = 0.0
    style: tuple[tuple[str, Hashable], ...] = ()
    units_in: float = 0.0
    units_out: float = 1.0
    max_units_out: float | None = None
    n_images: int = 0
    input_s: float = 0.0
    prompt: str | None = None
    fingerprint: str | None = None
    inputs: tuple[str, ...] = ()
    tenant: str = "default"
    variant: int = 0
    seed: int | None = None
    allow_reuse: bool = True
    estimated_cost: float | None = None
    blocks: tuple[str, ...] = ()
    is_measured: bool = False

    @property
    def has_identity(self) -> bool:
        """Whether it says which content it wants, so that another row can want the same."""
        return self.fingerprint is not None or bool(self.blocks) or bool(self.inputs) or bool(self.prompt and self.prompt.strip())


def as_request(wish: Wish, content_type: str, name: str = "", urgency: int = NORMAL) -> ContentRequest:
    """A wish as a user would write it, with `name` for its id."""
    known = wish.fingerprint
    if known is None and wish.blocks:
        known = f"blocks:{hashlib.blake2b(' '.join(wish.blocks).encode(), digest_size=16).hexdigest()}"
    return ContentRequest(
        name, content_type, wish.prompt or "", wish.resolution, wish.duration_s, wish.engine, urgency, dict(wish.style), wish.estimated_cost, known,
        wish.tenant, wish.variant, wish.seed, wish.inputs, wish.allow_reuse, None, None, wish.units_in, wish.units_out, wish.max_units_out,
    )  # fmt: skip


class Outcomes(NamedTuple):
    """What a trace says of how its requests went; columns of shape (n,) in the order of the trace, nan or -1 where a row does not say.

    waited_s : seconds from arrival to start. took_s : seconds from arrival to end. cost_usd : dollars billed. status : index into
    `fields.STATUSES`. cached : 1 where an own cache answered, else 0. provider : index into `providers`, their names.
    line : where each row stands.
    """

    waited_s: NDArray[np.float64]
    took_s: NDArray[np.float64]
    cost_usd: NDArray[np.float64]
    status: NDArray[np.int8]
    cached: NDArray[np.int8]
    provider: NDArray[np.int32]
    line: NDArray[np.int64]
    providers: tuple[str, ...]

    def kept(self, keep: NDArray[Any] | slice) -> Outcomes:
        """Of the rows that `keep` chooses or orders."""
        return self._replace(**{name: getattr(self, name)[keep] for name in self._fields if name != "providers"})


def as_identity(wish: Wish, content_type: str) -> ContentRequest:
    """The request whose fingerprint says what a wish wants: without units that were measured, since how much came out makes it no other wish."""
    return as_request(wish._replace(units_in=0.0, units_out=0.0, max_units_out=None) if wish.is_measured else wish, content_type)


@dataclass(slots=True)
class Trace:
    """Rows of a traffic file in order of arrival; columns of shape (n,).

    Attributes
    ----------
    arrived_at : seconds; 0 is the first row of a file with stamps, the file's own zero for relative times, the start of `between` where that is
    given.
    wish : index into `wishes`, the distinct things asked for; `wish_line` is where each was first seen.
    priority : 1, 2, 3 (2 where the row does not say). deadline_s : seconds from arrival, nan where the row does not say. job : index into `jobs`,
    -1 for none.
    starts_at_ns : nanoseconds since 1970 of instant 0 of a file with stamps, else None.
    n_out_of_order : rows that stood after a later one; they were sorted, ties in the order of the file.
    n_skipped, skipped : bad rows left out, and what was wrong with the first. unused : columns of the file that nothing reads.
    outcomes : what the file says of how its requests went, None where it says nothing. promised : of drawn traffic, what its laws promise.
    """

    path: str
    format: str
    unit: str
    arrived_at: NDArray[np.float64]
    wish: NDArray[np.int64]
    priority: NDArray[np.int8]
    deadline_s: NDArray[np.float64] | None
    job: NDArray[np.int64] | None
    wishes: list[Wish]
    wish_line: list[int]
    jobs: list[str]
    starts_at_ns: int | None
    n_out_of_order: int
    n_skipped: int
    skipped: list[str]
    unused: tuple[str, ...]
    outcomes: Outcomes | None = None
    promised: Mapping[str, float] | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.arrived_at.size

    def kept(self, keep: NDArray[Any] | slice) -> None:
        """Leave out the rows that `keep` does not choose."""
        self.arrived_at, self.wish, self.priority = self.arrived_at[keep], self.wish[keep], self.priority[keep]
        self.deadline_s = None if self.deadline_s is None else self.deadline_s[keep]
        self.job = None if self.job is None else self.job[keep]
        self.outcomes = None if self.outcomes is None else self.outcomes.kept(keep)

    def warnings(self) -> list[str]:
        """What a reader should know of how the file was read, a sentence each."""
        said = []
        if self.n_out_of_order:
            said.append(f"{self.path}: {self.n_out_of_order} rows stood after a later one; all were sorted by time, ties in the order of the file")
        if self.n_skipped:
            said.append(f"{self.path}: {self.n_skipped} bad rows were left out (on_bad_row: skip); the first: {self.skipped[0]}")
        return said

    def place(self, line: int) -> str:
        """Where a row stands, for messages."""
        return f"{self.path}:{line}" if self.unit == "line" else f"{self.path}: row {line}"
