"""How alike two prompts are, as a number from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LOWEST_THRESHOLD = 0.5
"""No threshold is lower, so nothing below it is ever kept."""


class Scorer(Protocol):
    """A judge of likeness; an embedding model can take the place of `TokenSet`.

    Attributes
    ----------
    by_words : whether only prompts that share enough words are worth asking about. False: it is asked about all prompts of a scope, which costs n
    questions a prompt, and finds those that say the same in other words altogether.
    """

    by_words: bool

    def scores(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
        """Likeness of left[i] and right[i], texts of lower-case words with spaces between, in [0, 1], shape (n,).

        The same in every process, whatever stands beside it in the sequences, and whichever of the two stands left.
        """


class TokenSet:
    """Token-set ratio (rapidfuzz): the most that can be said for two sets of words, in characters.

    With the words in common c and the rest a and b of each, sorted, it is the highest of the similarities (Indel: 1 - insertions and deletions / sum
    of lengths) of c with c + a, of c with c + b, and of c + a with c + b. Order and repetition of words do not count; it is 1 where a or b is empty.
    """

    by_words = True

    def scores(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
        """See `Scorer.scores`."""
        from rapidfuzz import fuzz, process

        return np.asarray(process.cpdist(left, right, scorer=fuzz.token_set_ratio, dtype=np.float64)) / 100.0
