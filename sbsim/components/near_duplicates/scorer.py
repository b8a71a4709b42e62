"""How alike two prompts are, as a number from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LOWEST_THRESHOLD = 0.5
"""No threshold is lower, so nothing below it is ever kept."""


class Scorer(Protocol):
    """A judge of likeness; an embedding model can take the place of `TokenSet`.

    `SmartBatcher(scorer=…)`, `Scenario.with_scorer(…)` and `Duplicates(prompts, …)` take any object of this shape. It is asked about the same texts
    again and again (live, about one prompt and every kept one of its scope), so let it remember their vectors. A frozen dataclass serves best: its
    `==` says which likenesses a further run may reuse, its `repr` enters the scenario's digest, and worker processes can be sent a copy.

        @dataclass(frozen=True)
        class Embedding:
            model: str                                   # `vector` is a cached function of (model, text), of length 1
            by_words = False

            def scores(self, left, right):
                return np.array([vector(self.model, a) @ vector(self.model, b) for a, b in zip(left, right)]).clip(0, 1)

        simulate(load("marketing-videos").with_scorer(Embedding("some-model")))
        SmartBatcher(provider=…, scorer=Embedding("some-model"))

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


def likeness(scorer: Scorer, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
    """What `scorer` says of left[i] and right[i], shape (n,). Raises ValueError where that is not a number for each pair."""
    scores = np.asarray(scorer.scores(left, right), dtype=np.float64)
    if scores.shape != (len(left),) or not np.isfinite(scores).all():
        given = f"shape {scores.shape}" if scores.shape != (len(left),) else "a number that is not finite"
        raise ValueError(f"{type(scorer).__name__}.scores: {given}; allowed: one number from 0 to 1 for each of {len(left)} pairs; try an array")
    return scores


@dataclass(frozen=True)
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
