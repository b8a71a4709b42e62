"""Kinds 5 and 6: one content that expires and is joined while it is made, and an LRU cache under independent references."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from sbsim.measure import Counted
from sbsim.records import JOINED
from sbsim.verification import closed_forms as exact
from sbsim.verification.experiment import AT_ONCE, Document, Experiment, Readings, document, mean_of, poisson, ratio_of

Rates = Mapping[str, float]

# -- 5: one content that expires ---------------------------------------------------------------------------------------------
RATE, LATENCY_S, LATENCY_CV, TTL_S = 2.0, 1.0, 0.7, 2.0
MISSES, JOINS, HITS, JOIN_WAIT = "share of misses", "joins per miss", "hits per miss", "mean wait of a join, s"


def _expiring(factor: float, requests: int) -> Document:
    return document(
        arrivals=poisson(RATE * factor),
        requests=requests,
        latency={"total": {"law": "gamma", "mean": LATENCY_S, "cv": LATENCY_CV}},
        warmup_s=100.0,
        catalogue={"contents": 1, "popularity": {"law": "uniform"}},
        config={"batching": {"coalesce": True}, "cache": {"memory_size": 10, "ttl": TTL_S}},
    )


def _expiring_exact(factor: float) -> Rates:
    miss, joined, hit = exact.expiring_content(RATE * factor, LATENCY_S, TTL_S)
    wait_s = exact.joiner_wait(LATENCY_S, LATENCY_S**2 * (1 + LATENCY_CV**2))
    return {MISSES: miss, JOINS: joined / miss, HITS: hit / miss, JOIN_WAIT: wait_s}


def _read_expiring(counted: Counted) -> Readings:
    joined = counted.how == JOINED
    waited_s = counted.done_at[joined] - counted.arrived_at[joined]
    return {
        MISSES: ratio_of(counted, "n_provider_served", "n_requests"),
        JOINS: ratio_of(counted, "n_coalesced", "n_provider_served"),
        HITS: ratio_of(counted, "n_exact_hits", "n_provider_served"),
        JOIN_WAIT: (float(waited_s.sum()), float(np.count_nonzero(joined))),
    }


# -- 6: LRU ------------------------------------------------------------------------------------------------------------------
HIT_RATIO = "hit ratio"


class Cache(NamedTuple):
    """An LRU cache of `capacity` entries before a catalogue of `contents`, of Zipf's law."""

    contents: int
    exponent: float
    capacity: int


def _lru(factor: float, requests: int, cache: Cache) -> Document:
    """Content is there the moment it is asked for, and never expires: only room decides.

    What the cache holds depends on the last `capacity` different contents asked for and on nothing before: a short warm-up is enough.
    """
    return document(
        arrivals=poisson(factor),
        requests=requests,
        latency=AT_ONCE,
        warmup_s=50.0 + 5.0 * cache.capacity,
        catalogue={"contents": cache.contents, "popularity": {"law": "zipf", "exponent": cache.exponent}},
        config={"cache": {"memory_size": cache.capacity, "ttl": "100000h"}},
    )


def _lru_exact(_: float, cache: Cache) -> Rates:
    return {HIT_RATIO: exact.lru_hit_ratio(exact.zipf(cache.contents, cache.exponent), cache.capacity)}


def _lru_che(_: float, cache: Cache) -> Rates:
    return {HIT_RATIO: exact.che_hit_ratio(exact.zipf(cache.contents, cache.exponent), cache.capacity)}


def _read_lru(counted: Counted) -> Readings:
    return {HIT_RATIO: mean_of(counted, "cache_hit_ratio")}


TINY, SMALL, LARGE = Cache(20, 0.9, 3), Cache(60, 0.9, 15), Cache(2000, 0.8, 200)

REUSE = (
    Experiment(5, "one expiring content", _expiring, _expiring_exact, _read_expiring, 5_500),
    Experiment(6, "LRU, 3 of 20 contents", partial(_lru, cache=TINY), partial(_lru_exact, cache=TINY), _read_lru, 2_000),
    Experiment(6, "LRU, 15 of 60 contents", partial(_lru, cache=SMALL), partial(_lru_exact, cache=SMALL), _read_lru, 1_000),
    Experiment(6, "LRU, 200 of 2000 contents (Che)", partial(_lru, cache=LARGE), partial(_lru_che, cache=LARGE), _read_lru, 4_000, 48),
)
