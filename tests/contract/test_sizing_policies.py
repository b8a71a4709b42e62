"""One contract for every sizing policy: a whole number from 1 to `most`, and the same again from the same history."""

from __future__ import annotations

from types import SimpleNamespace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from sbsim.components.sizing import AimdSize, CapacitySize, ComplexitySize, FailureSize, FixedSize
from sbsim.pricing import ExpectedCost, PriceBook, call_costs
from sbsim.records import Batch, Call, Content, Facts, Item, Outcome, Request
from sbsim.scenario import ProviderSpec

SPEC = ProviderSpec.from_mapping(
    {
        "name": "p",
        "serves": {"content_type": "image"},
        "api": {"takes": "list", "max_items": 40},
        "price": {"rates": [{"per": "call", "usd": 0.02}, {"per": "item", "usd": 0.01}], "billed": {"failed": "full"}},
    }
)


def lanes():
    """A busy lane, an idle one, and one without a limit."""
    gates = [SimpleNamespace(concurrency=4, n_in_flight=4), SimpleNamespace(concurrency=4, n_in_flight=1)]
    gates.append(SimpleNamespace(concurrency=float("inf"), n_in_flight=9))
    return [SimpleNamespace(limiter=gate, queue=[batch(1, 7)], max_part=40.0, opens_at=lambda now: now) for gate in gates]


POLICIES = {
    "fixed": FixedSize,
    "complexity": ComplexitySize,
    "capacity": lambda: CapacitySize(lanes(), lambda: [batch(0, 3), batch(1, 2)]),
    "failure": lambda: FailureSize([SimpleNamespace(book=PriceBook(SPEC), max_part=40.0)] * 3, 3),
    "aimd": AimdSize,
}


def item(lane=0, nano=10_000_000, seconds=4.0, group=0, at=0.0):
    content = Content(0, "key", "key", Facts("image", "xl", duration_s=seconds), group, 0, (PriceBook(SPEC).offer(lane, Facts("image", "xl")),), nano)
    made = Item(Request(0, at, at + 60.0, 2, content))
    made.lane = lane
    return made


def batch(lane, n, opened_at=0.0, deadline_at=60.0):
    made = Batch(1, lane, 0, opened_at)
    made.items = [item(lane) for _ in range(n)]
    made.deadline_at = deadline_at
    return made


def call(n, lane=0, sent_at=1.0, **more):
    made = batch(lane, n, **more)
    return Call(1, lane, made, made.items, 0, "", 1, sent_at, sent_at + 100.0)


answers = st.tuples(
    st.integers(1, 40), st.integers(0, 2), st.sampled_from([None, None, "transient", "rate_limited", "permanent", "timed_out", "not_sent"]),
    st.integers(0, 3), st.floats(0, 100),
)  # fmt: skip
questions = st.tuples(st.integers(0, 2), st.integers(0, 10**11), st.floats(0, 3600), st.integers(0, 2), st.integers(1, 60))


def played(policy, history):
    """Sizes that were answered along a history."""
    sizes, now = [], 0.0
    for answer, (lane, nano, seconds, group, most) in history:
        if policy.learns:
            n, number, error, n_lost, took_s = answer
            failures = [(k, "item_error") for k in range(min(n, n_lost))] if error is None else ()
            policy.answered(call(n, number, sent_at=now), Outcome(error, failures), now + took_s)
            now += took_s
        sizes.append((policy.size(item(lane, nano, seconds, group), most), most))
    return sizes


@pytest.mark.parametrize("name", POLICIES)
@given(history=st.lists(st.tuples(answers, questions), max_size=25))
def test_sizes_are_whole_within_bounds_and_the_same_again(name, history):
    """Whatever happened: 1 <= size <= most, a whole number; a fresh policy with the same history says the same."""
    sizes = played(POLICIES[name](), history)
    assert all(isinstance(size, int) and 1 <= size <= most for size, most in sizes)
    assert sizes == played(POLICIES[name](), history)


# -- what each of them is for --------------------------------------------------------------------------------------------------
def test_heavier_content_goes_in_smaller_batches():
    """Twice the mean price halves the batch, what is lighter goes in full ones; every class has its own mean; seconds stand in for no price."""
    policy = ComplexitySize()
    assert [policy.size(item(nano=100), 20) for _ in range(200)] == [20] * 200
    assert policy.size(item(nano=40), 20) == 20
    assert policy.size(item(nano=200), 20) == 10  # the mean is 102 by then
    assert policy.size(item(nano=10**9), 20) == 1
    assert policy.size(item(nano=10**9, group=1), 20) == 20
    assert [policy.size(item(nano=0, seconds=s, group=2), 20) for s in (2.0, 6.0)] == [20, 13]


def test_capacity_spreads_what_waits_over_the_free_slots():
    """3 free slots and 1 + 2 + 7 waiting on the lane: 4 each; no free slot: as many as a call takes; slots for everything: 1."""
    policy = POLICIES["capacity"]()
    assert [policy.size(item(lane), 25) for lane in range(3)] == [25, 4, 1]
    assert policy.size(item(0), 100) == 40
    assert policy.size(item(1), 2) == 2


def test_the_size_under_failures_is_the_cheapest():
    """Compared with every other size by the expected cost, at the rates that were learnt; failures that are billed make it smaller."""
    policy, sizes = POLICIES["failure"](), []
    for _ in range(6):
        size = policy.size(item(), 40)
        expected = ExpectedCost(lambda n: call_costs(PriceBook(SPEC), item(), n), policy.rates(0), 3)
        assert expected.batch(size) / size <= min(expected.batch(n) / n for n in range(1, 41)) * (1.0 + 1e-9 if size <= 32 else 1.001)
        sizes.append(size)
        for _ in range(40):
            policy.answered(call(1), Outcome("permanent"), 2.0)
    assert sizes[0] > 3 * sizes[-1]
    assert policy.size(item(1), 40) == sizes[0]  # another lane has seen nothing


def test_the_prior_is_the_stated_one_and_outcomes_move_it():
    """Half a failure in 50 calls, half in 100 items, half a poisoned in 500; what was turned away at the door says nothing."""
    policy = POLICIES["failure"]()
    assert policy.rates(0) == (0.5 / 50, 0.5 / 100, 0.5 / 500)
    policy.answered(call(8), Outcome("rate_limited"), 2.0)
    assert policy.rates(0) == (0.5 / 50, 0.5 / 100, 0.5 / 500)
    policy.answered(call(8), Outcome("transient"), 2.0)
    policy.answered(call(8), Outcome("permanent"), 2.0)  # some item is poisoned: which one, its halves will say
    policy.answered(call(1), Outcome("permanent"), 2.0)
    policy.answered(call(8), Outcome(None, [(0, "item_error"), (1, "moderated")]), 2.0)
    assert policy.rates(0) == (1.5 / 54, 1.5 / 108, 1.5 / 509)


def test_aimd_grows_by_one_and_shrinks_once_for_one_trouble():
    """Full calls that come well add an item each; trouble takes a tenth; calls sent before the cut, and calls that were not full, change nothing."""
    policy = AimdSize()
    for n in range(1, 21):
        assert policy.size(item(), 40) == n
        policy.answered(call(n, sent_at=float(n)), Outcome(), n + 0.5)
    policy.answered(call(5, sent_at=21.0), Outcome(), 21.5)
    assert policy.size(item(), 40) == 21
    policy.answered(call(21, sent_at=22.0), Outcome("transient"), 25.0)
    policy.answered(call(21, sent_at=23.0), Outcome("transient"), 26.0)
    policy.answered(call(21, sent_at=24.0), Outcome("rate_limited"), 27.0)
    assert policy.size(item(), 40) == 18  # 0.9 x 21 = 18.9
    policy.answered(call(18, sent_at=28.0), Outcome("permanent"), 29.0)
    assert policy.size(item(), 40) == 18


def test_aimd_takes_only_a_call_that_is_late_by_its_own_length_for_trouble():
    """Late after a long wait is the queue's doing, and a smaller batch would lengthen it."""
    policy = AimdSize()
    for k in range(9):
        policy.answered(call(k + 1, sent_at=float(k)), Outcome(), k + 0.5)
    policy.answered(call(10, sent_at=80.0, deadline_at=60.0), Outcome(), 90.0)
    assert policy.size(item(), 40) == 11
    policy.answered(call(11, sent_at=100.0, opened_at=95.0, deadline_at=130.0), Outcome(), 140.0)
    assert policy.size(item(), 40) == 9
