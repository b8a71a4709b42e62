"""What a workload is like before anything is simulated, as far as claims depend on it.

Owns the computation of `claim.FACTS` from a scenario and its traffic. Knows prices and prepared requests; no run.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from sbsim.pricing import PriceBook
from sbsim.records import Content, Item, Request
from sbsim.scenario import ProviderSpec, Scenario
from sbsim.workload import prepare

_MANY = 1000
"""Items of a full call where nothing limits it: what is shared then is shared by so many that a thousand more change nothing."""


def facts_of(scenario: Scenario, seed: int) -> dict[str, float]:
    """The facts, by name, of the scenario's first replication; `items_per_call` may be inf."""
    prepared = prepare(scenario, seed, 0)
    asked = prepared.content_index[: prepared.n]
    _, firsts, n_asked = np.unique(asked, return_index=True, return_counts=True)
    contents = [prepared.contents[serial] for serial in asked[np.sort(firsts)[:_MANY]].tolist()]
    lane = contents[0].offers[0].lane
    spec = scenario.providers[lane]
    n_items = items_per_call(spec)
    return {
        "company": _saved_by_company(spec, prepared.books[lane], [content for content in contents if content.group == contents[0].group], n_items),
        "items_per_call": n_items,
        "repeats": 1 - len(n_asked) / len(asked),
        "similarity_threshold": scenario.config.batching.similarity_threshold,
    }


def items_per_call(spec: ProviderSpec) -> float:
    """Requests for different contents that a call of this lane takes at most; inf for any number."""
    if spec.api.takes in ("one", "variants"):
        return 1.0
    return inf if spec.api.max_items is None else float(spec.api.max_items)


def _saved_by_company(spec: ProviderSpec, book: PriceBook, contents: Sequence[Content], n_items: float) -> float:
    """Share of their price alone that a full call of the first contents saves, if it takes the expected time and nothing fails."""
    together = contents[: int(min(n_items, len(contents)))]
    latency = spec.latency
    each = [latency.per_item + latency.per_second * one.duration_s + latency.per_unit * one.facts.units_out for one in together]
    seconds = latency.setup + max(max(each), sum(each) / latency.parallel_items) if latency.total is None else latency.total.mean
    alone = sum(book.alone_nano(one.facts) for one in together)
    items = [Item(Request(k, 0.0, inf, 2, one)) for k, one in enumerate(together)]
    return 1 - book.quote(items, float(seconds)) / alone if alone else 0.0
