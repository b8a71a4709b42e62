"""Which rows of a trace ask for the same: by fingerprint, as a batcher would find it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sbsim.components.fingerprint import fingerprint, is_reusable
from sbsim.workload.traces import Trace, Wish, as_identity

UNKNOWN, OWN = -1, -2
"""In place of a content's number: the row does not say what it asks for; nobody else may be given the same."""


def identities(trace: Trace) -> NDArray[np.int64]:
    """Number of the content that each row asks for, shape (n,), or UNKNOWN or OWN; equal where the fingerprints are."""
    numbers: dict[str, int] = {}
    return np.array([_identity(wish, numbers) for wish in trace.wishes], dtype=np.int64)[trace.wish]


def _identity(wish: Wish, numbers: dict[str, int]) -> int:
    """A prompt of unknown type is compared as text is: case counts."""
    if not wish.has_identity:
        return UNKNOWN
    request = as_identity(wish, wish.content_type or "text")
    return numbers.setdefault(fingerprint(request), len(numbers)) if is_reusable(request) else OWN
