"""Randomness without order: every draw is one uniform in (0, 1) that belongs to a thing, never to a moment.

Philox is counter-based (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): its key is a digest of root seed, replication and
purpose, its counter the serial of what the draw belongs to. So one purpose never shifts another, and two candidates meet the same luck.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096
_KEPT_BLOCKS = 8
"""Serials are asked for roughly in order: older blocks are computed again in the rare case that one is wanted."""
_LEAST = 2.0**-54
"""numpy's doubles are multiples of 2^-53 in [0, 1); 0 becomes half a step. (Half a step added to all of them would round the greatest up to 1.)"""


def derive(seed: int, label: str) -> int:
    """A new root seed for another stream of the same study, such as "search" or "report"; a whole number below 2^63."""
    digest = hashlib.blake2b(f"{seed}/{label}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class Draws:
    """All draws of one replication.

    Parameters
    ----------
    seed : root seed of the study.
    replication : number of the replication within it.
    """

    __slots__ = ("_keys", "replication", "seed")

    def __init__(self, seed: int, replication: int) -> None:
        self.seed = seed
        self.replication = replication
        self._keys: dict[str, NDArray[np.uint64]] = {}

    def _key(self, purpose: str) -> NDArray[np.uint64]:
        key = self._keys.get(purpose)
        if key is None:
            digest = hashlib.blake2b(f"sbsim/1/{self.seed}/{self.replication}/{purpose}".encode(), digest_size=16).digest()
            key = self._keys[purpose] = np.frombuffer(digest, dtype=np.uint64)
        return key

    def bulk(self, purpose: str, start: int, n: int) -> NDArray[np.float64]:
        """Uniforms of serials start .. start + n - 1, shape (n,): the same whatever piece they are asked in."""
        skip = start % 4  # Philox makes four words for each counter
        words = np.random.Philox(key=self._key(purpose), counter=start // 4)
        u: NDArray[np.float64] = np.random.Generator(words).random(n + skip)
        return np.maximum(u[skip:], _LEAST)

    def one(self, purpose: str, *key: object) -> float:
        """The uniform that belongs to `key` (whole numbers and texts) alone: for rare draws, about 8 us."""
        written = "\x1f".join(map(str, key))  # not repr: numpy's numbers and Python's are the same key
        digest = hashlib.blake2b(written.encode(), digest_size=24).digest()
        counter = np.frombuffer(digest + bytes(8), dtype=np.uint64)
        return max(float(np.random.Generator(np.random.Philox(key=self._key(purpose), counter=counter)).random()), _LEAST)

    def stream(self, purpose: str, law: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None) -> Callable[[int], float]:
        """A function serial -> draw (through `law`, an inverse distribution function), computed in blocks; about 0.1 us a draw."""
        blocks: dict[int, list[float]] = {}

        def draw(serial: int) -> float:
            block = blocks.get(serial // _BLOCK)
            if block is None:
                if len(blocks) >= _KEPT_BLOCKS:
                    del blocks[next(iter(blocks))]
                u = self.bulk(purpose, serial // _BLOCK * _BLOCK, _BLOCK)
                block = blocks[serial // _BLOCK] = (u if law is None else law(u)).tolist()
            return block[serial % _BLOCK]

        return draw
