"""Content of the same meaning in other words: a memory of prompts that finds which kept contents a new one may be given instead.

Contract. `put(content)` makes a content findable and says which one, put longest ago, is not findable any more; `forget(key)` takes one out.
`neighbours(content)` gives the keys of the findable contents that are alike enough, the likest first, of equals the one with the lower serial; never
its own. Two contents are alike when everything but the prompt is equal (their *scope*), at least two fifths of their words are shared, as MinHash
estimates it, and the scorer gives their prompts the threshold or more. Likeness is symmetric and does not change with time, so there are two ways to
the same answers:

- `KnownNeighbours`: for a run whose contents are all known, over a `NeighbourGraph` that is computed once, in bulk, and serves every threshold;
- `NeighbourIndex`: for a live batcher, one prompt at a time.

A test holds the two equal. Both know words and nothing of what is made from them: a wrong reuse is counted where the true intent is known (a
simulation), or estimated on labelled pairs. MinHash is seeded, so that every process finds the same.
"""

from sbsim.components.near_duplicates.graph import KnownNeighbours, NeighbourGraph
from sbsim.components.near_duplicates.index import NeighbourIndex
from sbsim.components.near_duplicates.memory import Neighbours
from sbsim.components.near_duplicates.scorer import LOWEST_THRESHOLD, Scorer, TokenSet
from sbsim.components.near_duplicates.text import LEAST_SHARED, Text, read, read_all

__all__ = [
    "LEAST_SHARED", "LOWEST_THRESHOLD", "KnownNeighbours", "NeighbourGraph", "NeighbourIndex", "Neighbours", "Scorer", "Text", "TokenSet", "read",
    "read_all",
]  # fmt: skip
