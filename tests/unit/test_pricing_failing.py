"""Expected cost under failures: against an enumeration of everything that can happen, against the known number of calls, and by simulation."""

from __future__ import annotations

import random
from itertools import product
from math import ceil, log2

import pytest

from sbsim.pricing import CallCosts, ExpectedCost, PriceBook, Rates, call_costs
from sbsim.records import Content, Facts, Item, Request
from sbsim.scenario import ProviderSpec
from sbsim.simulation import run
from tests.shop import shop


def costs(n):
    """Bills without a pattern that a mistake could hide behind."""
    return CallCosts(10.0 + 3.0 * n - 0.5 * (n > 2), 1.5, 4.0 + 0.25 * n, 7.0 + 0.125 * n)


# -- everything that can happen ------------------------------------------------------------------------------------------------
def subsets(items):
    return (tuple(item for item, is_in in zip(items, flags, strict=True) if is_in) for flags in product((False, True), repeat=len(items)))


def sent(items, poisoned, rates, left, m):
    """Expected bill of a call of `items`, of which `poisoned` are, by walking over every outcome of every attempt."""
    if not items or not left:
        return 0.0
    bills = costs(len(items))
    fails = rates.call * (bills.failed + sent(items, poisoned, rates, left - 1, m))
    if any(item in poisoned for item in items):
        half = ceil(len(items) / 2)
        halves = (items[:half], items[half:]) if len(items) > 1 else ()
        return fails + (1 - rates.call) * (bills.refused + sum(sent(part, poisoned, rates, m, m) for part in halves))
    comes = 0.0
    for lacking in subsets(items):
        share = rates.item ** len(lacking) * (1 - rates.item) ** (len(items) - len(lacking))
        comes += share * (bills.ok - bills.lost * len(lacking) + sent(lacking, poisoned, rates, left - 1, m))
    return fails + (1 - rates.call) * comes


def enumerated(n, rates, m):
    items = tuple(range(n))
    return sum(
        rates.poison ** len(poisoned) * (1 - rates.poison) ** (n - len(poisoned)) * sent(items, poisoned, rates, m, m) for poisoned in subsets(items)
    )


@pytest.mark.parametrize("rates", [Rates(0.3, 0.2, 0.1), Rates(0.0, 0.0, 0.4), Rates(0.5, 0.0, 0.0), Rates(0.0, 0.6, 0.0), Rates(0.1, 0.1, 0.9)])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_the_expectation_is_that_of_everything_that_can_happen(rates, m):
    """Every set of poisoned items, every attempt that fails, every set of items that come back empty: n up to 5."""
    expected = ExpectedCost(costs, rates, m)
    for n in range(1, 5 if m > 2 else 6):
        assert expected.batch(n) == pytest.approx(enumerated(n, rates, m), rel=1e-12)


# -- calls ---------------------------------------------------------------------------------------------------------------------
def internal_nodes(n):
    if n > 1:
        yield n
        yield from internal_nodes((n + 1) // 2)
        yield from internal_nodes(n // 2)


@pytest.mark.parametrize("q", [0.0, 0.001, 0.1, 0.9])
def test_bisecting_makes_the_known_number_of_calls(q):
    """E[calls] = 1 + 2 sum over internal nodes v of the split tree (1 - (1 - q)^|v|)."""
    expected = ExpectedCost(lambda n: CallCosts(1.0, 0.0, 1.0, 1.0), Rates(0.0, 0.0, q), 4)
    for n in (1, 2, 3, 7, 8, 25, 100, 1000):
        assert expected.batch(n) == pytest.approx(1 + 2 * sum(1 - (1 - q) ** v for v in internal_nodes(n)), rel=1e-9)


def test_a_poisoned_item_costs_no_more_calls_than_promised():
    """At most 2 ceil(log2 n) extra calls, wherever it stands."""

    def calls(items, bad):
        if len(items) == 1 or bad not in items:
            return 1
        half = (len(items) + 1) // 2
        return 1 + calls(items[:half], bad) + calls(items[half:], bad)

    for n in range(2, 40):
        assert max(calls(tuple(range(n)), bad) for bad in range(n)) <= 1 + 2 * ceil(log2(n))


def test_a_long_run_of_simulated_batches_costs_as_much():
    """20,000 batches of 9, drawn item by item: within four standard errors."""
    draw, rates, m, n = random.Random(5), Rates(0.2, 0.15, 0.05), 3, 9

    def once(items, left):
        bills = costs(len(items))
        if not left:
            return 0.0
        if draw.random() < rates.call:
            return bills.failed + once(items, left - 1)
        if any(items):
            half = (len(items) + 1) // 2
            return bills.refused + (once(items[:half], m) + once(items[half:], m) if len(items) > 1 else 0.0)
        lacking = [item for item in items if draw.random() < rates.item]
        return bills.ok - bills.lost * len(lacking) + (once(lacking, left - 1) if lacking else 0.0)

    bills = [once([draw.random() < rates.poison for _ in range(n)], m) for _ in range(20_000)]
    mean = sum(bills) / len(bills)
    error = (sum((bill - mean) ** 2 for bill in bills) / len(bills) ** 2) ** 0.5
    assert abs(mean - ExpectedCost(costs, rates, m).batch(n)) < 4 * error


# -- bills ---------------------------------------------------------------------------------------------------------------------
PROVIDER = {
    "name": "p",
    "serves": {"content_type": "image"},
    "api": {"takes": "list"},
    "price": {
        "rates": [{"per": "call", "usd": 1.0}, {"per": "item", "usd": 0.1}, {"per": "gpu_second", "usd": 0.01}],
        "tiers": [{"from": 4, "factor": 0.5}],
        "billed": {"failed": "full"},
    },
    "latency": {"setup": 10, "per_item": 2, "parallel_items": 2},
}


def picture():
    facts = Facts("image", "xl")
    return Item(Request(0, 0.0, 100.0, 2, Content(0, "k", "k", facts, 0, 0, (PriceBook(ProviderSpec.from_mapping(PROVIDER)).offer(0, facts),), 0)))


def test_bills_of_calls_come_from_the_price_book():
    """Fee, tier, GPU seconds of the stated latency; what fails is billed as `billed` says."""
    book = PriceBook(ProviderSpec.from_mapping(PROVIDER))
    assert call_costs(book, picture(), 1) == (1.22e9, 0, 1.22e9, 1.22e9)
    assert call_costs(book, picture(), 4).ok == pytest.approx(1e9 + 0.5 * (0.4e9 + 0.14e9))
    for_nothing = {**PROVIDER, "price": {**PROVIDER["price"], "billed": {"failed": "none"}}}
    assert call_costs(PriceBook(ProviderSpec.from_mapping(for_nothing)), picture(), 3)[2:] == (0, 0)


def test_the_whole_pipeline_costs_what_is_expected():
    """Calls of a fee that fail at 20 % and are billed for it, items that fail at 10 %: cost per item of full batches within 3 %."""
    provider = {
        **PROVIDER,
        "price": {"rates": [{"per": "call", "usd": 0.05}, {"per": "item", "usd": 0.01}], "billed": {"failed": "full"}},
        "latency": {"total": 1},
        "failures": {"call_error": 0.2, "item_error": 0.1},
    }
    n = 6
    scenario = shop(
        providers=[provider],
        requests=6000,
        horizon=None,
        drain_limit="3h",
        sla={},
        workload={
            "source": "synthetic",
            "arrivals": {"process": "batch", "rate": 1.0, "size": n},
            "classes": [{"name": "picture", "content_type": "image", "engine": "xl"}],
        },
        config={"batching": {"max_batch_size": n, "max_wait": "1h"}, "rate_limit": {"concurrency": 1000, "batch_pacing_interval": 0},
                "retry": {"max_attempts": 4}},
    )  # fmt: skip
    log = run(scenario, seed=3).log
    book = PriceBook(scenario.providers[0])
    expected = ExpectedCost(lambda k: call_costs(book, picture(), k), Rates(0.2, 0.1, 0.0), 4).batch(n) / n
    assert log.calls["n_items"][log.calls["is_first"]].min() == n
    assert log.calls["bill_nano"].sum() / 6000 == pytest.approx(expected, rel=0.03)
