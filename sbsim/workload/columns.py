"""Requests as columns: what a prepared workload is made of, and how columns become `Request`s, lazily and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbsim.records import Content, Request

_PIECE = 512
"""Requests made at a time: enough to spread numpy's overhead, so few that what was fetched of their contents is still near when it is used."""


class Columns(NamedTuple):
    """One entry per request in order of arrival, each of shape (n,).

    `arrived_at`, `deadline_at` : seconds (deadline inf for none). `urgency` : 1, 2, 3. `class_index`, `tenant_index`, `content_index`, `job_index` :
    places in the lists of names and contents; job -1 for none.
    """

    arrived_at: NDArray[np.float64]
    deadline_at: NDArray[np.float64]
    urgency: NDArray[np.int8]
    class_index: NDArray[np.int32]
    tenant_index: NDArray[np.int32]
    content_index: NDArray[np.int64]
    job_index: NDArray[np.int64]


def no_jobs(n: int) -> NDArray[np.int64]:
    """(n,) of -1, without the memory."""
    return np.broadcast_to(np.array(-1, dtype=np.int64), (n,))


def joined(parts: Sequence[Columns]) -> Columns:
    """The columns of consecutive parts as one."""
    if len(parts) == 1:
        return parts[0]
    n = sum(part.arrived_at.size for part in parts)
    together = [np.concatenate([part[k] for part in parts]) for k in range(6)]
    has_jobs = any(part.job_index.strides != (0,) for part in parts)
    return Columns._make([*together, np.concatenate([part.job_index for part in parts]) if has_jobs else no_jobs(n)])


def requests_of(columns: Columns, contents: Sequence[Content], first: int) -> Iterator[Request]:
    """The requests of columns, their serials counted from `first`; about 0.4 us each."""
    pick = contents.__getitem__
    for start in range(0, columns.arrived_at.size, _PIECE):
        piece = slice(start, start + _PIECE)
        arrived_at = columns.arrived_at[piece].tolist()
        serials = range(first + start, first + start + len(arrived_at))
        deadlines, urgencies = columns.deadline_at[piece].tolist(), columns.urgency[piece].tolist()
        picked = list(map(pick, columns.content_index[piece].tolist()))  # all at once: the processor waits for many of them at a time
        yield from map(Request, serials, arrived_at, deadlines, urgencies, picked)
